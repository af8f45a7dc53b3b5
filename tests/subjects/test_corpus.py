"""What serves no model is refused by no policy: ordinary workloads under the strictest example.

Each of them in every kind in which its pods may come, those of serving systems that may do anything included.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import yaml

from actgate.api.compliance_policy import CompliancePolicySpec
from actgate.decision import Outcome, Policy, decide
from actgate.subjects.reading import package_table, reading
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

Json = dict[str, Any]

KINDS: Final[dict[str, Callable[[Json], Json]]] = {
    "v1 Pod": lambda pod: pod,
    "apps/v1 Deployment": lambda pod: {"spec": {"template": pod}},
    "apps/v1 StatefulSet": lambda pod: {"spec": {"template": pod}},
    "apps/v1 DaemonSet": lambda pod: {"spec": {"template": pod}},
    "apps/v1 ReplicaSet": lambda pod: {"spec": {"template": pod}},
    "batch/v1 Job": lambda pod: {"spec": {"template": pod}},
    "batch/v1 CronJob": lambda pod: {"spec": {"jobTemplate": {"spec": {"template": pod}}}},
    "serving.knative.dev/v1 Service": lambda pod: {"spec": {"template": pod}},
    "argoproj.io/v1alpha1 Rollout": lambda pod: {"spec": {"template": pod}},
    "jobset.x-k8s.io/v1alpha2 JobSet": lambda pod: {
        "spec": {"replicatedJobs": [{"name": "r", "template": {"spec": {"template": pod}}}]}
    },
    "leaderworkerset.x-k8s.io/v1 LeaderWorkerSet": lambda pod: {
        "spec": {"leaderWorkerTemplate": {"workerTemplate": pod}}
    },
    "ray.io/v1 RayCluster": lambda pod: {"spec": {"headGroupSpec": {"template": pod}}},
    "grove.io/v1alpha1 PodClique": lambda pod: {"spec": {"roleName": "r", "podSpec": pod["spec"]}},
    "orchestration.aibrix.ai/v1alpha1 RoleSet": lambda pod: {"spec": {"roles": [{"template": pod}]}},
    "workloads.x-k8s.io/v1alpha2 RoleBasedGroup": lambda pod: {
        "spec": {"roles": [{"name": "r", "standalonePattern": {"template": pod}}]}
    },
}
"""What an object has of its pods, by its version and kind."""


def of_kind(called: str, item: Json) -> Json:
    """Return an object of a kind that runs a workload which the corpus has in short."""
    fields = {key: value for key, value in item.items() if key not in ("what", "tier", "labels")}
    pod = {
        "metadata": {"labels": {"app": "ordinary", **item.get("labels", {})}},
        "spec": {"containers": [container(**fields)]},
    }
    version, _, kind = called.partition(" ")
    body = KINDS[called](pod)
    metadata = {"name": "ordinary", "namespace": "shop", **body.get("metadata", {})}
    return {"apiVersion": version, "kind": kind, **body, "metadata": metadata}


def refused(called: str, item: Json) -> bool:
    """Return whether the policy refuses it without evidence."""
    found = reading(of_kind(called, item))
    assert found is not None, called
    if not found.judged:
        return False
    return decide(found.subject(HIGH_RISK), (), (STRICT,), NOW).outcome is Outcome.FAIL


def test_no_ordinary_workload_is_refused_where_strong_detection_denies() -> None:
    assert STRICT.spec.detection.strong == "Deny"
    found = [(called, item["what"]) for item in ORDINARY for called in KINDS if refused(called, item)]
    assert found == []
    assert len({item["what"] for item in ORDINARY}) == len(ORDINARY) >= 95


def test_the_same_policy_refuses_a_model_server_in_each_of_these_kinds() -> None:
    """Else the corpus would prove nothing; it is a kind that serves by itself which is always refused."""
    server = {"what": "server", "image": "mirror.example/vllm-openai:1"}
    assert [called for called in KINDS if not refused(called, server)] == []
    rows = package_table().rows
    grouped = {(called.partition(" ")[0].rpartition("/")[0], called.rpartition(" ")[2]) for called in KINDS}
    assert {rows[key].judged for key in grouped} == {"declared"}
