"""What changed from one manifest to the next, field by field.

Items of lists are held against each other by what they are about, such as attribute and metric, and not by
their place. Signatures are no change of the evidence. Whether a change is substantial (AI Act Art. 3(23)) is
for a person to say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from actgate.api.paths import Location, dotted
from actgate.api.quoting import counted

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
    """Return how one ``spec`` differs from another, in the order of their paths.

    What is there on one side alone, such as a measurement, is one change and not one for each of its fields.
    """
    old, new = (
        {name: value for name, value in spec.items() if name not in _LEFT_OUT} for spec in (before, after)
    )
    return tuple(_compared(old, new, (), ("spec",)))


def _compared(old: object, new: object, kind: Location, path: Location) -> Iterator[Change]:
    """Yield the changes of a place; ``kind`` is the place without the items in it."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted({*old, *new}):
            yield from _compared(old.get(name), new.get(name), (*kind, name), (*path, name))
    elif isinstance(old, list) or isinstance(new, list):
        keys = _KEYS.get(kind) or _KEYS.get(kind[-1:])
        items = [_named(side if isinstance(side, list) else [], keys) for side in (old, new)]
        for name in sorted({*items[0], *items[1]}):
            yield from _compared(items[0].get(name), items[1].get(name), kind, (*path, name))
    elif _written(old) != _written(new):
        yield Change(dotted(path), _written(old), _written(new))


def _named(items: list[object], keys: tuple[str, ...] | None) -> dict[str, object]:
    """Return items by what they are about; of two with one name the second has a number."""
    found: dict[str, object] = {}
    for item in items:
        stated = item if isinstance(item, Mapping) and keys is not None else {}
        name = " / ".join(str(stated[key]) for key in keys or () if key in stated) or str(_written(item))
        same = sum(known == name or known.startswith(f"{name} (") for known in found)
        found[f"{name} ({same + 1})" if same else name] = item
    return found


def _written(value: object) -> str | None:
    """Return a value as text; of an object its own values, and how long its lists are."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {_written(item)}" for name, item in value.items())
    if isinstance(value, list):
        return counted(len(value), "item")
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)
