"""What is to be planned, read once: a ModelDeployment, and the evidence that lets it run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from actgate.api.model_deployment import ModelDeploymentSpec
from actgate.api.names import PROVIDER_ANNOTATION
from actgate_operator.plan.shape import Object, without_nulls


@dataclass(frozen=True, slots=True)
class Order:
    """A ModelDeployment as the plan needs it."""

    name: str
    namespace: str
    uid: str
    spec: ModelDeploymentSpec
    server: Object
    """``spec.server`` as it was sent, since it may hold every field of a container."""
    overlay: Object
    """``spec.podTemplate`` as it was sent."""
    provider: str | None
    """The annotation of the ModelDeployment itself by which the gate reads node labels in the overlay."""
    manifest_digest: str | None

    @classmethod
    def read(cls, model_deployment: Mapping[str, Any], manifest_digest: str | None) -> Self:
        """Read a ModelDeployment as the API server sends it.

        Raises:
            PlanError: When server or pod template are nested too deep.
            ValidationError: Of pydantic, when the spec is none that the schema allows.
        """
        metadata, spec = model_deployment["metadata"], model_deployment["spec"]
        return cls(
            name=metadata["name"],
            namespace=metadata["namespace"],
            uid=metadata["uid"],
            spec=ModelDeploymentSpec.model_validate(spec),
            server=without_nulls(spec["server"], "spec.server"),
            overlay=without_nulls(spec.get("podTemplate") or {}, "spec.podTemplate"),
            provider=(metadata.get("annotations") or {}).get(PROVIDER_ANNOTATION),
            manifest_digest=manifest_digest,
        )
