"""Walks Kubernetes objects down to their pod templates, one way for every kind.

Init containers, ephemeral containers and image volumes are so never forgotten in one of several places.
Nothing raises here: what cannot be read is empty, or a problem of the subject.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from actgate.decision.subject import MODEL_DEPLOYMENT, SubjectProblem

Json = Mapping[str, Any]

TEMPLATE_PATHS: Final[dict[str, tuple[str, ...]]] = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}
"""Workload kinds, and where each keeps its pod template; a Pod is its own."""

# A dict is known at once, any other mapping by a search that takes as long as the rest of a field.
_MAPS: Final = (dict, Mapping)


def map_at(parent: object, key: str) -> Json:
    """Return a field that is an object; empty where it is anything else, or not there."""
    value = parent.get(key) if isinstance(parent, _MAPS) else None
    return value if value is not None and isinstance(value, _MAPS) else {}


def items_at(parent: object, key: str) -> Iterator[tuple[int, Json]]:
    """Yield the objects of a field that is a list, each with its index in it."""
    value = parent.get(key) if isinstance(parent, _MAPS) else None
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, _MAPS):
            yield index, item


def template_of(obj: Json) -> Json:
    """Return the pod template of a workload, or the overlay of a ModelDeployment."""
    if obj.get("kind") == MODEL_DEPLOYMENT:
        return map_at(map_at(obj, "spec"), "podTemplate")
    found: Json = obj
    for step in TEMPLATE_PATHS.get(str(obj.get("kind")), ()):
        found = map_at(found, step)
    return found


def template_path(obj: Json) -> str:
    """Return where the pod template stands, with a dot at the end where that is not the object itself."""
    return _TEMPLATE_PATHS_WITH_DOT.get(str(obj.get("kind")), "")


_TEMPLATE_PATHS_WITH_DOT: Final = {
    MODEL_DEPLOYMENT: "spec.podTemplate.",
    **{kind: "".join(f"{step}." for step in steps) for kind, steps in TEMPLATE_PATHS.items()},
}


def metadata_of(obj: Json) -> list[tuple[str, Json]]:
    """Return each metadata in which a user may say something about the pods of an object, with its path.

    The object's own, that of a CronJob's job template, and last that of the pod template; a Pod has one.
    """
    kind = obj.get("kind")
    places = [("metadata", map_at(obj, "metadata"))]
    if kind == "CronJob":
        job = map_at(map_at(obj, "spec"), "jobTemplate")
        places.append(("spec.jobTemplate.metadata", map_at(job, "metadata")))
    template = template_of(obj)
    if template is not obj:
        places.append((_TEMPLATE_METADATA[str(kind)], map_at(template, "metadata")))
    return places


_TEMPLATE_METADATA: Final = {kind: f"{path}metadata" for kind, path in _TEMPLATE_PATHS_WITH_DOT.items()}


def images_of(obj: Json) -> Iterator[tuple[str, str]]:
    """Yield (field, image) for everything that a pod of this object would run or mount as an image."""
    return readable_images(obj, "", [])


def readable_images(obj: Json, rule: str, problems: list[SubjectProblem]) -> Iterator[tuple[str, str]]:
    """Yield (field, image) as ``images_of``; what cannot be read as an image is a problem of ``rule``.

    A container that was not looked at could run anything, so only the overlay of a ModelDeployment may
    leave out what it does not change.
    """
    overlay = obj.get("kind") == MODEL_DEPLOYMENT
    if overlay:
        image = map_at(map_at(obj, "spec"), "server").get("image")
        if isinstance(image, str) and image:
            yield "spec.server.image", image
        else:
            problems.append(unreadable(rule, "spec.server.image", "an image", image))
    spec = _pod_spec(obj, rule, problems)
    if spec is None:
        return
    path = f"{template_path(obj)}spec"
    for field in ("containers", "initContainers", "ephemeralContainers"):
        if field not in spec and (overlay or field != "containers"):
            continue
        required = field == "containers" and not overlay
        for at, container in _listed(spec.get(field), f"{path}.{field}", required, rule, problems):
            image = container.get("image")
            if isinstance(image, str) and image:
                yield f"{at}.image", image
            elif image is not None or not overlay:
                problems.append(unreadable(rule, f"{at}.image", "an image", image))
    if "volumes" in spec:
        yield from _mounted(spec["volumes"], f"{path}.volumes", rule, problems)


def _mounted(
    volumes: object, path: str, rule: str, problems: list[SubjectProblem]
) -> Iterator[tuple[str, str]]:
    for at, volume in _listed(volumes, path, False, rule, problems):
        source = volume.get("image")
        if source is None:
            continue
        reference = source.get("reference") if isinstance(source, _MAPS) else None
        if isinstance(reference, str) and reference:
            yield f"{at}.image.reference", reference
        else:
            problems.append(unreadable(rule, f"{at}.image.reference", "an image", reference))


def _pod_spec(obj: Json, rule: str, problems: list[SubjectProblem]) -> Json | None:
    """Return the spec of a pod template; None where it cannot be read, which only an overlay may lack."""
    spec = template_of(obj).get("spec")
    if isinstance(spec, _MAPS):
        return spec
    overlay = obj.get("kind") == MODEL_DEPLOYMENT
    steps = ("spec", "podTemplate") if overlay else TEMPLATE_PATHS.get(str(obj.get("kind")), ())
    found: object = obj
    path = ""
    for step in (*steps, "spec"):
        path = f"{path}.{step}" if path else step
        found = found.get(step) if isinstance(found, _MAPS) else None
        if not isinstance(found, _MAPS):
            if found is not None or not overlay:
                problems.append(unreadable(rule, path, "an object", found))
            break
    return None


def _listed(
    value: object, path: str, required: bool, rule: str, problems: list[SubjectProblem]
) -> Iterator[tuple[str, Json]]:
    """Yield the objects of a list, each with its path; anything else is a problem."""
    if not isinstance(value, list) or not value:
        if required or (value is not None and value != []):
            problems.append(unreadable(rule, path, "a list of objects", value))
        return
    for index, item in enumerate(value):
        at = f"{path}[{index}]"
        if isinstance(item, _MAPS):
            yield at, item
        else:
            problems.append(unreadable(rule, at, "an object", item))


def annotation(obj: Json, name: str, rule: str, problems: list[SubjectProblem]) -> str | None:
    """Return an annotation of a workload, its job template or its pod template.

    Two different values are a problem, and so is one that is no string.
    """
    return annotation_in(annotations_of(metadata_of(obj)), name, rule, problems)


def annotations_of(places: list[tuple[str, Json]]) -> list[tuple[str, Json]]:
    """Return the annotations of each metadata, with its path."""
    return [(path, map_at(metadata, "annotations")) for path, metadata in places]


def annotation_in(
    stated: list[tuple[str, Json]], name: str, rule: str, problems: list[SubjectProblem]
) -> str | None:
    """Return what ``annotation`` does, of annotations that were looked up before."""
    found = [(path, annotations[name]) for path, annotations in stated if name in annotations]
    if len(found) == 1 and isinstance(found[0][1], str):
        return found[0][1] or None
    return _agreed(found, name, rule, problems) if found else None


def _agreed(found: list[tuple[str, Any]], name: str, rule: str, problems: list[SubjectProblem]) -> str | None:
    path, value = found[0]
    if any(other != value for _, other in found):
        problems.append(
            SubjectProblem(
                rule,
                f"{path}.annotations[{name}]",
                f"the workload and its pod template state different values of {name}",
                "state the same value in both places, or in the pod template alone",
            )
        )
        return None
    if not isinstance(value, str):
        problems.append(unreadable(rule, f"{path}.annotations[{name}]", "a string", value))
        return None
    return value or None


def unreadable(rule: str, path: str, expected: str, value: object = ...) -> SubjectProblem:
    """Return the problem of a field that is not what it should be, or is not there."""
    if value is None or value in ("", [], ()):
        return SubjectProblem(
            rule, path, f"Required value: {path} must be {expected}", f"state {path} as {expected}"
        )
    return SubjectProblem(
        rule, path, f"{path} cannot be read; expected {expected}", f"state {path} as {expected}"
    )
