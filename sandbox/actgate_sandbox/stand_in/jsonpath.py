"""The JSONPaths that CRDs use for columns, scale and selectable fields.

Understood are `.a.b` and `.a[?(@.type=="Ready")].status`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

from actgate_sandbox.status import Json

_STEP = re.compile(r"""\.(?P<field>[^.\[]+)|\[\?\(@\.(?P<key>\w+)\s*==\s*(["'])(?P<value>.*?)\3\)\]""")


class Step(NamedTuple):
    """One step of a path: into a field, or to the items of a list whose field has a value."""

    name: str
    value: str | None = None


@cache
def parse(path: str) -> tuple[Step, ...]:
    """Parse a path.

    Raises:
        ValueError: It uses something that is not understood here.
    """
    steps, at = [], 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            raise ValueError(f"JSONPath {path!r} is not understood at {path[at:]!r}")
        steps.append(Step(found["field"] or found["key"], found["value"]))
        at = found.end()
    return tuple(steps)


def first(value: Json, path: str) -> Json:
    """Return the first thing that a path leads to, or None."""
    found = [value]
    for step in parse(path):
        found = [inner for item in found for inner in _follow(item, step)]
    return found[0] if found else None


def put(value: dict[str, Any], path: str, new: Json) -> None:
    """Set what a path of fields leads to, making the objects in between."""
    *parents, last = parse(path)
    for step in parents:
        value = value.setdefault(step.name, {})
    value[last.name] = new


def _follow(value: Json, step: Step) -> list[Any]:
    if step.value is None:
        return [value[step.name]] if isinstance(value, dict) and step.name in value else []
    return [item for item in value if str(item.get(step.name)) == step.value]
