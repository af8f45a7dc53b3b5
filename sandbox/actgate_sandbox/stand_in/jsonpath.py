"""The JSONPaths that CRDs use for columns, scale and selectable fields.

Understood are `.a.b`, `['a.b']`, `.a[0]`, `.a[*].b` and `.a[?(@.type=="Ready")].status`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from actgate_sandbox.stand_in.status import Json

_STEP = re.compile(
    r"""\.(?P<field>(?:\\.|[^.\[\\])+)
    |\['(?P<quoted>[^']+)'\]
    |\[(?P<index>-?\d+)\]
    |\[(?P<all>\*)\]
    |\[\?\(@\.(?P<key>[^=!\s]+)\s*==\s*(?P<mark>["'])(?P<value>.*?)(?P=mark)\)\]""",
    re.VERBOSE,
)


class Step(NamedTuple):
    """One step of a path: into a field, an item, every item, or the items that match."""

    kind: Literal["field", "index", "all", "where"]
    name: str = ""
    value: str = ""


@lru_cache(maxsize=512)
def parse(path: str) -> tuple[Step, ...]:
    """Parse a path.

    Raises:
        ValueError: It uses something that is not understood here.
    """
    text = path.removeprefix("{").removesuffix("}")
    text = text if text.startswith((".", "[")) else f".{text}"
    steps, at = [], 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            raise ValueError(f"JSONPath {path!r} is not understood at {text[at:]!r}")
        steps.append(_step(found))
        at = found.end()
    return tuple(steps)


def _step(found: re.Match[str]) -> Step:
    if found["field"] is not None:
        return Step("field", re.sub(r"\\(.)", r"\1", found["field"]))
    if found["quoted"] is not None:
        return Step("field", found["quoted"])
    if found["index"] is not None:
        return Step("index", found["index"])
    if found["all"] is not None:
        return Step("all")
    return Step("where", found["key"], found["value"])


def find(value: Json, path: str) -> list[Any]:
    """Return everything that a path leads to."""
    found = [value]
    for step in parse(path):
        found = [inner for item in found for inner in _follow(item, step)]
    return found


def first(value: Json, path: str) -> Json:
    """Return the first thing that a path leads to, or None."""
    return next(iter(find(value, path)), None)


def put(value: dict[str, Any], path: str, new: Json) -> None:
    """Set what a path of fields leads to, making the objects in between."""
    *parents, last = parse(path)
    for step in parents:
        value = value.setdefault(step.name, {})
    value[last.name] = new


def _follow(value: Json, step: Step) -> list[Any]:
    if step.kind == "field":
        return [value[step.name]] if isinstance(value, dict) and step.name in value else []
    if not isinstance(value, list):
        return []
    if step.kind == "index":
        index = int(step.name)
        return value[index:][:1]
    if step.kind == "all":
        return value
    return [item for item in value if str(first(item, step.name)) == step.value]
