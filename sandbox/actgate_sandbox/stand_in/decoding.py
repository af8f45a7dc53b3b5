"""From a body to an object that can be stored: unknown fields, defaults, schema, rules of the kind.

The order is that of the real server: unknown fields are reported or refused and dropped, defaults
are filled in, and only then is the object validated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from actgate_sandbox.stand_in.call import Call
from actgate_sandbox.stand_in.fieldsets import UNKNOWN, Node, child
from actgate_sandbox.stand_in.kinds_schema import object_meta
from actgate_sandbox.stand_in.metadata import metadata_causes
from actgate_sandbox.stand_in.resources import Resource
from actgate_sandbox.stand_in.status import Cause, Json, Object, bad_request, failure, invalid
from actgate_sandbox.stand_in.typed import type_errors


def complete(call: Call, obj: Object) -> Object:
    """Drop unknown fields and fill in defaults.

    Raises:
        ApiError: 400 for unknown fields under fieldValidation=Strict, and for built-in kinds also
            where a field has the wrong type.
    """
    resource = call.resource
    # Nobody but the server writes into managedFields, and they are the largest part.
    managed = obj["metadata"].pop("managedFields", None)
    if resource.custom:
        obj["metadata"] = tidy(obj["metadata"], object_meta())
    else:
        obj = tidy(obj, resource.schema)
        _require_types(resource, obj)
        _require_microseconds(resource, obj)
    known, unknown = resource.compiled.prune(obj)
    if unknown and call.options.validation == "Strict":
        named = ", ".join(f'unknown field "{path}"' for path in unknown)
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a '
            f"{resource.kind}: strict decoding error: {named}"
        )
    if call.options.validation == "Warn":
        call.warnings.extend(f'unknown field "{path}"' for path in unknown)
    completed: Object = resource.compiled.default(known)
    if managed is not None:
        completed["metadata"]["managedFields"] = managed
    return completed


def tidy(value: Json, schema: Node) -> Json:
    """Write a value of a built-in type as the real server does.

    Null, an empty list and an empty map are the same as nothing (an empty object with fields of its
    own is not), and quantities are strings. What a type keeps as it is, such as a default within the
    schema of a CustomResourceDefinition, stays as it is.
    """
    if "x-kubernetes-preserve-unknown-fields" in schema:
        return value
    if isinstance(value, dict):
        inner = ((key, item, child(schema, key)) for key, item in value.items() if item is not None)
        return {key: tidy(item, node) for key, item, node in inner if not _is_empty(item, node)}
    if isinstance(value, list):
        return [tidy(item, schema.get("items", UNKNOWN)) for item in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number and schema.get("format") == "quantity" else value


def _is_empty(value: Json, schema: Node) -> bool:
    entries = schema.get("additionalProperties")
    is_map = entries is not None and "x-kubernetes-preserve-unknown-fields" not in entries
    return value == [] or (value == {} and is_map)


def _require_types(resource: Resource, obj: Object) -> None:
    wrong = next(type_errors(obj, resource.schema, merging=False), None)
    if wrong is not None:
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a '
            f"{resource.kind}: json: cannot unmarshal {wrong.lstrip('.')}"
        )
    if any(_quantity_errors(obj, resource.schema)):
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a '
            f"{resource.kind}: {_QUANTITY_RULE}"
        )


_MICRO_TIMES = {
    "Event": (("eventTime",), ("series", "lastObservedTime")),
    "Lease": (("spec", "acquireTime"), ("spec", "renewTime")),
}
_MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")


def _require_microseconds(resource: Resource, obj: Object) -> None:
    """Times of leases and events are written with six decimals, and nothing else can be read."""
    for path in _MICRO_TIMES.get(resource.kind, ()):
        value: Json = obj
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None and not _MICRO_TIME.fullmatch(value):
            raise bad_request(
                f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
                f'parsing time "{value}" as "2006-01-02T15:04:05.000000Z07:00": cannot parse it'
            )


_QUANTITY = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?")


def _quantity_errors(value: Json, schema: Node) -> Iterator[str]:
    """Yield every quantity that is none, such as a limit of `1 GB`."""
    if isinstance(value, dict):
        for field, inner in value.items():
            yield from _quantity_errors(inner, child(schema, field))
    elif isinstance(value, list):
        for item in value:
            yield from _quantity_errors(item, schema.get("items", UNKNOWN))
    elif schema.get("format") == "quantity" and not _QUANTITY.fullmatch(str(value)):
        yield str(value)


def require_quantities(call: Call, config: Object) -> None:
    """Check what is applied; it is merged as it is written, and only then turned into the kind.

    Raises:
        ApiError: 500 where a quantity is none, as the real server answers.
    """
    resource = call.resource
    if any(_quantity_errors(config, resource.schema)):
        kind = f"{resource.api_version}, Kind={resource.kind}"
        namespace = config["metadata"].get("namespace", "")
        raise failure(
            f"failed to convert new object ({namespace}/{call.name}; {kind}) to proper version: "
            f"unable to convert unstructured object to {kind}: {_QUANTITY_RULE}"
        )


_QUANTITY_RULE = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def require_valid(call: Call, obj: Object, old: Object | None, more: list[Cause]) -> None:
    """Check an object against names, schema and the rules of its kind, and name everything wrong.

    Raises:
        ApiError: 422 with one cause for each thing that is wrong.
    """
    resource = call.resource
    causes = [*metadata_causes(call, obj), *more]
    if not resource.self_checked:
        # What is stored may be older than the schema: it is read with today's defaults, as `obj` was.
        before = None if old is None else resource.compiled.default(_plain(old))
        judged = resource.compiled.judge(_plain(obj), before)
        call.warnings.extend(judged.warnings)
        causes += [Cause(error.kind, error.path, error.message) for error in judged.errors]
    causes += resource.check(obj, old)
    if causes:
        name = obj["metadata"].get("name", "")
        raise invalid(resource.kind, resource.group, name, causes)


def _plain(obj: Object) -> Object:
    metadata = {key: item for key, item in obj["metadata"].items() if key != "managedFields"}
    return {**obj, "metadata": metadata}
