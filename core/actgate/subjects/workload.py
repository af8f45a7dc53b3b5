"""From a Kubernetes object to a ``Subject``: what it runs, where, and which evidence it points at.

Takes objects as the API server sends them and never raises: a field that cannot be read becomes a
problem of the subject, and a problem fails.
"""

from collections.abc import Mapping
from typing import Any, Final

from actgate.api.names import (
    GROUP,
    MANIFEST_ANNOTATION,
    MODEL_ANNOTATION,
    MODEL_DIGEST_ANNOTATION,
    MODEL_VERSION_ANNOTATION,
)
from actgate.decision.manifest import ModelIdentity
from actgate.decision.rules import link, residency
from actgate.decision.subject import MODEL_DEPLOYMENT, Subject, SubjectProblem
from actgate.subjects import marks
from actgate.subjects.node_fields import unreadable_nodes
from actgate.subjects.placement import declared_placement, node_placement
from actgate.subjects.pods import (
    TEMPLATE_PATHS,
    Json,
    annotation_in,
    annotations_of,
    images_of,
    map_at,
    metadata_of,
    readable_images,
    template_of,
    template_path,
    unreadable,
)

_GROUPS: Final = {"Pod": "v1", "ReplicationController": "v1", "Job": "batch/", "CronJob": "batch/"}


def is_workload(obj: Json) -> bool:
    """Return whether an object is of a kind that is judged when it says that it serves a model."""
    kind, version = str(obj.get("kind")), str(obj.get("apiVersion"))
    return kind in TEMPLATE_PATHS and version.startswith(_GROUPS.get(kind, "apps/"))


def is_judged(obj: Json) -> bool:
    """Return whether an object is asked about at all: a ModelDeployment or an inference workload."""
    if obj.get("kind") == MODEL_DEPLOYMENT:
        return str(obj.get("apiVersion")).startswith(f"{GROUP}/")
    return is_workload(obj) and is_inference(obj)


def is_inference(obj: Json) -> bool:
    """Return whether a workload, its job template or its pod template says that it serves a model."""
    return any(marks.declares(metadata) for _, metadata in metadata_of(obj))


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
    pod, places = map_at(template, "spec"), metadata_of(obj)
    return {
        "model": spec.get("model"),
        "reference": spec.get("complianceManifestRef"),
        "placement": spec.get("placement"),
        "links": [marks.marks_in(metadata, "annotations") for _, metadata in places],
        "classified": [marks.marks_in(metadata, "labels") for _, metadata in places],
        "images": sorted(image for _, image in images_of(obj)),
        "annotations": map_at(places[-1][1], "annotations") if template is not obj else None,
        "nodes": [pod.get("nodeSelector"), map_at(map_at(pod, "affinity"), "nodeAffinity")],
    }


def _read_model_deployment(obj: Json) -> dict[str, Any]:
    spec = map_at(obj, "spec")
    problems: list[SubjectProblem] = []
    name = map_at(spec, "complianceManifestRef").get("name")
    if name is not None and not isinstance(name, str):
        problems.append(unreadable(link.MANIFEST.id, "spec.complianceManifestRef.name", "a string"))
    images = tuple(readable_images(obj, link.MODEL.id, problems))
    placement = declared_placement(spec, problems)
    problems += unreadable_nodes(obj, residency.SERVING.id)
    nodes = tuple(node_placement(obj, problems))
    return {
        "manifest_name": name if isinstance(name, str) else None,
        "model": _served_model(map_at(spec, "model"), problems),
        "images": images,
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
    places = metadata_of(obj)
    stated = annotations_of(places)
    problems = [*marks.problems(str(obj.get("kind")), places)]
    manifest_name = annotation_in(stated, MANIFEST_ANNOTATION, link.MANIFEST.id, problems)
    model_name = annotation_in(stated, MODEL_ANNOTATION, link.MODEL.id, problems)
    version = annotation_in(stated, MODEL_VERSION_ANNOTATION, link.MODEL.id, problems)
    digest = annotation_in(stated, MODEL_DIGEST_ANNOTATION, link.MODEL.id, problems)
    images = tuple(readable_images(obj, link.MODEL.id, problems))
    problems += unreadable_nodes(obj, residency.SERVING.id)
    placement = tuple(node_placement(obj, problems))
    pods = f"{template_path(obj)}metadata.annotations"
    return {
        "manifest_name": manifest_name,
        "model": ModelIdentity(model_name, version, digest) if model_name else None,
        "images": images,
        "placement": placement or None,
        "problems": tuple(problems),
        "reference_path": f"{pods}[{MANIFEST_ANNOTATION}]",
        "model_path": f"{pods}[{MODEL_ANNOTATION}]",
    }
