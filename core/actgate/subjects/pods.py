"""What stands where in a Kubernetes object: metadata, pods and images, read one way for every kind.

Init containers, ephemeral containers and image volumes are so never forgotten in one of several places.
Nothing raises here: what cannot be read is empty, or a problem of the subject.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from actgate.api.quoting import got, quoted
from actgate.decision.subject import SubjectProblem
from actgate.subjects.kinds import Kind, Path, row_of
from actgate.subjects.shapes import CONTAINERS

Json = Mapping[str, Any]
Places = list[tuple[str, Json]]
"""Each metadata in which marks are read, with its path; that of the pods comes last."""

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


def value_at(obj: object, path: Path) -> Any:  # noqa: ANN401 - JSON
    """Return a field of an object; None where it is not there, or where what is around it is no object."""
    for step in path.steps:
        if obj is None or not isinstance(obj, _MAPS):
            return None
        obj = obj.get(step)
    return obj


def object_at(obj: object, path: Path) -> Json:
    """Return a field that is an object; empty where it is anything else, or not there."""
    value = value_at(obj, path)
    return value if value is not None and isinstance(value, _MAPS) else {}


def metadata_of(obj: Json, kind: Kind) -> Places:
    """Return each metadata in which a user may say something about the pods of an object."""
    return [(path.text, object_at(obj, path)) for path in kind.marks]


def images_of(obj: Json) -> Iterator[tuple[str, str]]:
    """Yield (field, image) for everything that a pod of this object would run or mount as an image."""
    return readable_images(obj, row_of(obj), "", [])


def readable_images(
    obj: Json, kind: Kind, rule: str, problems: list[SubjectProblem]
) -> Iterator[tuple[str, str]]:
    """Yield (field, image) as ``images_of``; what cannot be read as an image is a problem of ``rule``.

    A container that was not looked at could run anything, so only an overlay may leave out what it does not
    change.
    """
    for stated in kind.images:
        image = value_at(obj, stated)
        if isinstance(image, str) and image:
            yield stated.text, image
        else:
            problems.append(unreadable(rule, stated.text, "an image", image))
    spec = _pod_spec(obj, kind, rule, problems)
    if spec is None:
        return
    path, overlay = kind.pods.spec.text, kind.pods.overlay
    for field in CONTAINERS:
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


def _pod_spec(obj: Json, kind: Kind, rule: str, problems: list[SubjectProblem]) -> Json | None:
    """Return the spec of the pods; None where it cannot be read, which only an overlay may lack."""
    found, path = obj, ""
    for step in kind.pods.spec.steps:
        inner, path = found.get(step), f"{path}.{step}" if path else step
        if not isinstance(inner, _MAPS):
            if inner is not None or not kind.pods.overlay:
                problems.append(unreadable(rule, path, "an object", inner))
            return None
        found = inner
    return found


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


def annotations_of(places: Places) -> Places:
    """Return the annotations of each metadata, with its path."""
    return [(path, map_at(metadata, "annotations")) for path, metadata in places]


def annotation_in(stated: Places, name: str, rule: str, problems: list[SubjectProblem]) -> str | None:
    """Return an annotation of an object, given the annotations of each of its metadata.

    Two different values are a problem, and so is one that is no string.
    """
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
                f"Invalid value: {quoted(value)}: the workload and its pod template must state the same "
                f"{name}",
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
            rule, path, f"Required value: must be {expected}", f"state {path} as {expected}"
        )
    found = "Invalid value" if value is ... else f"Invalid value: {got(value)}"
    return SubjectProblem(rule, path, f"{found}: must be {expected}", f"state {path} as {expected}")
