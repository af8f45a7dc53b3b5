"""Which changes of an object only passing evidence may make."""

from __future__ import annotations

import pytest

from actgate.subjects.workload import Workload
from tests.subjects.objects import (
    REGION,
    Json,
    linked,
    required,
    serving,
    term,
    workload,
)

POD = {"containers": [{"image": "a", "args": ["x"]}], "nodeSelector": {REGION: "eu-west-3"}}
GOVERNED: dict[str, tuple[Json, Json]] = {
    "image": (workload("Deployment", POD), workload("Deployment", POD | {"containers": [{"image": "b"}]})),
    "init container": (
        workload("Deployment", POD),
        workload("Deployment", POD | {"initContainers": [{"image": "i"}]}),
    ),
    "image volume": (
        workload("Deployment", POD),
        workload("Deployment", POD | {"volumes": [{"image": {"reference": "v"}}]}),
    ),
    "own link": (
        workload("Deployment", own=linked(compliance_manifest="a")),
        workload("Deployment", own=linked(compliance_manifest="b")),
    ),
    "pods' annotation": (
        workload("Deployment", template={"annotations": {"x": "1"}}),
        workload("Deployment", template={"annotations": {"x": "2"}}),
    ),
    "label": (
        workload("Deployment", own={"labels": {"actgate.dev/inference": "true"}}),
        workload("Deployment", own={"labels": {}}),
    ),
    "node selector": (workload("Deployment", POD), workload("Deployment", POD | {"nodeSelector": {}})),
    "affinity": (
        workload("Deployment", POD),
        workload("Deployment", POD | required(term(REGION, "In", "x"))),
    ),
    "model": (serving(), serving(model={"name": "Other"})),
    "model uri": (serving(), serving(model={"name": "CreditRiskScorer", "version": "2", "uri": "s3://x"})),
    "reference": (serving(), serving(complianceManifestRef={"name": "other"})),
    "placement": (serving(), serving(placement={"regions": [{"region": "eu-west-3"}]})),
    "server image": (serving(), serving(server={"image": "other"})),
    "overlay": (serving(), serving(podTemplate={"spec": {"containers": [{"image": "x"}]}})),
    "pod link": (
        workload("Pod", own=linked(compliance_manifest="a")),
        workload("Pod", own=linked(compliance_manifest="b")),
    ),
    "cron job": (
        workload("CronJob", POD),
        workload("CronJob", POD | {"ephemeralContainers": [{"image": "x"}]}),
    ),
}


@pytest.mark.parametrize("change", sorted(GOVERNED))
def test_a_change_of_what_evidence_governs_is_seen(change: str) -> None:
    """Each governed field makes it another question."""
    before, after = GOVERNED[change]
    assert Workload(before).governed_fields() != Workload(after).governed_fields()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (serving(), serving(replicas=5, suspend=True)),
        (serving(), serving(server={"image": "registry.example/server:1", "args": ["--fast"]})),
        (serving(), serving() | {"metadata": {"name": "scorer", "finalizers": ["x"], "labels": {"a": "b"}}}),
        (serving(), serving() | {"status": {"replicas": 1}}),
        (
            workload("Deployment", POD),
            workload("Deployment", POD | {"containers": [{"image": "a", "args": ["y"]}]}),
        ),
        (
            workload("Deployment", own={"annotations": {"deployment.kubernetes.io/revision": "1"}}),
            workload("Deployment", own={"annotations": {"deployment.kubernetes.io/revision": "2"}}),
        ),
        (workload("Pod"), workload("Pod", own={"annotations": {"note": "x"}})),
    ],
)
def test_a_change_of_anything_else_is_not_governed(before: Json, after: Json) -> None:
    """Replicas, finalizers, other labels, status and arguments are not the gate's business."""
    assert Workload(before).governed_fields() == Workload(after).governed_fields()


def test_the_order_of_containers_is_not_governed() -> None:
    """The same images in another order are the same question."""
    first = workload("Deployment", {"containers": [{"image": "a"}, {"image": "b"}]})
    second = workload("Deployment", {"containers": [{"image": "b"}, {"image": "a"}]})
    assert Workload(first).governed_fields() == Workload(second).governed_fields()
