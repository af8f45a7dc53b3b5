"""The admission chain: the validating webhooks that are registered in the store right now."""

from __future__ import annotations

from actgate_sandbox.admission import Attributes, Endpoint, Webhooks
from actgate_sandbox.stand_in import scale
from actgate_sandbox.stand_in.call import Call
from actgate_sandbox.stand_in.resources import Resource
from actgate_sandbox.stand_in.store import Key, Place, Store
from actgate_sandbox.status import Object

_CONFIGURATIONS = Place("admissionregistration.k8s.io", "validatingwebhookconfigurations")
_NAMESPACES = Place("", "namespaces")
_OPTIONS = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}


class Admission:
    """Asks the webhooks about every write, dry runs and writes that change nothing included."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._webhooks = Webhooks()

    async def review(self, call: Call, operation: str, new: Object | None, old: Object | None) -> None:
        """Have a write admitted; warnings are added to the call.

        Raises:
            ApiError: A webhook refuses, or could not be called although its answer is needed.
        """
        configurations = [stored.obj for stored in self._store.all_of(_CONFIGURATIONS)]
        if not configurations:
            return
        decision = await self._webhooks.review(
            configurations, self._labels(call), self._attributes(call, operation, new, old)
        )
        call.warnings.extend(decision.warnings)
        if decision.denied is not None:
            raise decision.denied

    async def close(self) -> None:
        """Close the connections to webhooks."""
        await self._webhooks.close()

    def _labels(self, call: Call) -> dict[str, str] | None:
        if not call.namespace:
            return None
        namespace = self._store.get(_NAMESPACES, Key("", call.namespace))
        return (namespace.obj["metadata"].get("labels") or {}) if namespace else {}

    def _attributes(self, call: Call, operation: str, new: Object | None, old: Object | None) -> Attributes:
        resource, window = call.resource, call.subresource == "scale" and call.resource.scale
        return Attributes(
            operation,
            _endpoint(resource, call.subresource),
            call.name,
            call.namespace,
            call.subresource,
            scale.shown(new, window) if new and window else new,
            scale.shown(old, window) if old and window else old,
            _options(call, operation),
            call.options.dry_run,
            call.user,
        )


def _endpoint(resource: Resource, subresource: str) -> Endpoint:
    if subresource == "scale":
        identity = (resource.group, resource.version, resource.plural)
        return Endpoint(*identity, "Scale", "autoscaling", "v1")
    return Endpoint(resource.group, resource.version, resource.plural, resource.kind)


def _options(call: Call, operation: str) -> Object:
    given = call.options
    options: Object = {"kind": _OPTIONS[operation], "apiVersion": "meta.k8s.io/v1"}
    if given.dry_run:
        options["dryRun"] = ["All"]
    if operation == "DELETE":
        return options | ({"propagationPolicy": given.policy} if given.policy else {})
    if given.manager_given:
        options["fieldManager"] = given.manager
    if given.validation_given:
        options["fieldValidation"] = given.validation
    return options
