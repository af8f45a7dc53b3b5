"""Fields of an object, as read from JSON or YAML: how they are found, and whether they have their types.

A field of another type than it must have would say nothing. Nothing raises here.

A shape says what a value must be: a dict, an object with these fields (``...`` is any field); a list of one
shape, a list of such values; ``str``, a string; ``ANYTHING``, whatever it is. Null is as good as absent, and
what is not in the shape may be anything.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from actgate.api.quoting import got
from actgate.decision.subject import SubjectProblem

Json = Mapping[str, Any]
Shape = Any
"""``dict[str, Shape]``, ``[Shape]``, ``str`` or ``ANYTHING``."""

ANYTHING: Final = object
MARKED: Final[Shape] = {"labels": {}, "annotations": {}}
"""What marks stand in."""
METADATA: Final[Shape] = {"name": str, "generateName": str, "namespace": str, **MARKED}
CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")
"""Fields of a PodSpec that list what runs an image."""
_PROBES: Final = ("startupProbe", "readinessProbe", "livenessProbe")
CONTAINER: Final[Shape] = {
    "name": str,
    "image": str,
    "command": [str],
    "args": [str],
    "env": [{"name": str, "value": str}],
    "restartPolicy": str,
    "resources": {"limits": {}, "requests": {}},
    "volumeMounts": [{"mountPath": str}],
    **{probe: {"httpGet": {"path": str}} for probe in _PROBES},
}
"""What is read of a container: what it runs, and the signals by which it looks like a model server."""
POD: Final[Shape] = {
    **{field: [CONTAINER] for field in CONTAINERS},
    "volumes": [{"image": {"reference": str}}],
    "resourceClaims": [{}],
    "nodeSelector": {},
    "affinity": {},
}
"""What is read of a PodSpec: what it runs, and what binds it to nodes; NODES says what is inside of that."""

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

MAPS: Final = (dict, Mapping)
"""A dict is known at once, any other mapping by a search that takes as long as the rest of a field."""


class Path(NamedTuple):
    """Where a field stands, from the root of the object."""

    text: str
    """The steps with dots between them."""
    steps: tuple[str, ...]

    @property
    def parent(self) -> "Path":
        """The field around it."""
        return Path(self.text.rpartition(".")[0], self.steps[:-1])


class Misfit(NamedTuple):
    """A field of the wrong type."""

    path: str
    expected: str
    """In words: ``an object``."""
    value: object


def misfits(value: object, shape: Shape, path: str = "") -> Iterator[Misfit]:
    """Yield each field that is not what the shape says; what is below one of them is not read.

    Args:
        value: What was read from JSON or YAML.
        shape: What it must be.
        path: Where it stands; empty for a whole object.
    """
    if isinstance(shape, dict):
        if not isinstance(value, MAPS):
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


def map_at(parent: object, key: str) -> Json:
    """Return a field that is an object; empty where it is anything else, or not there."""
    value = parent.get(key) if isinstance(parent, MAPS) else None
    return value if value is not None and isinstance(value, MAPS) else {}


def value_at(obj: object, path: Path) -> Any:  # noqa: ANN401 - JSON
    """Return a field of an object; None where it is not there, or where what is around it is no object."""
    for step in path.steps:
        if obj is None or not isinstance(obj, MAPS):
            return None
        obj = obj.get(step)
    return obj


def object_at(obj: object, path: Path) -> Json:
    """Return a field that is an object; empty where it is anything else, or not there."""
    value = value_at(obj, path)
    return value if value is not None and isinstance(value, MAPS) else {}


def unreadable(rule: str, path: str, expected: str, value: object = ...) -> SubjectProblem:
    """Return the problem of a field that is not what it should be, or is not there."""
    if value is None or value in ("", [], ()):
        return SubjectProblem(
            rule, path, f"Required value: must be {expected}", f"state {path} as {expected}"
        )
    found = "Invalid value" if value is ... else f"Invalid value: {got(value)}"
    return SubjectProblem(rule, path, f"{found}: must be {expected}", f"state {path} as {expected}")
