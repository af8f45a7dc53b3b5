"""Whether the fields that are read of an object have their types: of another one they would say nothing.

A shape says what a value must be: a dict, an object with these fields (``...`` is any field); a list of one
shape, a list of such values; ``str``, a string; ``ANYTHING``, whatever it is. Null is as good as absent, and
what is not in the shape may be anything. Nothing raises here.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

Shape = Any
"""``dict[str, Shape]``, ``[Shape]``, ``str`` or ``ANYTHING``."""

ANYTHING: Final = object
MARKED: Final[Shape] = {"labels": {}, "annotations": {}}
"""What marks stand in."""
METADATA: Final[Shape] = {"name": str, "generateName": str, "namespace": str, **MARKED}
CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")
"""Fields of a PodSpec that list what runs an image."""
POD: Final[Shape] = {
    **{field: [{"image": str}] for field in CONTAINERS},
    "volumes": [{"image": {"reference": str}}],
    "nodeSelector": {},
    "affinity": {},
}
"""What is read of a PodSpec: images, and what binds it to nodes; NODES says what is inside of that."""

_EXPRESSIONS: Final = [{"key": str, "operator": str, "values": [str]}]
NODES: Final[Shape] = {
    "nodeSelector": {...: str},
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": _EXPRESSIONS, "matchFields": _EXPRESSIONS}]
            }
        }
    },
}
"""What of a PodSpec decides where it may run."""


class Misfit(NamedTuple):
    """A field of the wrong type."""

    path: str
    expected: str
    """In words: ``an object``."""
    value: object


def misfits(value: object, shape: Shape, path: str = "") -> Iterator[Misfit]:
    """Yield each field that is not what the shape says; what is below one of them is not looked at.

    Args:
        value: What was read from JSON or YAML.
        shape: What it must be.
        path: Where it stands; empty for a whole object.
    """
    if isinstance(shape, dict):
        if not isinstance(value, (dict, Mapping)):
            yield Misfit(path, "an object", value)
            return
        any_field = shape.get(...)
        for key, inner in shape.items() if any_field is None else dict.fromkeys(value, any_field).items():
            item = value.get(key)
            # Most fields have their type: to go into each takes as long as all the rest.
            if item is None or inner is ANYTHING or (inner is str and isinstance(item, str)):
                continue
            if not inner and isinstance(item, dict):
                continue
            at = f"{path}[{key}]" if any_field is not None else f"{path}.{key}" if path else key
            yield from misfits(item, inner, at)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield Misfit(path, "a list", value)
            return
        for index, item in enumerate(value):
            yield from misfits(item, shape[0], f"{path}[{index}]")
    elif not isinstance(value, shape):
        yield Misfit(path, "a string", value)
