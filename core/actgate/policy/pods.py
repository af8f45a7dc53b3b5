"""Walks Kubernetes objects down to their pod templates, one way for every kind.

Init containers, ephemeral containers and image volumes are so never forgotten in one of several places.
Nothing raises here: what cannot be read is empty, or a problem of the subject.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from actgate.policy.subject import MODEL_DEPLOYMENT, SubjectProblem

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
    if obj.get("kind") == MODEL_DEPLOYMENT:
        return "spec.podTemplate."
    return "".join(f"{step}." for step in TEMPLATE_PATHS.get(str(obj.get("kind")), ()))


def metadata_of(obj: Json) -> list[Json]:
    """Return the metadata of an object and of its pod template; a Pod's is the same."""
    template = template_of(obj)
    own = map_at(obj, "metadata")
    return [own] if template is obj else [own, map_at(template, "metadata")]


def images_of(obj: Json) -> Iterator[tuple[str, str]]:
    """Yield (field, image) for everything that a pod of this object would run or mount as an image."""
    if isinstance(image := map_at(map_at(obj, "spec"), "server").get("image"), str):
        yield "spec.server.image", image
    spec = map_at(template_of(obj), "spec")
    if not spec:
        return
    path = f"{template_path(obj)}spec"
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in items_at(spec, field):
            if isinstance(image := container.get("image"), str):
                yield f"{path}.{field}[{index}].image", image
    for index, volume in items_at(spec, "volumes"):
        if isinstance(image := map_at(volume, "image").get("reference"), str):
            yield f"{path}.volumes[{index}].image.reference", image


def annotation(obj: Json, name: str, rule: str, problems: list[SubjectProblem]) -> str | None:
    """Return an annotation of a workload or its pod template; two different values are a problem."""
    values = [
        annotations[name] for meta in metadata_of(obj) if name in (annotations := map_at(meta, "annotations"))
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
        problems.append(unreadable(rule, f"metadata.annotations[{name}]", "a string"))
        return None
    return values[0] if values and values[0] else None


def unreadable(rule: str, path: str, expected: str) -> SubjectProblem:
    """Return the problem of a field that is not what it should be."""
    return SubjectProblem(
        rule, path, f"{path} cannot be read; expected {expected}", f"state {path} as {expected}"
    )
