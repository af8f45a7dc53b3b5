"""From a body to an object that can be stored: unknown fields, defaults, schema, rules of the kind.

The order is that of the real server: unknown fields are reported or refused and dropped, defaults
are filled in, and only then is the object validated.
"""

from __future__ import annotations

from actgate_sandbox.stand_in.call import Call
from actgate_sandbox.stand_in.fieldsets import UNKNOWN, Node, child
from actgate_sandbox.stand_in.kinds_schema import object_meta
from actgate_sandbox.stand_in.metadata import metadata_causes
from actgate_sandbox.status import Cause, Json, Object, bad_request, failure, invalid


def complete(call: Call, obj: Object) -> Object:
    """Drop unknown fields and fill in defaults.

    Raises:
        ApiError: 400 for unknown fields under fieldValidation=Strict.
    """
    resource = call.resource
    # Only the server writes into managedFields, and they are the largest part.
    managed = obj["metadata"].pop("managedFields", None)
    if resource.custom:
        obj["metadata"] = tidy(obj["metadata"], object_meta())
    else:
        obj = tidy(obj, resource.schema)
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


def require_typed(call: Call, config: Object) -> None:
    """Check what is applied before it is merged: every field is declared, and of its type.

    Raises:
        ApiError: 500, as the real server answers.
    """
    if misfits := call.resource.compiled.misfits(config):
        kind = f"{call.resource.api_version}, Kind={call.resource.kind}"
        place = f"{call.namespace}/{call.name}; {kind}"
        raise failure(f"failed to create typed patch object ({place}): {'; '.join(misfits)}")


def require_valid(call: Call, obj: Object, old: Object | None, more: list[Cause]) -> None:
    """Check an object against names, schema and the rules of its kind, and name everything wrong.

    Raises:
        ApiError: 422 with one cause for each thing that is wrong.
    """
    resource = call.resource
    causes = [*metadata_causes(call, obj), *more]
    # What is stored may be older than the schema: it is read with today's defaults, as `obj` was.
    before = None if old is None else resource.compiled.default(_plain(old))
    causes += resource.compiled.validate(_plain(obj), before)
    if not causes:
        causes += resource.check(obj, old)
    if causes:
        name = obj["metadata"].get("name", "")
        raise invalid(resource.kind, resource.group, name, causes)


def _plain(obj: Object) -> Object:
    metadata = {key: item for key, item in obj["metadata"].items() if key != "managedFields"}
    return {**obj, "metadata": metadata}
