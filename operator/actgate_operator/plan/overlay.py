"""Lays a pod template over another one, as server-side apply merges them.

Objects merge field by field. A list of things that have a key merges thing by thing, where the API itself
calls it such a list; any other list is replaced. What stands above wins, image and command included: it is
stated on purpose, and the gate judges the images of both (``actgate.subjects.workload.images_of``).
"""

from typing import Any, Final

from actgate_operator.plan.shape import Object

_KEYS: Final = {
    "containers": ("name",),
    "env": ("name",),
    "ephemeralContainers": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ports": ("containerPort", "protocol"),
    "resourceClaims": ("name",),
    "claims": ("name",),
    "schedulingGates": ("name",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
"""``x-kubernetes-list-map-keys`` of the lists below a pod template, Kubernetes 1.36."""
_DEFAULTS: Final = {"protocol": "TCP"}


def merge(below: Object, above: Object) -> Object:
    """Return both objects as one; neither is changed, and parts of them are shared."""
    return {**below, **{key: _merged(key, below.get(key), value) for key, value in above.items()}}


def _merged(field: str, below: Any, above: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(below, dict) and isinstance(above, dict):
        return merge(below, above)
    if field in _KEYS and _are_objects(below) and _are_objects(above):
        return _by_key(field, below, above)
    return above


def _by_key(field: str, below: list[Object], above: list[Object]) -> list[Object]:
    """Return what stands below, each thing with what stands above it, and then what is new above.

    A key that stands twice above stays there twice: the API server refuses it, where one of both would
    have been lost here.
    """
    first = {_key(field, item): index for index, item in reversed([*enumerate(above)])}
    over = [first.pop(_key(field, item), None) for item in below]
    merged = [
        item if at is None else _one(field, item, above[at]) for item, at in zip(below, over, strict=True)
    ]
    return [*merged, *(item for index, item in enumerate(above) if index not in over)]


def _one(field: str, below: Object, above: Object) -> Object:
    # A variable has a value or a source of it: both as one would be neither.
    return above if field == "env" else merge(below, above)


def _key(field: str, item: Object) -> str:
    return repr([item.get(part, _DEFAULTS.get(part)) for part in _KEYS[field]])


def _are_objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)
