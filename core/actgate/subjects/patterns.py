"""Patterns of paths: where in an object the fields of one meaning stand, though it has several of them.

``spec.canary[*].predictor`` is a field of each item of a list, ``spec.services.*.image`` of each value of an
object, ``graph.**.modelUri`` of whatever is below, at any depth, and ``metadata.labels[model]`` one key of
labels or annotations.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from actgate.subjects.fields import MAPS, Json, Misfit

_STEP: Final = re.compile(r"\.?(\*\*|\*|[A-Za-z0-9_]+|\[\*\]|\[[A-Za-z0-9./_-]+\])")
_ITEMS: Final = "[*]"
_DEEPEST: Final = 32
"""Levels below ``**``; an object that is nested deeper is no serving object."""


class Pattern(NamedTuple):
    """A pattern, in the words of the table and in its steps."""

    text: str
    steps: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """Return a pattern from its text.

        Raises:
            ValueError: It is none.
        """
        steps, end = [], 0
        for match in _STEP.finditer(text):
            if match.start() != end:
                break
            steps.append(match[1])
            end = match.end()
        if end != len(text) or not steps or text.startswith("."):
            raise ValueError("must be names of fields with dots between them, [*], .* or .** among them")
        return cls(text, tuple(steps))

    def found(self, obj: Json) -> Iterator[tuple[str, Any]]:
        """Yield (path, value) for each field of an object that the pattern names, null ones left out."""
        yield from _found(obj, self.steps, "")

    def misfits(self, obj: Json) -> Iterator[Misfit]:
        """Yield what stands on the way to the fields of the pattern, and hides them by its type."""
        yield from _hiding(obj, self.steps, "")


def _hiding(value: object, steps: tuple[str, ...], path: str) -> Iterator[Misfit]:
    if not steps or value is None or steps[0] == "**":
        return
    step, rest = steps[0], steps[1:]
    if not isinstance(value, list if step == _ITEMS else MAPS):
        yield Misfit(path, "a list" if step == _ITEMS else "an object", value)
    elif step in (_ITEMS, "*"):
        for at, item in children(value, path):
            yield from _hiding(item, rest, at)
    elif isinstance(value, Mapping):
        key = step[1:-1] if step.startswith("[") else step
        yield from _hiding(
            value.get(key), rest, f"{path}[{key}]" if step.startswith("[") else _below(path, key)
        )


def _found(value: object, steps: tuple[str, ...], path: str) -> Iterator[tuple[str, Any]]:
    if not steps:
        if value is not None:
            yield path, value
        return
    step, rest = steps[0], steps[1:]
    if step == _ITEMS:
        for index, item in enumerate(value if isinstance(value, list) else ()):
            yield from _found(item, rest, f"{path}[{index}]")
    elif step == "*":
        for key, item in value.items() if isinstance(value, MAPS) else ():
            yield from _found(item, rest, _below(path, str(key)))
    elif step == "**":
        yield from _below_all(value, rest, path, _DEEPEST)
    elif isinstance(value, MAPS):
        key = step[1:-1] if step.startswith("[") else step
        yield from _found(
            value.get(key), rest, f"{path}[{key}]" if step.startswith("[") else _below(path, key)
        )


def _below_all(value: object, rest: tuple[str, ...], path: str, depth: int) -> Iterator[tuple[str, Any]]:
    yield from _found(value, rest, path)
    if depth:
        for at, item in children(value, path):
            yield from _below_all(item, rest, at, depth - 1)


def children(value: object, path: str) -> Iterator[tuple[str, Any]]:
    """Yield (path, value) for what an object or a list holds."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield _below(path, str(key)), item
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield f"{path}[{index}]", item


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
