"""What serves no model is refused by no policy: ordinary workloads under the strictest example."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from actgate.api.compliance_policy import CompliancePolicySpec
from actgate.decision import Outcome, Policy, decide
from actgate.subjects.reading import reading
from tests.decision.build import NOW
from tests.subjects.test_signals import ORDINARY, container

ROOT: Final = Path(__file__).parents[2]
STRICT: Final = Policy(
    "high-risk",
    CompliancePolicySpec.model_validate(
        yaml.safe_load((ROOT / "examples/policies/high-risk.yaml").read_text(encoding="utf-8"))["spec"]
    ),
)


HIGH_RISK: Final = {"actgate.dev/profile": "high-risk"}
"""Labels of a namespace that the policy selects."""


def deployment(item: dict[str, Any]) -> dict[str, Any]:
    """Return a Deployment of a workload that the corpus has in short."""
    fields = {key: value for key, value in item.items() if key not in ("what", "tier", "labels")}
    labels = {"app": "ordinary", **item.get("labels", {})}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "ordinary", "namespace": "shop"},
        "spec": {
            "selector": {"matchLabels": {"app": "ordinary"}},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container(**fields)]}},
        },
    }


def test_no_ordinary_workload_is_refused_where_strong_detection_denies() -> None:
    assert STRICT.spec.detection.strong == "Deny"
    refused = []
    for item in ORDINARY:
        found = reading(deployment(item))
        assert found is not None
        if found.judged:
            verdict = decide(found.subject(HIGH_RISK), (), (STRICT,), NOW)
            if verdict.outcome is Outcome.FAIL:
                refused.append(item["what"])
    assert refused == []
    assert len(ORDINARY) >= 40


def test_the_same_policy_refuses_a_model_server_in_the_same_form() -> None:
    """Else the corpus would prove nothing."""
    found = reading(deployment({"what": "server", "image": "mirror.example/vllm-openai:1"}))
    assert found is not None
    assert decide(found.subject(HIGH_RISK), (), (STRICT,), NOW).outcome is Outcome.FAIL
