"""The rules of `metadata`: names, what the server sets, and what an update may not touch."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from actgate_sandbox.stand_in.call import Call
from actgate_sandbox.stand_in.managers import now
from actgate_sandbox.status import (
    Cause,
    Json,
    Object,
    bad_request,
    conflict,
    failure,
    invalid,
)

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = re.compile(rf"({_SUBDOMAIN}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_CHARACTERS = "must consist of lower case alphanumeric characters"
_SUBDOMAIN_RULE = f"a lowercase RFC 1123 subdomain {_CHARACTERS}, '-' or '.'"
LABEL_RULE = f"a lowercase RFC 1123 label {_CHARACTERS} or '-'"
_QUALIFIED_RULE = "name part must consist of alphanumeric characters, '-', '_' or '.'"
_VALUE_RULE = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'"
_LABEL_NAMES = frozenset({"Namespace", "Service"})
_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SERVER_SET = (
    *("uid", "creationTimestamp", "generation", "selfLink"),
    *("deletionTimestamp", "deletionGracePeriodSeconds"),
)


def require_object(call: Call, body: Json, *, typed: bool = False) -> Object:
    """Check that a body is an object of the kind that the path names.

    Args:
        call: The request.
        body: What was sent.
        typed: Whether apiVersion and kind are required; the path implies them.

    Raises:
        ApiError: 400 with what is wrong.
    """
    if not isinstance(body, dict):
        raise bad_request("the body of the request is not a JSON object")
    _check_type(call, body, typed=typed or call.resource.custom)
    metadata = body.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise bad_request("metadata is not a JSON object")
    body["metadata"] = {key: item for key, item in (metadata or {}).items() if item is not None}
    _check_namespace(call, body["metadata"])
    return body


def _check_type(call: Call, body: Object, *, typed: bool) -> None:
    resource = call.resource
    if not typed:
        body.setdefault("apiVersion", resource.api_version)
        body.setdefault("kind", resource.kind)
    version, kind = body.get("apiVersion") or "", body.get("kind") or ""
    if not kind:
        raise bad_request(
            f"the object provided is unrecognized (must be of type {resource.kind}): Object 'Kind' is missing"
        )
    if version != resource.api_version:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version "
            f"({resource.api_version})"
        )
    if kind != resource.kind:
        raise bad_request(f"the kind in the data ({kind}) does not match the expected kind ({resource.kind})")


def _check_namespace(call: Call, metadata: Object) -> None:
    if not call.resource.namespaced:
        if metadata.pop("namespace", ""):
            raise bad_request("namespace may not be set on a cluster-scoped object")
    elif metadata.get("namespace", call.namespace) != call.namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def begin(obj: Object, namespace: str = "") -> None:
    """Set what the server sets on a new object, and the name where one is to be generated.

    Raises:
        ApiError: 500 where the client sent a resourceVersion, as the real server answers.
    """
    metadata = obj["metadata"]
    if metadata.pop("resourceVersion", ""):
        raise failure("resourceVersion should not be set on objects to be created")
    for field in _SERVER_SET:
        metadata.pop(field, None)
    if not metadata.get("name") and metadata.get("generateName"):
        suffix = "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(5))
        metadata["name"] = metadata["generateName"] + suffix
    if namespace:
        metadata["namespace"] = namespace
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = now()


def carry_over(call: Call, live: Object, new: Object, *, replaced: bool) -> None:
    """Check what an update may not change, and keep what only the server sets.

    Args:
        call: The request.
        live: The object before.
        new: The object to be stored; changed.
        replaced: Whether the client sent the whole object; its uid is then a precondition.

    Raises:
        ApiError: 400 for another name, 409 for another uid or resourceVersion, 422 for a custom
            resource without resourceVersion.
    """
    before, after = live["metadata"], new["metadata"]
    resource = call.resource
    if after.setdefault("name", call.name) != call.name:
        raise bad_request(
            f"the name of the object ({after['name']}) does not match the name on the URL ({call.name})"
        )
    if after.get("uid") not in (None, "", before["uid"]):
        given, actual = after["uid"], before["uid"]
        why = f"Precondition failed: UID in precondition: {given}, UID in object meta: {actual}"
        raise conflict(resource.plural, resource.group, call.name, why)
    revision = after.get("resourceVersion")
    if not revision and replaced and not resource.unconditional:
        why = "Invalid value: 0: must be specified for an update"
        cause = Cause("FieldValueInvalid", "metadata.resourceVersion", why)
        raise invalid(resource.plural, resource.group, call.name, [cause])
    if revision not in (None, "", before["resourceVersion"]):
        raise conflict(resource.plural, resource.group, call.name)
    for field in (*_SERVER_SET, "resourceVersion", "namespace"):
        after.pop(field, None)
        if field in before:
            after[field] = before[field]


def check_preconditions(call: Call, live: Object, wanted: Mapping[str, Any] | None) -> None:
    """Check the preconditions of a deletion.

    Raises:
        ApiError: 409 where one does not hold.
    """
    for field in ("uid", "resourceVersion"):
        given, actual = (wanted or {}).get(field), live["metadata"][field]
        if given not in (None, actual):
            why = f"the {field} in the precondition ({given}) does not match that in record ({actual})"
            raise conflict(call.resource.kind, call.resource.group, call.name, why)


def metadata_causes(call: Call, obj: Object) -> Iterator[Cause]:
    """Yield what is wrong with names, labels and annotations."""
    metadata = obj["metadata"]
    name = metadata.get("name")
    if not name:
        yield Cause("FieldValueRequired", "metadata.name", "Required value: name or generateName is required")
    else:
        yield from _name_causes(call.resource.kind, name)
    for key, value in (metadata.get("labels") or {}).items():
        if not _QUALIFIED.fullmatch(key):
            yield _bad("metadata.labels", key, _QUALIFIED_RULE)
        if not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value):
            yield _bad("metadata.labels", value, _VALUE_RULE)
    for key in metadata.get("annotations") or {}:
        if not _QUALIFIED.fullmatch(key.lower()):
            yield _bad("metadata.annotations", key, _QUALIFIED_RULE)


def is_label(name: str) -> bool:
    """Return whether a name is one of those that also fit into DNS as one label."""
    return len(name) <= 63 and re.fullmatch(_LABEL, name) is not None


def _name_causes(kind: str, name: str) -> Iterator[Cause]:
    if kind in _LABEL_NAMES:
        if not is_label(name):
            yield _bad("metadata.name", name, LABEL_RULE)
    elif len(name) > 253 or not re.fullmatch(_SUBDOMAIN, name):
        yield _bad("metadata.name", name, _SUBDOMAIN_RULE)


def _bad(field: str, value: object, why: str) -> Cause:
    return Cause("FieldValueInvalid", field, f'Invalid value: "{value}": {why}')


def finalizer_causes(live: Object, new: Object) -> Iterator[Cause]:
    """Yield the finalizers that were added although the object is being deleted."""
    if not live["metadata"].get("deletionTimestamp"):
        return
    known = live["metadata"].get("finalizers") or ()
    added = [item for item in new["metadata"].get("finalizers") or () if item not in known]
    if added:
        shown = ", ".join(f'"{item}"' for item in added)
        yield Cause(
            "FieldValueForbidden",
            "metadata.finalizers",
            "Forbidden: no new finalizers can be added if the object is being deleted, "
            f"found new finalizers []string{{{shown}}}",
        )
