"""From an object of a serving system to a ``Subject``.

Such objects hold containers and pod specs at many places, several models, templates over templates, images in
parts; later versions add more. So every image, container and pod spec is read wherever it stands: never fewer
images than a naive search for ``image`` finds. The table of kinds says the rest. Nothing raises.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

import yaml

from actgate.api.names import (
    MANIFEST_ANNOTATION,
    MODEL_ANNOTATION,
    MODEL_DIGEST_ANNOTATION,
    MODEL_VERSION_ANNOTATION,
    PROVIDER_ANNOTATION,
)
from actgate.decision.manifest import ModelIdentity, Region
from actgate.decision.rule_ids import LINK_MANIFEST, LINK_MODEL, RESIDENCY_SERVING
from actgate.decision.subject import Detection, ModelReference, Subject, SubjectProblem
from actgate.subjects import marks
from actgate.subjects.command_line import FIELDS
from actgate.subjects.fields import CONTAINER, MAPS, MARKED, NODES, Json, Shape, map_at, misfits, unreadable
from actgate.subjects.log_settings import logged_by_server, server_logging_path
from actgate.subjects.marks import Place, annotation_in
from actgate.subjects.patterns import Pattern, children
from actgate.subjects.placement import of_nodes
from actgate.subjects.serving_kinds import Embedded, ServingKind
from actgate.subjects.signals import VARIABLES, Observed, observe_container, observe_labels, observe_pod

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OUTSIDE: Final = frozenset({"apiVersion", "kind", "metadata", "status"})
_DEEPEST: Final = 64
"""Levels of an object that are read; the API server takes deeper ones of fields without a schema only."""
_LONGEST: Final = 65_536
"""Characters of YAML within a field that are read, and nodes of it, whatever its aliases make of it."""
_ENDLESS: Final = -1
MOST_REFERENCES: Final = 1024
"""Models that an object names; each is compared with all evidence, and an object may be long."""
_POD: Final = ("containers", "initContainers", "ephemeralContainers")
_RUNS: Final = frozenset({"image", *FIELDS, *VARIABLES})
_CONTAINER: Final = re.compile(r"[cC]ontainer(s\[[0-9]+\])?$")
"""Where a container stands, though it may leave out its image."""
_CONTAINED: Final[Shape] = {
    key: shape for key, shape in CONTAINER.items() if key not in ("name", "image", "env")
}
"""What is read of a container; its image may be in parts, and its variables a map."""
_ENV: Final[Shape] = CONTAINER["env"]
_POD_SHAPE: Final[Shape] = {**{key: [{}] for key in _POD}, "resourceClaims": [{}], "volumes": [{}]}


class ServingObject:
    """An object of a serving system as it is read: whether it is judged, and what it asks for.

    Args:
        obj: The object, as JSON.
        kind: Its row, one that is judged.
    """

    __slots__ = ("_images", "_kind", "_nodes", "_obj", "_observed", "_places", "_problems", "declared")

    def __init__(self, obj: Json, kind: ServingKind) -> None:
        self._obj, self._kind = obj, kind
        self._problems: list[SubjectProblem] = []
        self._images: list[tuple[str, str]] = []
        self._nodes: list[tuple[str, Json]] = []
        self._observed = Observed()
        self._places = list(_places(obj, kind))
        for place in self._places:
            observe_labels(place.labels, _at(place.path, "labels"), self._observed)
        self._read({key: value for key, value in obj.items() if key not in _OUTSIDE}, "", _DEEPEST)
        if "spec" in obj and not isinstance(obj["spec"], MAPS):
            self._problems.append(unreadable(LINK_MODEL, "spec", "an object", obj["spec"]))
        self.declared = kind.judged == "always" or marks.declares(self._places)
        """Whether it is judged for what it is, or because of a mark."""

    @property
    def images(self) -> tuple[tuple[str, str], ...]:
        """Each image that it states: (field, image)."""
        return tuple(self._images)

    @property
    def places(self) -> tuple[Place, ...]:
        """Each metadata in which its marks are read; that of the object always."""
        return tuple(self._places)

    @property
    def detection(self) -> Detection | None:
        """What its signals add up to."""
        return self._observed.detection()

    @property
    def judged(self) -> bool:
        """Whether it is asked about at all."""
        return self.declared or self.detection is not None

    @property
    def provider(self) -> str | None:
        """Whose codes the regions are by which its pods choose nodes."""
        return annotation_in(self._places, PROVIDER_ANNOTATION, RESIDENCY_SERVING, [])

    def governed_fields(self) -> Json:
        """Return what only passing evidence may change: all but the number of servers, and its marks."""
        left_out = {path for pattern in self._kind.scale for path, _ in pattern.found(self._obj)}
        return {
            "body": {
                key: _without(value, key, left_out) for key, value in self._obj.items() if key not in _OUTSIDE
            },
            "links": [marks.marks_in(place.annotations) for place in self._places],
            "classified": [marks.marks_in(place.labels) for place in self._places],
        }

    def subject(
        self,
        namespace_labels: Mapping[str, str] | None = None,
        *,
        namespace: str | None = None,
        governed_change: bool = True,
        dry_run: bool = False,
        provider: str | None = None,
    ) -> Subject:
        """Return what the object asks for; the arguments are those of ``Workload.subject``."""
        problems = [*self._problems, *self._observed.problems()]
        for place in self._places:
            problems += marks.problems(self._kind.kind, [place])
        for pattern in self._kind.patterns:
            problems += [
                unreadable(LINK_MODEL, found.path, found.expected, found.value)
                for found in pattern.misfits(self._obj)
            ]
        path = self.reference_path
        text = annotation_in(self._places, MANIFEST_ANNOTATION, LINK_MANIFEST, problems)
        links = marks.links_in(text, path, problems) if text else ()
        model = self._model(problems)
        references, unstated = self._loaded(problems)
        placement = tuple(self._placement(problems, provider))
        metadata = map_at(self._obj, "metadata")
        return Subject(
            kind=self._kind.kind,
            group=self._kind.group,
            namespace=namespace or str(metadata.get("namespace") or "default"),
            name=str(metadata.get("name") or metadata.get("generateName") or ""),
            links=links,
            model=model,
            images=self.images,
            placement=placement or None,
            namespace_labels=namespace_labels or {},
            references=references,
            unstated=unstated,
            declared=self.declared,
            detection=self.detection,
            problems=tuple(problems),
            logging=logged_by_server(self._obj, self._kind, self._places),
            logging_path=server_logging_path(self._kind),
            reference_path=path,
            model_path=f"{self._kind.links[0].text}.annotations[{MODEL_ANNOTATION}]",
            governed_change=governed_change,
            dry_run=dry_run,
        )

    @property
    def reference_path(self) -> str:
        """Where a user links its evidence."""
        return f"{self._kind.links[0].text}.annotations[{MANIFEST_ANNOTATION}]"

    def _model(self, problems: list[SubjectProblem]) -> ModelIdentity | None:
        name, version, digest = (
            annotation_in(self._places, key, LINK_MODEL, problems)
            for key in (MODEL_ANNOTATION, MODEL_VERSION_ANNOTATION, MODEL_DIGEST_ANNOTATION)
        )
        return ModelIdentity(name, version, digest) if name else None

    def _loaded(self, problems: list[SubjectProblem]) -> tuple[tuple[ModelReference, ...], tuple[str, ...]]:
        """Return what it says that it loads, and the fields whose value another object holds."""
        found = dict.fromkeys(self._observed.references)
        found |= dict.fromkeys(_named(self._obj, (*self._kind.uris, *self._kind.names), "", problems))
        for embedded in self._kind.embedded:
            found |= dict.fromkeys(_within(self._obj, embedded, problems))
        unstated = dict.fromkeys(self._observed.unstated)
        if len(found) > MOST_REFERENCES:
            path = next(islice(found, MOST_REFERENCES, None)).path
            message = f"Too many: {len(found)}: must name at most {MOST_REFERENCES} models"
            problems.append(SubjectProblem(LINK_MODEL, path, message, "serve them by several objects"))
            found = dict.fromkeys(islice(found, MOST_REFERENCES))
        for pattern in self._kind.elsewhere:
            unstated |= dict.fromkeys(path for path, _ in pattern.found(self._obj))
        if not self._images:
            unstated["images"] = None
        return tuple(found), tuple(unstated)

    def _placement(
        self, problems: list[SubjectProblem], provider: str | None
    ) -> Iterator[tuple[str, Region]]:
        provider = annotation_in(self._places, PROVIDER_ANNOTATION, RESIDENCY_SERVING, problems) or provider
        for path, spec in self._nodes:
            problems += [
                unreadable(RESIDENCY_SERVING, found.path, found.expected, found.value)
                for found in misfits(spec, NODES, path)
            ]
            yield from of_nodes(spec, path, provider, problems)

    def _read(self, value: object, path: str, depth: int) -> None:
        """Read a part of the object and all below it."""
        if not depth:
            self._problems.append(unreadable(LINK_MODEL, path, f"nested at most {_DEEPEST} levels deep"))
            return
        if isinstance(value, MAPS):
            self._read_object(value, path)
        for at, item in children(value, path):
            if isinstance(item, (list, *MAPS)):
                self._read(item, at, depth - 1)

    def _read_object(self, value: Json, path: str) -> None:
        image = self._image(value, path)
        if not _RUNS.isdisjoint(value):
            contained = image is not None or _CONTAINER.search(path) is not None
            self._commands(value, path, contained=contained)
            stated = {**value, "image": image} if image is not None else value
            serves = ".initContainers[" not in f".{path}" or value.get("restartPolicy") == "Always"
            observe_container(stated, path, self._observed, serves=serves)
        if any(field in value for field in _POD):
            self._misfits(value, _POD_SHAPE, path)
            observe_pod({key: item for key, item in value.items() if key not in _POD}, path, self._observed)
        if "nodeSelector" in value or "affinity" in value:
            self._nodes.append((path, value))
        if path.endswith("labels"):
            return
        if value.get("metadata") is not None:
            self._read_metadata(value["metadata"], _at(path, "metadata"))

    def _read_metadata(self, metadata: object, path: str) -> None:
        """Read the metadata of pods; a mark counts there, too, though the row does not name the place."""
        if not isinstance(metadata, MAPS):
            return
        labels, annotations = map_at(metadata, "labels"), map_at(metadata, "annotations")
        if all(place.path != path for place in self._places):
            self._misfits(metadata, MARKED, path)
            observe_labels(labels, f"{path}.labels", self._observed)
            if marks.marks_in(labels) or marks.marks_in(annotations):
                self._places.append(Place(path, metadata, labels, annotations))

    def _commands(self, value: Json, path: str, *, contained: bool) -> None:
        """Note what cannot be read of a command line and of variables, which some kinds state as a map.

        What is no container may use these words for something else, such as the analysis of a Rollout.
        """
        if contained:
            self._misfits(value, _CONTAINED, path)
            for field in VARIABLES:
                env = value.get(field)
                self._misfits({field: env}, {field: {...: str} if isinstance(env, MAPS) else _ENV}, path)
            return
        for field in (*FIELDS, *VARIABLES):
            item = value.get(field)
            if item is not None and not isinstance(item, (str, list, *MAPS)):
                self._problems.append(unreadable(LINK_MODEL, _at(path, field), "a list", item))

    def _misfits(self, value: Json, shape: Shape, path: str) -> None:
        self._problems += [
            unreadable(LINK_MODEL, found.path, found.expected, found.value)
            for found in misfits(value, shape, path)
        ]

    def _image(self, value: Json, path: str) -> str | None:
        """Return the image of a container, or of a volume, and keep it; a fault of it is a problem."""
        stated = value.get("image")
        if stated is None:
            return None
        at = _at(path, "image")
        image = _joined(stated) if isinstance(stated, MAPS) else stated
        if isinstance(image, str) and image:
            self._images.append((at, image))
            return image
        self._problems.append(unreadable(LINK_MODEL, at, "an image", stated))
        return None


def _at(path: str, field: str) -> str:
    return f"{path}.{field}" if path else field


def _joined(parts: Json) -> str | None:
    """Return an image that is stated in parts: a reference, or registry, repository, name, tag and digest."""
    reference = parts.get("reference")
    if isinstance(reference, str):
        return reference
    named = [parts.get(key) for key in ("registry", "repository", "name")]
    path = "/".join(part.strip("/") for part in named if isinstance(part, str) and part)
    if not path:
        return None
    for key, separator in (("digest", "@"), ("tag", ":")):
        part = parts.get(key)
        if isinstance(part, str) and part:
            return f"{path}{separator}{part}"
    return path


def _places(obj: Json, kind: ServingKind) -> Iterator[Place]:
    """Yield each metadata in which marks are read; that of the object always."""
    for pattern in kind.links:
        found = [(path, value) for path, value in pattern.found(obj) if isinstance(value, MAPS)]
        if not found and pattern.text == "metadata":
            found = [("metadata", {})]
        for path, value in found:
            yield Place(path, value, map_at(value, "labels"), map_at(value, "annotations"))


def _named(
    obj: Json, patterns: tuple[Pattern, ...], inside: str, problems: list[SubjectProblem]
) -> Iterator[ModelReference]:
    """Yield the values of fields that name a model; one that is no string is a problem."""
    for pattern in patterns:
        for path, value in pattern.found(obj):
            at = f"{inside}{path}"
            if isinstance(value, str) and value:
                yield ModelReference(at, value)
            elif value != "":
                problems.append(unreadable(LINK_MODEL, at, "a string", value))


def _within(obj: Json, embedded: Embedded, problems: list[SubjectProblem]) -> Iterator[ModelReference]:
    """Yield what YAML within a field names; what cannot be read of it is a problem."""
    for path, text in embedded.field.found(obj):
        document: Any = None
        if isinstance(text, str) and len(text) <= _LONGEST:
            try:
                document = _document(text)
            except (yaml.YAMLError, ValueError, RecursionError):
                document = None
        if isinstance(document, dict):
            yield from _named(document, (*embedded.uris, *embedded.names), f"{path}: ", problems)
        else:
            problems.append(unreadable(LINK_MODEL, path, f"YAML of at most {_LONGEST} characters", text))


def _document(text: str) -> Any:  # noqa: ANN401 - YAML
    """Return a YAML document; None where its aliases make more of it than its characters could be.

    Raises:
        ValueError: It holds itself.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None or _size(node, {}) > _LONGEST:
            return None
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many nodes a document has once its aliases, each of them one node here, are put in."""
    size = known.get(id(node))
    if size is None:
        known[id(node)] = _ENDLESS
        parts = node.value if isinstance(node, yaml.CollectionNode) else ()
        inner = (item for part in parts for item in (part if isinstance(part, tuple) else (part,)))
        size = known[id(node)] = 1 + sum(_size(item, known) for item in inner)
    elif size == _ENDLESS:
        raise ValueError("a node that holds itself")
    return size


def _without(value: Any, path: str, left_out: set[str]) -> Any:  # noqa: ANN401 - JSON
    """Return a copy of a part of an object without the fields that are left out."""
    if isinstance(value, dict):
        kept = ((key, item, f"{path}.{key}") for key, item in value.items())
        return {key: _without(item, at, left_out) for key, item, at in kept if at not in left_out}
    if isinstance(value, list):
        return [_without(item, f"{path}[{index}]", left_out) for index, item in enumerate(value)]
    return value
