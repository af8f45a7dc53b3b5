"""Whether a ModelDeployment can be worked with at all.

The API server holds objects against the schema when they are written, and never again: one that is older
than the schema may be anything.
"""

from typing import Final

from pydantic import ValidationError

from actgate.api.model_deployment import ModelDeploymentSpec
from actgate.kube.objects import Object
from actgate.manifests.digests import without_nulls
from actgate.manifests.errors import DigestError
from actgate.manifests.shape import problem

_MOST: Final = 8
"""Problems of a spec that a message lists."""


class UnusableModelError(Exception):
    """The spec is not what the schema requires; the message says where, and how to fix it."""

    reason = "InvalidSpec"
    """Reason of the conditions, CamelCase."""


def check(model: Object) -> None:
    """Return for a spec that can be worked with.

    Raises:
        UnusableModelError: It cannot.
    """
    spec = model.get("spec")
    if not isinstance(spec, dict):
        raise UnusableModelError("spec: Required value: apply the ModelDeployment again with a spec")
    try:
        ModelDeploymentSpec.model_validate(without_nulls(spec), by_alias=True, by_name=False)
    except DigestError as error:
        raise UnusableModelError(f"{error}; fix: correct the spec and apply it again") from None
    except ValidationError as error:
        found = (problem(item, ("spec", *item["loc"])) for item in error.errors(include_url=False)[:_MOST])
        problems = "; ".join(f"{item.path}: {item.message}" for item in found)
        raise UnusableModelError(f"{problems}; fix: correct the spec and apply it again") from None
    if spec.get("replicas") is not None and spec.get("autoscaling") is not None:
        raise UnusableModelError(
            "spec.replicas: Forbidden: must not be set together with spec.autoscaling; fix: remove one of "
            "them"
        )
