"""What changed from one manifest to the next, field by field.

Items of lists are held against each other by what they are about, such as attribute and metric, and not by
their place. Signatures are no change of the evidence. Whether a change is substantial (AI Act Art. 3(23)) is
for a person to say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from actgate.api.paths import Location, dotted

_KEYS: Final[Mapping[Location, tuple[str, ...]]] = {
    ("bias",): ("attribute", "metric", "referenceGroup"),
    ("evaluations",): ("kind", "metric"),
    ("datasets",): ("name",),
    ("dataQuality",): ("dataset", "check"),
    ("approvals",): ("role", "by"),
    ("training", "regions"): ("provider", "region"),
    ("groups",): ("name",),
}
"""By what the items of a list are known."""
_LEFT_OUT: Final = frozenset({"attestations"})


@dataclass(frozen=True, slots=True)
class Change:
    """A field that is not what it was."""

    path: str
    before: str | None
    """None where the field is new."""
    after: str | None
    """None where the field is gone."""


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return how one ``spec`` differs from another, in the order of their paths."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    paths = sorted({*old, *new})
    return tuple(
        Change(path, old.get(path), new.get(path)) for path in paths if old.get(path) != new.get(path)
    )


def _leaves(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in spec.items():
        if name not in _LEFT_OUT:
            yield from _of(value, (name,), ("spec", name))


def _of(value: object, kind: Location, path: Location) -> Iterator[tuple[str, str]]:
    """Yield each value below a place with its path; ``kind`` is the place without its items."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _of(item, (*kind, name), (*path, name))
    elif isinstance(value, list):
        keys = _KEYS.get(kind) or _KEYS.get(kind[-1:])
        seen: dict[str, int] = {}
        for item in value:
            name = _name(item, keys)
            seen[name] = seen.get(name, 0) + 1
            step = name if seen[name] == 1 else f"{name} ({seen[name]})"
            yield from _of(item, kind, (*path, step))
    else:
        yield dotted(path), _written(value)


def _name(item: object, keys: tuple[str, ...] | None) -> str:
    if isinstance(item, Mapping) and keys is not None:
        return " / ".join(str(item[key]) for key in keys if key in item)
    return _written(item)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)
