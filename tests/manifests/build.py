"""Evidence that passes, in both versions, and ways to say what differs from it.

`fresh` copies are handed out, so a test may change what it gets.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from actgate.decision import Manifest, Policy, Subject, Verdict, decide

NOW: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
Location = tuple[str | int, ...]

_V0: Final[dict[str, Any]] = {
    "model_name": "CreditRiskScorer-v2",
    "risk_category": "HIGH_RISK",
    "training_timestamp": "2026-11-01T10:00:00.123456",
    "human_oversight_enabled": True,
    "training_data_sovereignty": "EU-WEST-3 (Paris/Frankfurt)",
    "bias_metrics": {"demographic_parity_diff": 0.03, "threshold": 0.05, "compliant": True},
}
_DIGEST: Final = f"sha256:{'a' * 64}"
_SPEC: Final[dict[str, Any]] = {
    "model": {
        "name": "CreditRiskScorer",
        "version": "2",
        "digest": _DIGEST,
        "images": [f"registry.example/credit@{_DIGEST}"],
    },
    "riskCategory": "HighRisk",
    "classification": {
        "basis": "III.5.b",
        "profiling": True,
        "rationale": "evaluates creditworthiness",
        "assessedBy": "Compliance",
        "assessedAt": "2026-10-01T09:00:00Z",
    },
    "training": {
        "finishedAt": "2026-11-01T10:00:00Z",
        "regions": [{"provider": "aws", "region": "eu-west-3", "statement": "Paris"}],
    },
    "bias": [
        {
            "attribute": "gender",
            "metric": "demographic_parity_difference",
            "value": 0.03,
            "threshold": 0.05,
            "compliant": True,
            "groups": [
                {"name": "female", "count": 4120, "selectionRate": 0.41},
                {"name": "male", "count": 5010, "selectionRate": 0.44},
            ],
            "library": "fairlearn 0.15.0",
        },
        {"attribute": "age", "metric": "disparate_impact", "value": 1.1, "threshold": 0.8},
    ],
    "humanOversight": {
        "enabled": True,
        "role": "Credit officer",
        "contact": "credit@bank.example",
        "override": "four-eyes review",
        "stop": "scale to zero",
    },
    "evaluations": [
        {
            "kind": "robustness",
            "metric": "accuracy under noise",
            "value": 0.91,
            "threshold": 0.9,
            "reportDigest": _DIGEST,
        }
    ],
    "datasets": [{"name": "loans", "version": "7", "digest": _DIGEST, "license": "CC-BY-4.0"}],
    "lineage": {"codeCommit": "4f1c2d", "runId": "run-17", "baseModels": ["bert-base"]},
    "validity": {"notBefore": "2026-11-01T00:00:00Z", "notAfter": "2027-11-01T00:00:00Z"},
    "approvals": [{"role": "Model owner", "by": "Credit board", "at": "2026-11-02T08:00:00Z"}],
}


def v0(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    """Return the pipeline's JSON of DESIGN section 3, with other values for some fields."""
    return {**copy.deepcopy(_V0), **changes}


def v0_bias(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    """Return the pipeline's JSON with other values for some fields of its bias metrics."""
    return v0(bias_metrics={**_V0["bias_metrics"], **changes})


def manifest_object(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    """Return a ComplianceManifest that uses every field and passes, with other parts of its spec."""
    return {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "ComplianceManifest",
        "metadata": {
            "name": "credit-risk-scorer-v2",
            "namespace": "credit",
            "uid": "6c1f9f6e-0001",
            "resourceVersion": "17",
        },
        "spec": {**copy.deepcopy(_SPEC), **changes},
    }


def judged(manifest: Manifest, *policies: Policy) -> Verdict:
    """Return the verdict about a manifest by itself."""
    return decide(Subject.of_manifest(manifest), [manifest], policies, NOW)


def locations(value: object, at: Location = ()) -> Iterator[Location]:
    """Yield the location of every field and list item below a value."""
    children: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    for step, item in children:
        yield (*at, step)
        yield from locations(item, (*at, step))


def at(value: Any, location: Location) -> Any:  # noqa: ANN401 - any JSON value
    """Return what stands at a location."""
    for step in location:
        value = value[step]
    return value


def put(value: Any, location: Location, new: object) -> None:  # noqa: ANN401 - any JSON value
    """Replace what stands at a location."""
    at(value, location[:-1])[location[-1]] = new
