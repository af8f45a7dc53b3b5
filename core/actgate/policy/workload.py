"""From a Kubernetes object to a ``Subject``: what it runs, where, and which evidence it points at.

Takes objects as the API server sends them and never raises: a field that cannot be read becomes a
problem of the subject, and a problem fails. One function walks pod templates for every kind, so that
init containers, ephemeral containers and image volumes are never forgotten in one of several places.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from actgate.api.names import (
    GROUP,
    INFERENCE_LABEL,
    MANIFEST_ANNOTATION,
    MODEL_ANNOTATION,
    MODEL_DIGEST_ANNOTATION,
    MODEL_VERSION_ANNOTATION,
    PROVIDER_ANNOTATION,
    REGION_NODE_LABEL,
    ZONE_NODE_LABEL,
)
from actgate.policy.evidence import ModelIdentity, Region
from actgate.policy.rules import link, residency
from actgate.policy.subject import MODEL_DEPLOYMENT, Subject, SubjectProblem

Json = Mapping[str, Any]

TEMPLATE_PATHS: Final[dict[str, tuple[str, ...]]] = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}
"""Workload kinds, and where each keeps its pod template; a Pod is its own."""

_GROUPS: Final = {"Pod": "v1", "Job": "batch/", "CronJob": "batch/"}

_REGION_LABELS: Final = (REGION_NODE_LABEL, ZONE_NODE_LABEL)
_TERMS: Final = "nodeSelectorTerms"


def is_judged(obj: Json) -> bool:
    """Return whether an object is asked about at all: a ModelDeployment or an inference workload."""
    kind, version = str(obj.get("kind")), str(obj.get("apiVersion"))
    if kind == MODEL_DEPLOYMENT:
        return version.startswith(f"{GROUP}/")
    return kind in TEMPLATE_PATHS and version.startswith(_GROUPS.get(kind, "apps/")) and is_inference(obj)


def is_inference(obj: Json) -> bool:
    """Return whether a workload or its pod template says that it serves a model."""
    return any(
        _map(meta, "labels").get(INFERENCE_LABEL) == "true"
        or MANIFEST_ANNOTATION in _map(meta, "annotations")
        for meta in _metadata_of(obj)
    )


def subject_of(
    obj: Json,
    namespace_labels: Mapping[str, str],
    *,
    namespace: str | None = None,
    governed_change: bool = True,
    dry_run: bool = False,
) -> Subject:
    """Return what an object asks for.

    Args:
        obj: A ModelDeployment or a workload, as JSON.
        namespace_labels: Labels of its namespace.
        namespace: The namespace of the request, where the object itself need not state it.
        governed_change: False for an update that leaves every governed field as it was.
        dry_run: Whether the request only asks what would happen.
    """
    reader = _read_model_deployment if obj.get("kind") == MODEL_DEPLOYMENT else _read_workload
    metadata = _map(obj, "metadata")
    return Subject(
        kind=str(obj.get("kind")),
        namespace=namespace or str(metadata.get("namespace") or "default"),
        name=str(metadata.get("name") or metadata.get("generateName") or ""),
        namespace_labels=namespace_labels,
        governed_change=governed_change,
        dry_run=dry_run,
        **reader(obj),
    )


def governed_fields(obj: Json) -> Json:
    """Return the fields of an object that only passing evidence may change.

    Model, reference, placement, the images and annotations of the pod template, and the labels that
    classify; two objects with equal governed fields are the same question to the gate.
    """
    spec, template = _map(obj, "spec"), _template(obj)
    pod = _map(template, "spec")
    return {
        "model": spec.get("model"),
        "reference": spec.get("complianceManifestRef"),
        "placement": spec.get("placement"),
        "links": [
            {key: value for key, value in _map(meta, "annotations").items() if key in _LINKS}
            for meta in _metadata_of(obj)
        ],
        "classified": [_map(meta, "labels").get(INFERENCE_LABEL) for meta in _metadata_of(obj)],
        "images": sorted(image for _, image in _images(obj)),
        "annotations": _map(_map(template, "metadata"), "annotations") if template is not obj else None,
        "nodes": [pod.get("nodeSelector"), _map(_map(pod, "affinity"), "nodeAffinity")],
    }


_LINKS: Final = frozenset(
    {
        MANIFEST_ANNOTATION,
        MODEL_ANNOTATION,
        MODEL_VERSION_ANNOTATION,
        MODEL_DIGEST_ANNOTATION,
        PROVIDER_ANNOTATION,
    }
)


# A dict is known at once, any other mapping by a search that takes as long as the rest of a field.
_MAPS: Final = (dict, Mapping)


def _map(parent: object, key: str) -> Json:
    value = parent.get(key) if isinstance(parent, _MAPS) else None
    return value if value is not None and isinstance(value, _MAPS) else {}


def _items(parent: object, key: str) -> Iterator[tuple[int, Json]]:
    value = parent.get(key) if isinstance(parent, _MAPS) else None
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, _MAPS):
            yield index, item


def _template(obj: Json) -> Json:
    if obj.get("kind") == MODEL_DEPLOYMENT:
        return _map(_map(obj, "spec"), "podTemplate")
    found: Json = obj
    for step in TEMPLATE_PATHS.get(str(obj.get("kind")), ()):
        found = _map(found, step)
    return found


def _template_path(obj: Json) -> str:
    if obj.get("kind") == MODEL_DEPLOYMENT:
        return "spec.podTemplate."
    return "".join(f"{step}." for step in TEMPLATE_PATHS.get(str(obj.get("kind")), ()))


def _metadata_of(obj: Json) -> list[Json]:
    template = _template(obj)
    own = _map(obj, "metadata")
    return [own] if template is obj else [own, _map(template, "metadata")]


def _images(obj: Json) -> Iterator[tuple[str, str]]:
    """Yield (field, image) for everything that a pod of this object would run or mount as an image."""
    if isinstance(image := _map(_map(obj, "spec"), "server").get("image"), str):
        yield "spec.server.image", image
    spec = _map(_template(obj), "spec")
    if not spec:
        return
    path = f"{_template_path(obj)}spec"
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in _items(spec, field):
            if isinstance(image := container.get("image"), str):
                yield f"{path}.{field}[{index}].image", image
    for index, volume in _items(spec, "volumes"):
        if isinstance(image := _map(volume, "image").get("reference"), str):
            yield f"{path}.volumes[{index}].image.reference", image


def _read_model_deployment(obj: Json) -> dict[str, Any]:
    spec = _map(obj, "spec")
    problems: list[SubjectProblem] = []
    name = _map(spec, "complianceManifestRef").get("name")
    if name is not None and not isinstance(name, str):
        problems.append(_unreadable(link.MANIFEST.id, "spec.complianceManifestRef.name", "a string"))
    placement = _declared_placement(spec, problems)
    nodes = tuple(_node_placement(obj, problems))
    return {
        "manifest_name": name if isinstance(name, str) else None,
        "model": _served_model(_map(spec, "model"), problems),
        "images": tuple(_images(obj)),
        "placement": (*placement, *nodes) or None,
        "problems": tuple(problems),
    }


def _served_model(model: Json, problems: list[SubjectProblem]) -> ModelIdentity | None:
    name, version, digest = (_stated(model, key, problems) for key in ("name", "version", "digest"))
    return ModelIdentity(name, version, digest) if name else None


def _stated(model: Json, key: str, problems: list[SubjectProblem]) -> str | None:
    value = model.get(key)
    if value is None or isinstance(value, str):
        return value
    problems.append(_unreadable(link.MODEL.id, f"spec.model.{key}", "a string"))
    return None


def _declared_placement(spec: Json, problems: list[SubjectProblem]) -> tuple[tuple[str, Region], ...]:
    stated = _map(spec, "placement").get("regions")
    if stated is None and spec.get("placement") is None:
        return ()
    declared = []
    for index, entry in enumerate(stated if isinstance(stated, list) else [None]):
        path = f"spec.placement.regions[{index}]"
        code = entry.get("region") if isinstance(entry, Mapping) else None
        provider = entry.get("provider") if isinstance(entry, Mapping) else None
        if not isinstance(code, str) or not isinstance(provider, str | None):
            problems.append(_unreadable(residency.SERVING.id, path, "a region, with a provider if known"))
        else:
            declared.append((path, Region(code, provider)))
    return tuple(declared)


def _read_workload(obj: Json) -> dict[str, Any]:
    problems: list[SubjectProblem] = []
    manifest_name = _annotation(obj, MANIFEST_ANNOTATION, link.MANIFEST.id, problems)
    model_name = _annotation(obj, MODEL_ANNOTATION, link.MODEL.id, problems)
    version = _annotation(obj, MODEL_VERSION_ANNOTATION, link.MODEL.id, problems)
    digest = _annotation(obj, MODEL_DIGEST_ANNOTATION, link.MODEL.id, problems)
    placement = tuple(_node_placement(obj, problems))
    return {
        "manifest_name": manifest_name,
        "model": ModelIdentity(model_name, version, digest) if model_name else None,
        "images": tuple(_images(obj)),
        "placement": placement or None,
        "problems": tuple(problems),
        "reference_path": f"metadata.annotations[{MANIFEST_ANNOTATION}]",
        "model_path": f"metadata.annotations[{MODEL_ANNOTATION}]",
    }


def _annotation(obj: Json, name: str, rule: str, problems: list[SubjectProblem]) -> str | None:
    """Return an annotation of a workload or its pod template; two different values are a problem."""
    values = [
        annotations[name] for meta in _metadata_of(obj) if name in (annotations := _map(meta, "annotations"))
    ]
    if any(value != values[0] for value in values):
        problems.append(
            SubjectProblem(
                rule,
                f"metadata.annotations[{name}]",
                f"the workload and its pod template state different values of {name}",
                "state the same value in both places, or in one of them",
            )
        )
        return None
    if values and not isinstance(values[0], str):
        problems.append(_unreadable(rule, f"metadata.annotations[{name}]", "a string"))
        return None
    return values[0] if values and values[0] else None


def _node_placement(obj: Json, problems: list[SubjectProblem]) -> Iterator[tuple[str, Region]]:
    """Yield the regions and zones that node selector and required node affinity name."""
    spec = _map(_template(obj), "spec")
    if not spec:
        return
    path = f"{_template_path(obj)}spec"
    # Node labels name a region without its provider, and a code can mean several places.
    provider = _annotation(obj, PROVIDER_ANNOTATION, residency.SERVING.id, problems)
    selector = _map(spec, "nodeSelector")
    selected = [label for label in _REGION_LABELS if label in selector]
    for label in selected:
        yield f"{path}.nodeSelector[{label}]", Region(str(selector[label]), provider)
    affinity = _map(_map(spec, "affinity"), "nodeAffinity")
    required = _map(affinity, "requiredDuringSchedulingIgnoredDuringExecution")
    base = f"{path}.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
    terms = [(f"{base}.{_TERMS}[{number}]", term) for number, term in _items(required, _TERMS)]
    for at, term in terms:
        for index, expression in _items(term, "matchExpressions"):
            yield from _expression(expression, provider, f"{at}.matchExpressions[{index}]", problems)
    if not selected:
        problems.extend(_open_terms(terms))


def _open_terms(terms: list[tuple[str, Json]]) -> Iterator[SubjectProblem]:
    """Yield terms that name no region where others do: they are alternatives, so pods may run anywhere."""
    if not any(_names_a_place(term) for _, term in terms):
        return
    for at, term in terms:
        if term and not _names_a_place(term):  # An empty term matches no node.
            yield SubjectProblem(
                residency.SERVING.id,
                at,
                "the term names no region, though others do, so pods may run in any",
                "name the regions in every term; terms are alternatives",
            )


def _names_a_place(term: Json) -> bool:
    return any(expression.get("key") in _REGION_LABELS for _, expression in _items(term, "matchExpressions"))


def _expression(
    expression: Json, provider: str | None, path: str, problems: list[SubjectProblem]
) -> Iterator[tuple[str, Region]]:
    if expression.get("key") not in _REGION_LABELS:
        return
    values = expression.get("values")
    if expression.get("operator") != "In" or not isinstance(values, list):
        problems.append(_unreadable(residency.SERVING.id, path, "operator In with the regions by name"))
        return
    for value in values:
        yield path, Region(str(value), provider)


def _unreadable(rule: str, path: str, expected: str) -> SubjectProblem:
    return SubjectProblem(
        rule, path, f"{path} cannot be read; expected {expected}", f"state {path} as {expected}"
    )
