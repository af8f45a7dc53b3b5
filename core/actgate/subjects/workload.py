"""From a Kubernetes object to a ``Subject``: what it runs, where, and which evidence it points at.

Takes objects as the API server sends them and never raises: a field that cannot be read becomes a
problem of the subject, and a problem fails.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from actgate.api.names import (
    MANIFEST_ANNOTATION,
    MODEL_ANNOTATION,
    MODEL_DIGEST_ANNOTATION,
    MODEL_VERSION_ANNOTATION,
    PROVIDER_ANNOTATION,
)
from actgate.decision.manifest import ModelIdentity
from actgate.decision.rule_ids import LINK_MANIFEST, LINK_MODEL, RESIDENCY_SERVING
from actgate.decision.subject import Detection, Link, ModelReference, Subject, SubjectProblem
from actgate.subjects import marks
from actgate.subjects.command_line import Budget
from actgate.subjects.fields import CONTAINERS, MAPS, Json, map_at, object_at, unreadable, value_at
from actgate.subjects.kinds import Kind, kinds
from actgate.subjects.log_settings import logged_by, logging_path, recorders_in
from actgate.subjects.marks import Place, annotation_in
from actgate.subjects.placement import placement_of
from actgate.subjects.signals import Observed, observe_container, observe_labels, observe_pod, runs

_MODEL: Final = {
    "name": MODEL_ANNOTATION,
    "version": MODEL_VERSION_ANNOTATION,
    "digest": MODEL_DIGEST_ANNOTATION,
}


class Workload:
    """An object as it is read: whether it is judged, what of it is governed, and what it asks for.

    Args:
        obj: A ModelDeployment or a workload, as JSON.
        kind: Its row. What is of no kind that is judged is read as a Pod.
    """

    __slots__ = ("_kind", "_obj", "_observed", "_places", "declared")

    def __init__(self, obj: Json, kind: Kind | None = None) -> None:
        row = kind or kind_of(obj)
        self._obj, self._kind = obj, row or kinds()["", "Pod"]
        self._places = []
        for path in self._kind.marks:
            found = object_at(obj, path)
            place = Place(path.text, found, map_at(found, "labels"), map_at(found, "annotations"))
            self._places.append(place)
        self.declared = row is not None and (row.always or marks.declares(self._places))
        """Whether it is judged for what it is, or because it says that it serves a model."""
        self._observed: Observed | None = None

    @property
    def detection(self) -> Detection | None:
        """What its signals add up to; None for a kind that is judged for what it is."""
        return None if self._kind.always else self._seen().detection()

    @property
    def judged(self) -> bool:
        """Whether it is asked about: declared, or detected by its signals."""
        return self.declared or self.detection is not None

    @property
    def provider(self) -> str | None:
        """Whose codes the regions are by which its pods choose nodes."""
        return annotation_in(self._places, PROVIDER_ANNOTATION, RESIDENCY_SERVING, [])

    def _seen(self) -> Observed:
        """Return what its parts show, read once."""
        if self._observed is None:
            self._observed = seen = Observed()
            kind, obj = self._kind, self._obj
            for place in self._places:
                observe_labels(place.labels, f"{place.path}.labels", seen)
            for image in kind.images:
                observe_container(object_at(obj, image.parent), image.parent.text, seen)
            observe_pod(object_at(obj, kind.pods.spec), kind.pods.spec.text, seen)
        return self._observed

    def governed_fields(self) -> Json:
        """Return the fields that only passing evidence may change.

        Model, reference, placement, the images and annotations of the pod template, and the labels that
        classify; two objects with equal governed fields are the same question to the gate.
        """
        obj, kind, places = self._obj, self._kind, self._places
        pod = object_at(obj, kind.pods.spec)
        is_pod = kind.pods.metadata == kind.marks[0]
        budget = Budget()
        return {
            "fields": [value_at(obj, field) for field in kind.governed],
            "placement": value_at(obj, kind.placement.parent) if kind.placement else None,
            "logging": value_at(obj, kind.logging) if kind.logging else None,
            "links": [marks.marks_in(place.annotations) for place in places],
            "classified": [marks.marks_in(place.labels) for place in places],
            "images": sorted([image for _, image in _images(obj, kind, [])]),
            # Of a Pod they are its own, which its controllers write while it runs.
            "annotations": None if is_pod else places[-1].annotations,
            "nodes": [pod.get("nodeSelector"), map_at(map_at(pod, "affinity"), "nodeAffinity")],
            # What names a model in another way than by an image.
            "runs": [runs(container, budget) for container in self._containers()],
        }

    def _containers(self) -> Iterator[Json]:
        for image in self._kind.images:
            yield object_at(self._obj, image.parent)
        pod = object_at(self._obj, self._kind.pods.spec)
        for field in CONTAINERS:
            listed = pod.get(field)
            for container in listed if isinstance(listed, list) else ():
                if isinstance(container, MAPS):
                    yield container

    def subject(
        self,
        namespace_labels: Mapping[str, str] | None = None,
        *,
        namespace: str | None = None,
        governed_change: bool = True,
        dry_run: bool = False,
        provider: str | None = None,
    ) -> Subject:
        """Return what the object asks for.

        Args:
            namespace_labels: Labels of its namespace, where the caller knows them already.
            namespace: The namespace of the request, where the object itself need not state it.
            governed_change: False for an update that leaves every governed field as it was.
            dry_run: Whether the request only asks what would happen.
            provider: Whose codes the regions of its nodes are, where it does not say so itself.
        """
        obj, kind, places = self._obj, self._kind, self._places
        problems: list[SubjectProblem] = []
        if kind.manifest is None:
            problems += marks.problems(kind.kind, places)
            text = annotation_in(places, MANIFEST_ANNOTATION, LINK_MANIFEST, problems)
            links = marks.links_in(text, kind.reference, problems) if text else ()
        else:
            text = _text(value_at(obj, kind.manifest), kind.manifest.text, LINK_MANIFEST, problems)
            links = (Link(text),) if text else ()
        model = _model(obj, kind, places, problems)
        images = tuple(_images(obj, kind, problems))
        placement = tuple(placement_of(obj, kind, places, problems, provider))
        metadata = places[0].metadata
        seen = self._seen()
        problems.extend(seen.problems())
        return Subject(
            kind=str(obj.get("kind")),
            group=kind.group,
            namespace=namespace or str(metadata.get("namespace") or "default"),
            name=str(metadata.get("name") or metadata.get("generateName") or ""),
            links=links,
            model=model,
            images=images,
            placement=placement or None,
            namespace_labels=namespace_labels or {},
            references=(*_stated_uri(obj, kind, problems), *seen.references),
            unstated=tuple(seen.unstated),
            declared=self.declared,
            detection=self.detection,
            problems=tuple(problems),
            reference_path=kind.reference,
            model_path=kind.model_path,
            governed_change=governed_change,
            dry_run=dry_run,
            logging=logged_by(obj, kind, places),
            recorders=tuple(recorders_in(obj, kind)),
            logging_path=logging_path(kind),
        )


def kind_of(obj: Json) -> Kind | None:
    """Return the row of an object; None where it is not of a kind that is judged."""
    kind, version = obj.get("kind"), obj.get("apiVersion")
    if not isinstance(kind, str) or not isinstance(version, str):
        return None
    return kinds().get((version.rpartition("/")[0], kind))


def workload_images(obj: Json) -> Iterator[tuple[str, str]]:
    """Yield (field, image) for everything that a pod of a workload would run or mount as an image."""
    return _images(obj, kind_of(obj) or kinds()["", "Pod"], [])


def _model(
    obj: Json, kind: Kind, places: list[Place], problems: list[SubjectProblem]
) -> ModelIdentity | None:
    if kind.model is not None:
        model, path = object_at(obj, kind.model), kind.model.text
        stated = [_text(model.get(field), f"{path}.{field}", LINK_MODEL, problems) for field in _MODEL]
    else:
        stated = [annotation_in(places, key, LINK_MODEL, problems) for key in _MODEL.values()]
    name, version, digest = stated
    return ModelIdentity(name, version, digest) if name else None


def _stated_uri(obj: Json, kind: Kind, problems: list[SubjectProblem]) -> Iterator[ModelReference]:
    """Yield what a kind that names its model by itself says that it is loaded from."""
    if kind.model is not None:
        path = f"{kind.model.text}.uri"
        uri = _text(object_at(obj, kind.model).get("uri"), path, LINK_MODEL, problems)
        if uri:
            yield ModelReference(path, uri)


def _text(value: object, path: str, rule: str, problems: list[SubjectProblem]) -> str | None:
    if value is None or isinstance(value, str):
        return value
    problems.append(unreadable(rule, path, "a string", value))
    return None


def _images(obj: Json, kind: Kind, problems: list[SubjectProblem]) -> Iterator[tuple[str, str]]:
    """Yield (field, image) as ``workload_images``; what cannot be read as an image is a problem.

    Init containers, ephemeral containers and image volumes are never forgotten. A container that was not
    read could run anything, so only an overlay may leave out what it does not change.
    """
    for stated in kind.images:
        image = value_at(obj, stated)
        if isinstance(image, str) and image:
            yield stated.text, image
        else:
            problems.append(unreadable(LINK_MODEL, stated.text, "an image", image))
    spec = _pod_spec(obj, kind, problems)
    if spec is None:
        return
    path, overlay = kind.pods.spec.text, kind.pods.overlay
    for field in CONTAINERS:
        if field not in spec and (overlay or field != "containers"):
            continue
        required = field == "containers" and not overlay
        for at, container in _listed(spec.get(field), f"{path}.{field}", required, problems):
            image = container.get("image")
            if isinstance(image, str) and image:
                yield f"{at}.image", image
            elif image is not None or not overlay:
                problems.append(unreadable(LINK_MODEL, f"{at}.image", "an image", image))
    if "volumes" in spec:
        yield from _mounted(spec["volumes"], f"{path}.volumes", problems)


def _mounted(volumes: object, path: str, problems: list[SubjectProblem]) -> Iterator[tuple[str, str]]:
    for at, volume in _listed(volumes, path, False, problems):
        source = volume.get("image")
        if source is None:
            continue
        reference = source.get("reference") if isinstance(source, MAPS) else None
        if isinstance(reference, str) and reference:
            yield f"{at}.image.reference", reference
        else:
            problems.append(unreadable(LINK_MODEL, f"{at}.image.reference", "an image", reference))


def _pod_spec(obj: Json, kind: Kind, problems: list[SubjectProblem]) -> Json | None:
    """Return the spec of the pods; None where it cannot be read, which only an overlay may lack."""
    found, path = obj, ""
    for step in kind.pods.spec.steps:
        inner, path = found.get(step), f"{path}.{step}" if path else step
        if not isinstance(inner, MAPS):
            if inner is not None or not kind.pods.overlay:
                problems.append(unreadable(LINK_MODEL, path, "an object", inner))
            return None
        found = inner
    return found


def _listed(
    value: object, path: str, required: bool, problems: list[SubjectProblem]
) -> Iterator[tuple[str, Json]]:
    """Yield the objects of a list, each with its path; anything else is a problem."""
    if not isinstance(value, list) or not value:
        if required or (value is not None and value != []):
            problems.append(unreadable(LINK_MODEL, path, "a list of objects", value))
        return
    for index, item in enumerate(value):
        at = f"{path}[{index}]"
        if isinstance(item, MAPS):
            yield at, item
        else:
            problems.append(unreadable(LINK_MODEL, at, "an object", item))
