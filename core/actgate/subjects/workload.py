"""From a Kubernetes object to a ``Subject``: what it runs, where, and which evidence it points at.

Takes objects as the API server sends them and never raises: a field that cannot be read becomes a
problem of the subject, and a problem fails.
"""

from collections.abc import Mapping
from typing import Final

from actgate.api.names import (
    MANIFEST_ANNOTATION,
    MODEL_ANNOTATION,
    MODEL_DIGEST_ANNOTATION,
    MODEL_VERSION_ANNOTATION,
)
from actgate.decision.manifest import ModelIdentity
from actgate.decision.rule_ids import LINK_MANIFEST, LINK_MODEL
from actgate.decision.subject import Link, Subject, SubjectProblem
from actgate.subjects import marks
from actgate.subjects.kinds import Kind, Path, kind_of, row_of
from actgate.subjects.links import links_in
from actgate.subjects.placement import placement_of
from actgate.subjects.pods import (
    Json,
    Places,
    annotation_in,
    annotations_of,
    map_at,
    metadata_of,
    object_at,
    readable_images,
    unreadable,
    value_at,
)

_MODEL: Final = (MODEL_ANNOTATION, MODEL_VERSION_ANNOTATION, MODEL_DIGEST_ANNOTATION)


def is_judged(obj: Json) -> bool:
    """Return whether an object is asked about: always, or where it says that it serves a model."""
    kind = kind_of(obj)
    return kind is not None and (kind.always or declares(obj, kind))


def declares(obj: Json, kind: Kind) -> bool:
    """Return whether any metadata of an object says that its pods serve a model."""
    return any(marks.declares(metadata) for _, metadata in metadata_of(obj, kind))


def subject_of(
    obj: Json,
    namespace_labels: Mapping[str, str] | None = None,
    *,
    namespace: str | None = None,
    governed_change: bool = True,
    dry_run: bool = False,
) -> Subject:
    """Return what an object asks for.

    Args:
        obj: A ModelDeployment or a workload, as JSON.
        namespace_labels: Labels of its namespace, where the caller knows them already.
        namespace: The namespace of the request, where the object itself need not state it.
        governed_change: False for an update that leaves every governed field as it was.
        dry_run: Whether the request only asks what would happen.
    """
    kind, metadata = row_of(obj), map_at(obj, "metadata")
    places = metadata_of(obj, kind)
    annotations = annotations_of(places)
    problems: list[SubjectProblem] = []
    if kind.manifest is None:
        problems += marks.problems(kind.kind, places)
        text = annotation_in(annotations, MANIFEST_ANNOTATION, LINK_MANIFEST, problems)
        links = links_in(text, kind.reference, problems) if text else ()
    else:
        text = _text_at(obj, kind.manifest, LINK_MANIFEST, problems)
        links = (Link(text),) if text else ()
    model = _model(obj, kind, annotations, problems)
    images = tuple(readable_images(obj, kind, LINK_MODEL, problems))
    placement = tuple(placement_of(obj, kind, annotations, problems))
    return Subject(
        kind=str(obj.get("kind")),
        namespace=namespace or str(metadata.get("namespace") or "default"),
        name=str(metadata.get("name") or metadata.get("generateName") or ""),
        links=links,
        model=model,
        images=images,
        placement=placement or None,
        namespace_labels=namespace_labels or {},
        problems=tuple(problems),
        reference_path=kind.reference,
        model_path=kind.model_path,
        governed_change=governed_change,
        dry_run=dry_run,
    )


def governed_fields(obj: Json) -> Json:
    """Return the fields of an object that only passing evidence may change.

    Model, reference, placement, the images and annotations of the pod template, and the labels that
    classify; two objects with equal governed fields are the same question to the gate.
    """
    kind = row_of(obj)
    pod, places = object_at(obj, kind.pods.spec), metadata_of(obj, kind)
    is_pod = kind.pods.metadata == kind.marks[0]
    return {
        "fields": [value_at(obj, field) for field in kind.governed],
        "placement": value_at(obj, kind.placement.parent) if kind.placement else None,
        "links": [marks.marks_in(metadata, "annotations") for _, metadata in places],
        "classified": [marks.marks_in(metadata, "labels") for _, metadata in places],
        "images": sorted([image for _, image in readable_images(obj, kind, "", [])]),
        # Of a Pod they are its own, which its controllers write while it runs.
        "annotations": None if is_pod else map_at(places[-1][1], "annotations"),
        "nodes": [pod.get("nodeSelector"), map_at(map_at(pod, "affinity"), "nodeAffinity")],
    }


def _model(
    obj: Json, kind: Kind, annotations: Places, problems: list[SubjectProblem]
) -> ModelIdentity | None:
    if kind.model_fields:
        stated = [_text_at(obj, field, LINK_MODEL, problems) for field in kind.model_fields]
    else:
        stated = [annotation_in(annotations, key, LINK_MODEL, problems) for key in _MODEL]
    name, version, digest = stated
    return ModelIdentity(name, version, digest) if name else None


def _text_at(obj: Json, field: Path, rule: str, problems: list[SubjectProblem]) -> str | None:
    value = value_at(obj, field)
    if value is None or isinstance(value, str):
        return value
    problems.append(unreadable(rule, field.text, "a string", value))
    return None
