"""What is planned, read once: a ModelDeployment, its evidence, and what its pods must look like.

The API server checks a template whole, but says of a wrong type no more than "failed to create typed patch
object". What the plan itself touches is therefore checked here; all other fields are passed on as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from actgate.api.model_deployment import ModelDeploymentSpec
from actgate.api.names import PROVIDER_ANNOTATION

Object = dict[str, Any]
"""An object as its JSON says."""

MAX_DEPTH: Final = 32
"""Deepest nesting that is read; a pod template's own schema needs half of it."""

REQUIRED_AFFINITY: Final = "requiredDuringSchedulingIgnoredDuringExecution"

_MAP: Final[Object] = {}
_MAPS: Final = [_MAP]
_CONTAINER: Final = {
    "env": _MAPS,
    "ports": _MAPS,
    "resources": {"claims": _MAPS, "limits": _MAP, "requests": _MAP},
    "securityContext": {"capabilities": {"add": [None]}},
}
_TEMPLATE: Final = {
    "metadata": {"annotations": _MAP, "labels": _MAP},
    "spec": {
        "affinity": {
            "nodeAffinity": {REQUIRED_AFFINITY: {"nodeSelectorTerms": [{"matchExpressions": _MAPS}]}}
        },
        "containers": [_CONTAINER],
        "initContainers": [_CONTAINER],
        "os": _MAP,
        "securityContext": _MAP,
    },
}
"""An object stands for one with these fields, none of them required; a list for a list of such; None for
anything."""


class PlanError(ValueError):
    """No children can be planned: what is wrong, where, and how to fix it, in one sentence."""


def checked(template: Object) -> Object:
    """Return the pod template that was given, or raise ``PlanError`` for the first field of a wrong type."""
    _check(template, _TEMPLATE, "")
    return template


def without_nulls(value: Any, path: str, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON
    """Return a copy of JSON whose objects hold no nulls, which say nothing; items of lists stay.

    Raises:
        PlanError: When it is nested deeper than ``MAX_DEPTH``.
    """
    if depth > MAX_DEPTH:
        raise PlanError(
            f"{path}: Invalid value: must not be nested deeper than {MAX_DEPTH} levels; "
            "fix: remove the inner levels"
        )
    if isinstance(value, Mapping):
        items = value.items()
        return {key: without_nulls(item, path, depth + 1) for key, item in items if item is not None}
    if isinstance(value, list):
        return [without_nulls(item, path, depth + 1) for item in value]
    return value


def _check(value: object, shape: object, path: str) -> None:
    if isinstance(shape, list):
        if not isinstance(value, list):
            raise _mistyped(value, path, "a list")
        for index, item in enumerate(value):
            _check(item, shape[0], f"{path}[{index}]")
    elif isinstance(shape, dict):
        if not isinstance(value, dict):
            raise _mistyped(value, path, "an object")
        for key, part in shape.items():
            if key in value:
                _check(value[key], part, f"{path}.{key}" if path else key)


def _mistyped(value: object, path: str, expected: str) -> PlanError:
    found = _NAMES.get(type(value), "an object")
    return PlanError(
        f"{path or 'the whole'} of the pod template: Invalid value: {found}: must be {expected}; "
        "fix: correct it in spec.podTemplate, or for the container server in spec.server"
    )


_NAMES: Final = {
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "a list",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class Order:
    """A ModelDeployment as the plan needs it."""

    name: str
    namespace: str
    uid: str
    spec: ModelDeploymentSpec
    server: Object
    """``spec.server`` as it was sent, since it may hold every field of a container."""
    overlay: Object
    """``spec.podTemplate`` as it was sent."""
    provider: str | None
    """The annotation of the ModelDeployment itself by which the gate reads node labels in the overlay."""
    manifest_digest: str | None

    @classmethod
    def read(cls, model_deployment: Mapping[str, Any], manifest_digest: str | None) -> Self:
        """Read a ModelDeployment as the API server sends it.

        Raises:
            PlanError: When server or pod template are nested too deep.
            ValidationError: Of pydantic, when the spec is none that the schema allows.
        """
        metadata, spec = model_deployment["metadata"], model_deployment["spec"]
        return cls(
            name=metadata["name"],
            namespace=metadata["namespace"],
            uid=metadata["uid"],
            spec=ModelDeploymentSpec.model_validate(spec),
            server=without_nulls(spec["server"], "spec.server"),
            overlay=without_nulls(spec.get("podTemplate") or {}, "spec.podTemplate"),
            provider=(metadata.get("annotations") or {}).get(PROVIDER_ANNOTATION),
            manifest_digest=manifest_digest,
        )
