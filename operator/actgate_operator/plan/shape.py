"""What is planned, read once: a ModelDeployment, its evidence, and what its pods must look like.

The pod template is laid over the server as server-side apply merges them: objects field by field, and a list
of things that have a key thing by thing, where the API itself calls it such a list; any other list is
replaced. What stands above wins, image and command included: it is stated on purpose, and the gate judges the
images of both (``actgate.subjects.reading.images_of``).

The API server checks a template whole, but says of a wrong type no more than "failed to create typed patch
object". What the plan itself touches is therefore checked here; all other fields are passed on as they are.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from actgate.api.model_deployment import ModelDeploymentSpec
from actgate.api.names import API_VERSION, LABEL_VALUE, PROVIDER_ANNOTATION
from actgate.decision.subject import MODEL_DEPLOYMENT
from actgate_operator.names import child_name, selector, selector_text

Object = dict[str, Any]
"""An object as its JSON says."""

MAX_DEPTH: Final = 32
"""Deepest nesting that is read; a pod template's own schema needs half of it."""

SERVER: Final = "server"
"""Name of the container that serves the model; the overlay reaches it by this name."""

MODEL_NAME_LABEL: Final = "app.kubernetes.io/name"
COMPONENT_LABEL: Final = "app.kubernetes.io/component"
_LABEL_VALUE: Final = re.compile(rf"(?=.{{1,63}}\Z){LABEL_VALUE}")

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


_LIST_KEYS: Final = {
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
_KEY_DEFAULTS: Final = {"protocol": "TCP"}


class PlanError(ValueError):
    """No children can be planned: what is wrong, where, and how to fix it, in one sentence."""


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


def merge(below: Object, above: Object) -> Object:
    """Return both objects as one; neither is changed, and parts of them are shared."""
    return {**below, **{key: _merged(key, below.get(key), value) for key, value in above.items()}}


def _merged(field: str, below: Any, above: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(below, dict) and isinstance(above, dict):
        return merge(below, above)
    if field in _LIST_KEYS and _are_objects(below) and _are_objects(above):
        return _by_key(field, below, above)
    return above


def _by_key(field: str, below: list[Object], above: list[Object]) -> list[Object]:
    """Return what stands below, each thing with what stands above it, and then what is new above.

    A duplicate key above stays a duplicate: the API server refuses it, where one of both would have been
    lost here.
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
    return repr([item.get(part, _KEY_DEFAULTS.get(part)) for part in _LIST_KEYS[field]])


def _are_objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


@dataclass(frozen=True, slots=True)
class Order:
    """A ModelDeployment as the plan needs it."""

    name: str
    namespace: str
    spec: ModelDeploymentSpec
    template: Object
    """``spec.podTemplate`` over ``spec.server``, both as sent: they may hold every field of a pod."""
    child: str
    """What the children are called."""
    description: dict[str, str]
    """Labels for people and dashboards; nothing is selected by them."""
    metadata: Object
    """Metadata of each child: its name, its labels, and its owner, with whom it goes."""
    selector: dict[str, str]
    """Labels of its pods, for ever."""
    selector_text: str
    provider: str | None
    """The annotation of the ModelDeployment itself by which the gate reads node labels in the overlay."""
    manifest_digest: str | None

    @classmethod
    def read(cls, model_deployment: Mapping[str, Any], manifest_digest: str | None) -> Self:
        """Read a ModelDeployment as the API server sends it.

        Raises:
            PlanError: When server or pod template are nested too deep, or a field is of a wrong type.
            ValidationError: Of pydantic, when the spec is none that the schema allows.
        """
        metadata, stated = model_deployment["metadata"], model_deployment["spec"]
        spec = ModelDeploymentSpec.model_validate(stated)
        server = {**without_nulls(stated["server"], "spec.server"), "name": SERVER}
        overlay = without_nulls(stated.get("podTemplate") or {}, "spec.podTemplate")
        template = merge({"spec": {"containers": [server]}}, overlay)
        _check(template, _TEMPLATE, "")
        name, namespace, model = metadata["name"], metadata["namespace"], spec.model.name
        described = {MODEL_NAME_LABEL: model} if _LABEL_VALUE.fullmatch(model) else {}
        described[COMPONENT_LABEL] = "inference-server"
        child = child_name(name)
        selected = selector(child)
        owner = {"apiVersion": API_VERSION, "kind": MODEL_DEPLOYMENT, "name": name, "uid": metadata["uid"]}
        return cls(
            name=name,
            namespace=namespace,
            spec=spec,
            template=template,
            child=child,
            description=described,
            metadata={
                "name": child,
                "namespace": namespace,
                "labels": {**described, **selected},
                "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
            },
            selector=selected,
            selector_text=selector_text(child),
            provider=(metadata.get("annotations") or {}).get(PROVIDER_ANNOTATION),
            manifest_digest=manifest_digest,
        )
