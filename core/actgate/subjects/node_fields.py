"""Whether what binds pods to nodes can be read: of another type it would say nothing, and so pass for free.

What the fields mean is the business of ``placement``. Nothing raises here.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from actgate.decision.subject import SubjectProblem
from actgate.subjects.pods import Json, map_at, template_of, template_path, unreadable


def unreadable_nodes(obj: Json, rule: str) -> Iterator[SubjectProblem]:
    """Yield what of a pod template's node selector and required node affinity is not of its type."""
    spec = map_at(template_of(obj), "spec")
    for field, shape in _NODES.items():
        if spec.get(field) is not None:
            yield from _misfits(spec[field], shape, f"{template_path(obj)}spec.{field}", rule)


_EXPRESSIONS: Final = [{"key": str, "operator": str, "values": [str]}]
_NODES: Final[dict[str, Any]] = {
    "nodeSelector": {...: str},
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": _EXPRESSIONS, "matchFields": _EXPRESSIONS}]
            }
        }
    },
}
"""What decides where pods may run: fields of objects, items of lists, and text; ``...`` is any field."""


def _misfits(value: object, shape: Any, path: str, rule: str) -> Iterator[SubjectProblem]:  # noqa: ANN401
    if isinstance(shape, dict):
        if not isinstance(value, Mapping):
            yield unreadable(rule, path, "an object", value)
            return
        for key, inner in value.items():
            within = shape.get(key, shape.get(...))
            if within is not None and inner is not None:
                yield from _misfits(
                    inner, within, f"{path}.{key}" if key in shape else f"{path}[{key}]", rule
                )
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield unreadable(rule, path, "a list", value)
            return
        for index, inner in enumerate(value):
            yield from _misfits(inner, shape[0], f"{path}[{index}]", rule)
    elif not isinstance(value, shape):
        yield unreadable(rule, path, "a string", value)
