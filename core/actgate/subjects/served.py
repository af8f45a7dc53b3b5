"""Whether a row of the table of kinds fits what a cluster serves: pure, schemas are passed in.

A pattern that names a field which the served schema does not have reads nothing: the API server would prune
the field. Where a schema leaves a part open, anything may stand there, and the pattern fits.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from actgate.subjects.fields import Json
from actgate.subjects.patterns import Pattern
from actgate.subjects.serving_kinds import ServingKind

ANY: Final = "any"
"""The type of what a schema leaves open, or refers to."""
_OPEN: Final = "x-kubernetes-preserve-unknown-fields"
_DEEPEST: Final = 24


def type_at(schema: Json, pattern: Pattern) -> str | None:
    """Return the type of the fields that a pattern names, as a schema calls it; None where there is none.

    Args:
        schema: A structural schema of a CustomResourceDefinition (``openAPIV3Schema``), or a part of one.
        pattern: As a row states it.
    """
    return next(_types(schema, pattern.steps), None)


def _types(schema: Any, steps: tuple[str, ...]) -> Iterator[str]:  # noqa: ANN401 - JSON
    if not isinstance(schema, Mapping):
        return
    if "$ref" in schema or "allOf" in schema or (schema.get(_OPEN) is True and "properties" not in schema):
        yield ANY
        return
    if not steps:
        yield _type(schema)
        return
    step, rest = steps[0], steps[1:]
    if step == "**":
        yield from _below(schema, rest, _DEEPEST)
    elif step == "[*]":
        yield from _types(schema.get("items"), rest)
    elif step == "*":
        yield from _types(schema.get("additionalProperties"), rest)
    elif step.startswith("["):
        yield from _types(schema.get("additionalProperties") or {}, rest)
    else:
        yield from _types(_properties(schema).get(step), rest)
        if schema.get(_OPEN) is True:
            yield ANY


def _below(schema: Any, rest: tuple[str, ...], depth: int) -> Iterator[str]:  # noqa: ANN401 - JSON
    yield from _types(schema, rest)
    if not depth or not isinstance(schema, Mapping):
        return
    for part in (*_properties(schema).values(), schema.get("items"), schema.get("additionalProperties")):
        yield from _below(part, rest, depth - 1)


def _properties(schema: Json) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def _type(schema: Json) -> str:
    if schema.get("x-kubernetes-int-or-string") is True:
        return "int-or-string"
    stated = schema.get("type")
    return stated if isinstance(stated, str) else ANY


def misfits_of(row: ServingKind, served: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the patterns of a row that no served version has, in the order of the row.

    A kind may have two shapes in two versions: a pattern that one of them has is right.

    Args:
        row: One that is judged or never judged.
        served: The schema of each served version, by its name.
    """
    return tuple(
        dict.fromkeys(
            pattern.text
            for pattern in (*row.patterns, *row.scale)
            if all(type_at(schema, pattern) is None for schema in served.values())
        )
    )
