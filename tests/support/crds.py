"""The CustomResourceDefinitions in `crds/`, installed, and small objects of the three kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from actgate_sandbox.rest import CRDS, Reply, Rest, install_crds
from tests.support.waiting import wait_until

FOLDER: Final = Path(__file__).parents[2] / "crds"
API_VERSION: Final = "actgate.dev/v1alpha1"
ROOT: Final = f"/apis/{API_VERSION}"

Json = dict[str, Any]


def definitions() -> dict[str, Json]:
    """Return the definitions in `crds/` by the name of their file; libyaml takes a tenth of the time."""
    files = sorted(FOLDER.glob("*.yaml"))
    return {path.name: yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader) for path in files}


def install(rest: Rest) -> None:
    """Apply every definition and wait until the API server calls each of them Established."""
    loaded = definitions().values()
    install_crds(rest, loaded)
    names = [definition["metadata"]["name"] for definition in loaded]
    wait_until(lambda: all(established(rest, name) for name in names))


def established(rest: Rest, name: str) -> bool:
    """Return whether a CustomResourceDefinition is served for good."""
    conditions = rest("GET", f"{CRDS}/{name}").body.get("status", {}).get("conditions", [])
    return any((item["type"], item["status"]) == ("Established", "True") for item in conditions)


def collection(kind: str, namespace: str | None = None) -> str:
    """Return the path of the objects of a kind."""
    plural = {"CompliancePolicy": "compliancepolicies"}.get(kind, f"{kind.lower()}s")
    return f"{ROOT}/namespaces/{namespace}/{plural}" if namespace else f"{ROOT}/{plural}"


def create(rest: Rest, kind: str, name: str, spec: Json, namespace: str | None = None, **query: str) -> Reply:
    """Create an object; every answer is returned, refusals too."""
    body = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}
    return rest("POST", collection(kind, namespace), body, **query)


def manifest_spec(**changes: Any) -> Json:  # noqa: ANN401 - fields of a ComplianceManifest's spec
    """Return the spec of a small ComplianceManifest."""
    spec: Json = {
        "model": {"name": "CreditRiskScorer", "version": "2"},
        "riskCategory": "HighRisk",
        "training": {
            "finishedAt": "2026-11-01T10:00:00Z",
            "regions": [{"provider": "aws", "region": "eu-west-3"}],
        },
        "bias": [{"attribute": "gender", "metric": "demographic_parity_difference", "value": 0.03}],
        "humanOversight": {"enabled": True},
    }
    return spec | changes


def deployment_spec(**changes: Any) -> Json:  # noqa: ANN401 - fields of a ModelDeployment's spec
    """Return the spec of a small ModelDeployment."""
    spec: Json = {
        "model": {"name": "CreditRiskScorer", "version": "2"},
        "complianceManifestRef": {"name": "credit-risk-scorer-v2"},
        "server": {"image": "registry.example/server:1"},
    }
    return spec | changes
