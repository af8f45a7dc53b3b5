"""ModelDeployments as the API server sends them, and short ways to what was planned for them."""

from __future__ import annotations

from typing import Any, Final

from actgate_operator.plan import plan

MODEL_DIGEST: Final = f"sha256:{'a' * 64}"
EVIDENCE: Final = f"sha256:{'e' * 64}"
PARIS: Final = {"provider": "aws", "region": "eu-west-3"}

Json = dict[str, Any]


def model_deployment(name: str = "credit-risk", annotations: Json | None = None, **spec: Any) -> Json:  # noqa: ANN401
    """Return a ModelDeployment, with other values for some fields of its spec."""
    usual = {
        "model": {"name": "CreditRiskScorer", "version": "2", "digest": MODEL_DIGEST},
        "complianceManifestRef": {"name": "credit-risk-scorer-v2"},
        "server": {"image": "registry.example/server:1"},
    }
    metadata: Json = {"name": name, "namespace": "credit", "uid": "5a9c3f0e-0000-4000-8000-000000000001"}
    return {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": metadata | ({"annotations": annotations} if annotations else {}),
        "spec": usual | spec,
    }


def serving(**fields: Any) -> Json:  # noqa: ANN401 - fields of a container
    """Return a spec.server with these fields."""
    return {"image": "registry.example/server:1", **fields}


def template(**spec: Any) -> Json:  # noqa: ANN401 - fields of a ModelDeployment's spec
    """Return the pod template that is planned for a ModelDeployment with these fields in its spec."""
    planned: Json = plan(model_deployment(**spec), EVIDENCE).deployment["spec"]["template"]
    return planned


def pod(**spec: Any) -> Json:  # noqa: ANN401 - fields of a ModelDeployment's spec
    """Return the spec of the planned pods."""
    planned: Json = template(**spec)["spec"]
    return planned


def server(**spec: Any) -> Json:  # noqa: ANN401 - fields of a ModelDeployment's spec
    """Return the planned container that serves the model."""
    (planned,) = [container for container in pod(**spec)["containers"] if container["name"] == "server"]
    return dict(planned)


def overlaid(**pod_spec: Any) -> Json:  # noqa: ANN401 - fields of a pod's spec
    """Return a spec.podTemplate with these fields in the spec of its pods."""
    return {"spec": pod_spec}
