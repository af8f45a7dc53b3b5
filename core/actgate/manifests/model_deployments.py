"""What the API server would refuse of a ModelDeployment, and of the frame of our other resources.

The schema of the CRD is made from the models of ``actgate.api``; they are asked here, and so are its rules
across fields, and unknown fields, which kubectl refuses by its strict validation.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from actgate.api.model_deployment import ModelDeploymentSpec
from actgate.api.quoting import invalid, quoted
from actgate.decision.manifest import Problem
from actgate.manifests.digests import without_nulls
from actgate.manifests.errors import DigestError
from actgate.manifests.model_logging import logging_problems
from actgate.manifests.shape import problem, unknown_field

_TOP: Final = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
_METADATA: Final = frozenset(
    {
        *("annotations", "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp"),
        *("finalizers", "generateName", "generation", "labels", "managedFields", "name", "namespace"),
        *("ownerReferences", "resourceVersion", "selfLink", "uid"),
    }
)


def model_deployment_problems(obj: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield every field of a ModelDeployment that the API server would refuse."""
    yield from resource_problems(obj)
    yield from model_spec_problems(obj.get("spec"))


def model_spec_problems(stated: object) -> Iterator[Problem]:
    """Yield every field of the spec of a ModelDeployment that its schema and the rules beside it forbid."""
    try:
        spec = without_nulls(stated)
        ModelDeploymentSpec.model_validate(spec if spec is not None else {}, by_alias=True, by_name=False)
    except DigestError as error:
        yield Problem(error.path, error.message, "write it as the schema requires")
    except ValidationError as error:
        for item in error.errors(include_url=False):
            yield problem(item, ("spec", *item["loc"]))
    else:
        yield from _across(spec)


def resource_problems(obj: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what the API server would refuse of any of our resources outside its spec."""
    yield from _unknown(obj, _TOP, "")
    metadata = obj.get("metadata")
    if isinstance(metadata, Mapping):
        yield from _unknown(metadata, _METADATA, "metadata.")
    yield from _texts(metadata, "metadata")


def _unknown(obj: Mapping[str, Any], known: frozenset[str], before: str) -> Iterator[Problem]:
    for key, value in obj.items():
        if key not in known:
            yield unknown_field(f"{before}{key}", value)


def _texts(metadata: object, at: str) -> Iterator[Problem]:
    """Yield labels and annotations that are no maps from strings to strings."""
    if not isinstance(metadata, Mapping):
        if metadata is not None:
            yield Problem(at, invalid(metadata, "an object"), "write an object")
        return
    for field in ("labels", "annotations"):
        stated = metadata.get(field)
        if stated is None:
            continue
        if not isinstance(stated, Mapping):
            yield Problem(f"{at}.{field}", invalid(stated, "an object"), "write an object")
            continue
        for key, value in stated.items():
            if value is not None and not isinstance(value, str):
                path = f"{at}.{field}[{key}]"
                yield Problem(path, invalid(value, "a string"), "write it in quotes")


def _across(spec: Any) -> Iterator[Problem]:  # noqa: ANN401 - a spec that fits the schema
    """Yield what the schema says in rules over several fields (x-kubernetes-validations, list map keys)."""
    yield from _texts(spec.get("podTemplate", {}).get("metadata"), "spec.podTemplate.metadata")
    autoscaling = spec.get("autoscaling")
    if autoscaling is not None and "replicas" in spec:
        yield Problem(
            "spec.replicas",
            "Forbidden: must not be set together with spec.autoscaling",
            "set replicas or autoscaling, not both",
        )
    if autoscaling is not None and autoscaling.get("minReplicas", 1) > autoscaling["maxReplicas"]:
        yield Problem(
            "spec.autoscaling.minReplicas",
            f"Invalid value: {autoscaling['minReplicas']}: must be <= maxReplicas, "
            f"{autoscaling['maxReplicas']}",
            "write at most maxReplicas",
        )
    yield from logging_problems(spec)
    names = [variable["name"] for variable in spec["server"].get("env", ())]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Problem(
                f"spec.server.env[{index}].name",
                f"Duplicate value: {quoted(name)}",
                "state each variable once",
            )
