"""What an object must look like before it can be judged.

The API server sends nothing else; whoever does gets a refusal, since a field that is skipped because
it has the wrong type is a field that nobody looked at. Values are the decision's business, not ours.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from actgate.policy.rules.rule import shown
from actgate.policy.subject import MODEL_DEPLOYMENT
from actgate.policy.workload import TEMPLATE_PATHS
from actgate_webhook.review import Review

_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


class MalformedError(Exception):
    """The object cannot be judged; one sentence that says where and what is expected."""


def check_identity(review: Review, field: str, obj: Any) -> None:  # noqa: ANN401 - JSON of any shape
    """Check that an object is one, and is of the kind and namespace that the request speaks of.

    Raises:
        MalformedError: It is not, so that what was asked about and what would be judged could differ.
    """
    if not isinstance(obj, dict):
        raise MalformedError(f"request.{field} must be an object for operation {review.operation}")
    expected = f"{review.group}/{review.version}" if review.group else review.version
    if obj.get("apiVersion") != expected or obj.get("kind") != review.kind:
        raise MalformedError(
            f"request.{field} must be of the kind that request.kind names, "
            f"{shown(review.kind)} of {shown(expected)}"
        )
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict):
        raise MalformedError(f"request.{field}.metadata must be an object")
    stated = metadata.get("namespace")
    if stated is not None and stated != review.namespace:
        raise MalformedError(f"request.{field}.metadata.namespace must be request.namespace")


def check_readable(review: Review, obj: Mapping[str, Any]) -> None:
    """Check every level on the way to the fields that are judged.

    Raises:
        MalformedError: A level has a type that hides what is below it.
    """
    if not review.namespace:
        raise MalformedError(f"request.namespace is missing, and a {review.kind} lives in one")
    _metadata(_map(obj, "metadata", "metadata"), "metadata")
    found, path = _map(obj, "spec", "spec"), "spec"
    if review.kind == MODEL_DEPLOYMENT:
        for key in ("model", "complianceManifestRef", "placement", "server", "podTemplate"):
            _map(found, key, f"spec.{key}")
        _image(_map(found, "server", "spec.server"), "spec.server")
        found, path = _map(found, "podTemplate", "spec.podTemplate"), "spec.podTemplate"
    for step in TEMPLATE_PATHS.get(review.kind, ())[1:]:
        path = f"{path}.{step}"
        found = _map(found, step, path)
    if review.kind == "Pod":
        _pod(found, path)
        return
    _metadata(_map(found, "metadata", f"{path}.metadata"), f"{path}.metadata")
    _pod(_map(found, "spec", f"{path}.spec"), f"{path}.spec")


def _map(parent: Mapping[str, Any], key: str, path: str) -> dict[str, Any]:
    value = parent.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedError(f"{path} must be an object")
    return value


def _metadata(metadata: Mapping[str, Any], path: str) -> None:
    _map(metadata, "labels", f"{path}.labels")
    _map(metadata, "annotations", f"{path}.annotations")


def _pod(spec: Mapping[str, Any], path: str) -> None:
    for key in _CONTAINERS:
        for container, at in _items(spec, key, path):
            _image(container, at)
    for volume, at in _items(spec, "volumes", path):
        _image(_map(volume, "image", f"{at}.image"), f"{at}.image", "reference")
    _map(spec, "nodeSelector", f"{path}.nodeSelector")
    affinity = _map(spec, "affinity", f"{path}.affinity")
    at = f"{path}.affinity.nodeAffinity"
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    terms = _map(_map(affinity, "nodeAffinity", at), required, f"{at}.{required}")
    for term, place in _items(terms, "nodeSelectorTerms", f"{at}.{required}"):
        for _ in _items(term, "matchExpressions", place):
            pass


def _items(parent: Mapping[str, Any], key: str, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    value = parent.get(key)
    if value is None:
        return
    if not isinstance(value, list):
        raise MalformedError(f"{path}.{key} must be a list")
    for index, item in enumerate(value):
        if not isinstance(item, dict):
            raise MalformedError(f"{path}.{key}[{index}] must be an object")
        yield item, f"{path}.{key}[{index}]"


def _image(holder: Mapping[str, Any], path: str, key: str = "image") -> None:
    if not isinstance(holder.get(key), str | None):
        raise MalformedError(f"{path}.{key} must be a string")
