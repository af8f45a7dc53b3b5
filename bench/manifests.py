"""Manifests as the benches need them: realistic, and as many as wanted."""

from collections.abc import Iterator
from typing import Any


def manifest(number: int) -> dict[str, Any]:
    """Return a ComplianceManifest object as the API server sends it, about 3 KB of JSON."""
    return {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "ComplianceManifest",
        "metadata": {
            "name": f"model-{number}",
            "namespace": f"team-{number % 100}",
            "uid": f"6f1c1a9e-7b1c-4a57-9c39-{number:012d}",
            "resourceVersion": str(1000 + number),
            "generation": 1,
            "creationTimestamp": "2026-11-02T10:00:00Z",
            "managedFields": [{"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:spec": {}}}],
        },
        "spec": {
            "model": {"name": f"Model{number}", "version": "2", "digest": f"sha256:{number:064x}"},
            "riskCategory": "HighRisk",
            "training": {
                "finishedAt": "2026-11-01T10:00:00Z",
                "regions": [{"provider": "aws", "region": "eu-west-3"}],
            },
            "bias": [
                {
                    "attribute": attribute,
                    "metric": "demographic_parity_difference",
                    "value": 0.03,
                    "threshold": 0.05,
                    "compliant": True,
                    "groups": [{"name": "a", "count": 4120}, {"name": "b", "count": 5010}],
                    "library": "fairlearn 0.15.0",
                }
                for attribute in ("gender", "age")
            ],
            "humanOversight": {
                "enabled": True,
                "role": "Credit officer",
                "contact": "credit-desk@bank.example",
                "override": "The officer can overrule every score in the case file",
                "stop": "The officer can switch the scorer off in the case system",
            },
            "validity": {"notAfter": "2099-01-01T00:00:00Z"},
        },
    }


def manifests(count: int) -> Iterator[dict[str, Any]]:
    """Yield that many manifests, one after another."""
    return (manifest(number) for number in range(count))


def model_deployment(number: int) -> dict[str, Any]:
    """Return the ModelDeployment that the manifest of that number speaks for."""
    return {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": f"model-{number}", "namespace": f"team-{number % 100}"},
        "spec": {
            "model": {"name": f"Model{number}", "version": "2", "digest": f"sha256:{number:064x}"},
            "complianceManifestRef": {"name": f"model-{number}"},
            "placement": {"regions": [{"provider": "aws", "region": "eu-west-3"}]},
            "replicas": 2,
            "server": {"image": "registry.example/server:1", "ports": [{"containerPort": 8080}]},
        },
    }
