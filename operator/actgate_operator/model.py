"""Whether a ModelDeployment can be worked with at all.

The API server holds objects against the schema when they are written, and never again: one that is older
than the schema may be anything.
"""

from pydantic import ValidationError

from actgate.api.model_deployment import ModelDeploymentSpec
from actgate.kube.objects import Object
from actgate.manifests.digests import without_nulls
from actgate.manifests.errors import DigestError


class UnusableModelError(Exception):
    """The spec is not what the schema asks for; the message says where, and how to mend it."""

    reason = "InvalidSpec"
    """Reason of the conditions, CamelCase."""


def check(model: Object) -> None:
    """Return for a spec that can be worked with.

    Raises:
        UnusableModelError: It cannot.
    """
    spec = model.get("spec")
    if not isinstance(spec, dict):
        raise UnusableModelError("spec is missing: apply the ModelDeployment anew with a spec")
    try:
        ModelDeploymentSpec.model_validate(without_nulls(spec), by_alias=True, by_name=False)
    except DigestError as error:
        raise UnusableModelError(f"{error}: mend the spec and apply it again") from None
    except ValidationError as error:
        problems = "; ".join(_words(item["loc"], item["msg"]) for item in error.errors(include_url=False)[:8])
        raise UnusableModelError(f"{problems}: mend the spec and apply it again") from None
    if spec.get("replicas") is not None and spec.get("autoscaling") is not None:
        raise UnusableModelError("spec.replicas and spec.autoscaling are both set: remove one of them")


def _words(location: tuple[int | str, ...], message: str) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return f"spec{path}: {message[:1].lower()}{message[1:]}"
