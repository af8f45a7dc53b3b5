"""From a Kubernetes object to a ``Subject``: what it runs, where, and which evidence it points at.

Takes objects as the API server sends them and never raises: a field that cannot be read becomes a
problem of the subject, and a problem fails.
"""

from collections.abc import Mapping
from typing import Any, Final

from actgate.api.names import (
    GROUP,
    INFERENCE_LABEL,
    MANIFEST_ANNOTATION,
    MODEL_ANNOTATION,
    MODEL_DIGEST_ANNOTATION,
    MODEL_VERSION_ANNOTATION,
    PROVIDER_ANNOTATION,
)
from actgate.policy.evidence import ModelIdentity
from actgate.policy.placement import declared_placement, node_placement
from actgate.policy.pods import (
    TEMPLATE_PATHS,
    Json,
    annotation,
    images_of,
    map_at,
    metadata_of,
    template_of,
    unreadable,
)
from actgate.policy.rules import link
from actgate.policy.subject import MODEL_DEPLOYMENT, Subject, SubjectProblem

_GROUPS: Final = {"Pod": "v1", "Job": "batch/", "CronJob": "batch/"}


def is_judged(obj: Json) -> bool:
    """Return whether an object is asked about at all: a ModelDeployment or an inference workload."""
    kind, version = str(obj.get("kind")), str(obj.get("apiVersion"))
    if kind == MODEL_DEPLOYMENT:
        return version.startswith(f"{GROUP}/")
    return kind in TEMPLATE_PATHS and version.startswith(_GROUPS.get(kind, "apps/")) and is_inference(obj)


def is_inference(obj: Json) -> bool:
    """Return whether a workload or its pod template says that it serves a model."""
    return any(
        map_at(meta, "labels").get(INFERENCE_LABEL) == "true"
        or MANIFEST_ANNOTATION in map_at(meta, "annotations")
        for meta in metadata_of(obj)
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
    metadata = map_at(obj, "metadata")
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
    spec, template = map_at(obj, "spec"), template_of(obj)
    pod = map_at(template, "spec")
    return {
        "model": spec.get("model"),
        "reference": spec.get("complianceManifestRef"),
        "placement": spec.get("placement"),
        "links": [
            {key: value for key, value in map_at(meta, "annotations").items() if key in _LINKS}
            for meta in metadata_of(obj)
        ],
        "classified": [map_at(meta, "labels").get(INFERENCE_LABEL) for meta in metadata_of(obj)],
        "images": sorted(image for _, image in images_of(obj)),
        "annotations": map_at(map_at(template, "metadata"), "annotations") if template is not obj else None,
        "nodes": [pod.get("nodeSelector"), map_at(map_at(pod, "affinity"), "nodeAffinity")],
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


def _read_model_deployment(obj: Json) -> dict[str, Any]:
    spec = map_at(obj, "spec")
    problems: list[SubjectProblem] = []
    name = map_at(spec, "complianceManifestRef").get("name")
    if name is not None and not isinstance(name, str):
        problems.append(unreadable(link.MANIFEST.id, "spec.complianceManifestRef.name", "a string"))
    placement = declared_placement(spec, problems)
    nodes = tuple(node_placement(obj, problems))
    return {
        "manifest_name": name if isinstance(name, str) else None,
        "model": _served_model(map_at(spec, "model"), problems),
        "images": tuple(images_of(obj)),
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
    problems.append(unreadable(link.MODEL.id, f"spec.model.{key}", "a string"))
    return None


def _read_workload(obj: Json) -> dict[str, Any]:
    problems: list[SubjectProblem] = []
    manifest_name = annotation(obj, MANIFEST_ANNOTATION, link.MANIFEST.id, problems)
    model_name = annotation(obj, MODEL_ANNOTATION, link.MODEL.id, problems)
    version = annotation(obj, MODEL_VERSION_ANNOTATION, link.MODEL.id, problems)
    digest = annotation(obj, MODEL_DIGEST_ANNOTATION, link.MODEL.id, problems)
    placement = tuple(node_placement(obj, problems))
    return {
        "manifest_name": manifest_name,
        "model": ModelIdentity(model_name, version, digest) if model_name else None,
        "images": tuple(images_of(obj)),
        "placement": placement or None,
        "problems": tuple(problems),
        "reference_path": f"metadata.annotations[{MANIFEST_ANNOTATION}]",
        "model_path": f"metadata.annotations[{MODEL_ANNOTATION}]",
    }
