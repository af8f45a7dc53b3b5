"""Every write: create, replace, patch, apply, delete.

A write reads the current state, makes the next one, has it completed, validated and admitted, and
commits it unless another writer was faster; then it tries again, if no resourceVersion was given. A write
that changes nothing is admitted all the same, and leaves the resourceVersion alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from actgate_sandbox.stand_in import managers, metadata, patches, scale
from actgate_sandbox.stand_in.admitting import Admission
from actgate_sandbox.stand_in.call import Call
from actgate_sandbox.stand_in.decoding import complete, require_typed, require_valid
from actgate_sandbox.stand_in.deletion import deletion_mark, pending_finalizers
from actgate_sandbox.stand_in.fieldsets import Path, TypeMismatchError
from actgate_sandbox.stand_in.resources import Resource
from actgate_sandbox.stand_in.store import ChangedError, Key, Place, Store, Stored
from actgate_sandbox.status import (
    Cause,
    Json,
    Object,
    already_exists,
    bad_request,
    conflict,
    failure,
    forbidden,
    invalid_option,
    not_found,
    not_implemented,
    success,
    unsupported_media_type,
)

_ATTEMPTS = 10
_NAMESPACES = Place("", "namespaces")

Change = Callable[[Object], Object]
"""Makes the next state of an object from a copy of its current one."""


class Written(NamedTuple):
    """What a write answers with."""

    obj: Object
    created: bool = False
    raw: bytes | None = None


class Writer:
    """All writes to one store."""

    def __init__(self, store: Store, admission: Admission) -> None:
        self._store = store
        self._admission = admission

    async def create(self, call: Call, body: Json) -> Written:
        """Create an object; its name is in the body, or generated."""
        new = metadata.require_object(call, body)
        metadata.begin(new, call.namespace)
        return await self._create(call, new, applied=False)

    async def _create(self, call: Call, new: Object, *, applied: bool) -> Written:
        named = call.about(new["metadata"].get("name", ""))
        resource = named.resource
        self._require_namespace(named)
        if resource.status:
            new.pop("status", None)
        new = complete(named, new)
        resource.prepare(new, None)
        if not applied:
            nothing = dict(resource.skeleton)
            managers.track(nothing, new, resource.schema, _manager(named), _keeps(named))
        resource.allocate(new, None)
        if resource.counted:
            new["metadata"]["generation"] = 1
        require_valid(named, new, None, [])
        await self._admission.review(named, "CREATE", new, None)
        self._require_namespace(named)
        if self._store.get(resource.place, named.key) is not None:
            raise already_exists(resource.plural, resource.group, named.name)
        if named.options.dry_run:
            return Written(new, created=True)
        stored = self._store.commit(resource.place, named.key, resource.stored(new), None)
        return _answer(resource, stored, created=True)

    def _require_namespace(self, call: Call) -> None:
        if not call.resource.namespaced:
            return
        namespace = self._store.get(_NAMESPACES, Key("", call.namespace))
        if namespace is None:
            raise not_found("namespaces", "", call.namespace)
        if namespace.obj["metadata"].get("deletionTimestamp"):
            why = f"unable to create new content in namespace {call.namespace} because it is being terminated"
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {call.namespace} is being terminated",
                "field": "metadata.namespace",
            }
            resource = call.resource
            raise forbidden(resource.plural, resource.group, call.name, why, causes=[cause])

    async def replace(self, call: Call, body: Json) -> Written:
        """Replace an object (or what the subresource shows of it)."""
        if call.subresource == "scale":
            return await self._update(call, lambda live: _rescaled(call, live, body))
        new = metadata.require_object(call, body)
        return await self._update(call, lambda _: {**new, "metadata": dict(new["metadata"])}, replaced=True)

    async def patch(self, call: Call, content_type: str, body: Json) -> Written:
        """Patch an object in one of the four ways."""
        if content_type == patches.APPLY_PATCH:
            return await self._apply(call, body)
        if content_type == patches.STRATEGIC_PATCH and call.resource.custom:
            raise unsupported_media_type(
                content_type, (patches.JSON_PATCH, patches.MERGE_PATCH, patches.APPLY_PATCH)
            )
        return await self._update(call, lambda live: _patched(call, live, content_type, body))

    async def _apply(self, call: Call, body: Json) -> Written:
        config = metadata.require_object(call, body, typed=True)
        if call.subresource == "scale":
            raise not_implemented("server-side apply of a Scale; patch or replace it instead")
        if not call.options.manager_given:
            why = "Required value: is required for apply patch"
            raise invalid_option("PatchOptions", Cause("FieldValueRequired", "fieldManager", why))
        if config["metadata"].get("managedFields") is not None:
            raise bad_request("metadata.managedFields must be nil")
        if config["metadata"].setdefault("name", call.name) != call.name:
            raise bad_request(
                f"the name of the object ({config['metadata']['name']}) does not match the name "
                f"on the URL ({call.name})"
            )
        if self._store.get(call.resource.place, call.key) is None and not call.subresource:
            return await self._create_by_apply(call, config)
        return await self._update(call, lambda live: _applied(call, live, config), applied=True)

    async def _create_by_apply(self, call: Call, config: Object) -> Written:
        config["metadata"].pop("resourceVersion", None)
        if uid := config["metadata"].get("uid"):
            why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise conflict(call.resource.plural, call.resource.group, call.name, why)
        empty = {key: config[key] for key in ("apiVersion", "kind")} | {"metadata": {}}
        new = _applied(call, empty, config)
        metadata.begin(new, call.namespace)
        return await self._create(call, new, applied=True)

    async def _update(
        self, call: Call, change: Change, *, applied: bool = False, replaced: bool = False
    ) -> Written:
        resource = call.resource
        for _ in range(_ATTEMPTS):
            live = self._store.get(resource.place, call.key)
            if live is None:
                raise call.missing()
            before = resource.shown(live.obj)
            after = change(resource.shown(live.copy()))
            metadata.carry_over(call, before, after, replaced=replaced)
            new = self._next_state(call, before, after, applied=applied)
            await self._admission.review(call, "UPDATE", new, before)
            try:
                return self._commit(call, live, new)
            except ChangedError:
                continue
        raise conflict(resource.plural, resource.group, call.name)

    def _next_state(self, call: Call, live: Object, new: Object, *, applied: bool) -> Object:
        resource = call.resource
        _keep_other_half(call, live, new)
        new = complete(call, new)
        resource.prepare(new, live)
        if not applied:
            managers.track(live, new, resource.schema, _manager(call), _keeps(call))
        resource.allocate(new, live)
        if resource.counted and _counted_part(call, live) != _counted_part(call, new):
            new["metadata"]["generation"] = live["metadata"].get("generation", 0) + 1
        require_valid(call, new, live, list(metadata.finalizer_causes(live, new)))
        return new

    def _commit(self, call: Call, live: Stored, new: Object) -> Written:
        resource, place, key = call.resource, call.resource.place, call.key
        after = resource.stored(new)
        if _unchanged(live.obj, after):
            if self._store.get(place, key) is not live:
                raise ChangedError
            return _answer(resource, live)
        if call.options.dry_run:
            return Written(new)
        stored = self._store.commit(place, key, after, live)
        if new["metadata"].get("deletionTimestamp") and not pending_finalizers(new):
            stored = self._store.remove(place, key, stored)
        return _answer(resource, stored)

    async def delete(self, call: Call, options: Object) -> Written:
        """Delete an object, or mark it where finalizers or dependents come first."""
        resource = call.resource
        for _ in range(_ATTEMPTS):
            live = self._store.get(resource.place, call.key)
            if live is None:
                raise call.missing()
            metadata.check_preconditions(call, live.obj, options.get("preconditions"))
            await self._admission.review(call, "DELETE", None, live.obj)
            try:
                return self._delete(call, live, options)
            except ChangedError:
                continue
        raise conflict(resource.plural, resource.group, call.name)

    def _delete(self, call: Call, live: Stored, options: Object) -> Written:
        place, key = call.resource.place, call.key
        if self._store.get(place, key) is not live:
            raise ChangedError
        marked = deletion_mark(live, options.get("propagationPolicy"))
        if marked is not None:
            if call.options.dry_run or marked == live.obj:
                return Written(call.resource.shown(marked))
            return _answer(call.resource, self._store.commit(place, key, marked, live))
        if not call.options.dry_run:
            self._store.remove(place, key, live)
        details = {"name": call.name, "group": call.resource.group, "kind": call.resource.plural}
        details["uid"] = live.obj["metadata"]["uid"]
        return Written(success({name: value for name, value in details.items() if value}))


def _answer(resource: Resource, stored: Stored, *, created: bool = False) -> Written:
    if resource.from_stored is None:
        return Written(stored.obj, created, stored.raw)
    return Written(resource.shown(stored.obj), created)


def _patched(call: Call, live: Object, content_type: str, body: Json) -> Object:
    if call.subresource == "scale":
        assert call.resource.scale is not None  # noqa: S101 - routing has checked it
        window = scale.shown(live, call.resource.scale)
        return _rescaled(call, live, _changed(window, content_type, body, {}))
    changed = _changed(live, content_type, body, call.resource.schema)
    return metadata.require_object(call, changed)


def _changed(obj: Object, content_type: str, body: Json, schema: Json) -> Object:
    if content_type == patches.JSON_PATCH:
        return patches.json_patch(obj, body)
    if not isinstance(body, dict):
        raise bad_request("the patch is not a JSON object")
    if content_type == patches.MERGE_PATCH:
        merged: Object = patches.merge_patch(obj, body)
        return merged
    return patches.strategic_patch(obj, body, schema)


def _applied(call: Call, live: Object, config: Object) -> Object:
    require_typed(call, config)
    try:
        merged = managers.apply(
            live,
            _own_half(call, config),
            call.resource.schema,
            _manager(call, "Apply"),
            _keeps(call),
            force=call.options.force,
        )
    except TypeMismatchError as error:
        place = f"{call.namespace}/{call.name}"
        raise failure(f"failed to create typed patch object ({place}): {error}") from error
    if version := config["metadata"].get("resourceVersion"):
        # As in any other update, it names the version that is meant.
        merged["metadata"]["resourceVersion"] = version
    return merged


def _own_half(call: Call, config: Object) -> Object:
    """Leave out of a configuration what cannot be applied through this endpoint."""
    if call.subresource == "status":
        named = {"name": config["metadata"]["name"]}
        half = ("apiVersion", "kind", "status")
        kept: Object = {key: config[key] for key in half if key in config}
        return {**kept, "metadata": named}
    if call.resource.status:
        return {key: value for key, value in config.items() if key != "status"}
    return config


def _rescaled(call: Call, live: Object, sent: Json) -> Object:
    if not isinstance(sent, dict):
        raise bad_request("the body of the request is not a JSON object")
    assert call.resource.scale is not None  # noqa: S101 - routing has checked it
    return scale.put(live, call.resource.scale, sent)


def _keep_other_half(call: Call, live: Object, new: Object) -> None:
    """Through /status only the status changes, and elsewhere everything but the status."""
    if call.subresource == "status":
        kept = ("managedFields", "resourceVersion")
        sent = {key: new["metadata"][key] for key in kept if key in new["metadata"]}
        status = new.get("status")
        new.clear()
        new.update({key: value for key, value in live.items() if key != "status"})
        new["metadata"] = {**live["metadata"], **sent}
        if status is not None:
            new["status"] = status
    elif call.resource.status:
        new.pop("status", None)
        if "status" in live:
            new["status"] = live["status"]


def _counted_part(call: Call, obj: Object) -> Object:
    aside = {"metadata", "status"} if call.resource.status else {"metadata"}
    return {key: value for key, value in obj.items() if key not in aside}


def _manager(call: Call, operation: str = "Update") -> managers.Manager:
    version = call.resource.api_version
    return managers.Manager(call.options.manager, operation, version, call.subresource)


def _keeps(call: Call) -> Callable[[Path], bool]:
    """Through /status a manager owns status fields only, elsewhere everything else."""
    if call.subresource == "status":
        return lambda path: path[0] == "f:status"
    if call.resource.status:
        return lambda path: path[0] != "f:status"
    return lambda _: True


def _unchanged(live: Object, new: Object) -> bool:
    """Compare two states; times in managedFields alone are no change."""
    if live == new:
        return True
    before = {key: item for key, item in live["metadata"].items() if key != "managedFields"}
    after = {key: item for key, item in new["metadata"].items() if key != "managedFields"}
    return {**live, "metadata": before} == {**new, "metadata": after} and managers.same_but_times(
        live["metadata"].get("managedFields"), new["metadata"].get("managedFields")
    )
