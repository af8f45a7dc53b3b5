"""Which pods find a node."""

from __future__ import annotations

from typing import Any

import pytest

from actgate_sandbox.nodes import REGION_LABEL, Nodes

PARIS = Nodes(["eu-west-3"])


def asking(*terms: dict[str, str]) -> dict[str, Any]:
    """Return a pod that requires one of the terms: label and value."""
    written = [
        {
            "matchExpressions": [
                {"key": key, "operator": "In", "values": [value]} for key, value in term.items()
            ]
        }
        for term in terms
    ]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": written}}
    return {"affinity": {"nodeAffinity": required}}


@pytest.mark.parametrize(
    "pod",
    [
        {},
        {"nodeSelector": {"disk": "ssd"}},
        {"affinity": {"podAffinity": {}}},
        asking({REGION_LABEL: "eu-west-3"}),
        asking({REGION_LABEL: "eu-nowhere-1"}, {REGION_LABEL: "eu-west-3"}),
        asking({"disk": "ssd"}),
    ],
)
def test_a_pod_that_asks_for_no_other_region_finds_a_node(pod: dict[str, Any]) -> None:
    """Terms are alternatives, and only regions are compared."""
    assert PARIS.place(pod)


@pytest.mark.parametrize(
    "pod",
    [
        asking({REGION_LABEL: "eu-nowhere-1"}),
        asking({REGION_LABEL: "eu-nowhere-1", "disk": "ssd"}),
    ],
)
def test_a_pod_that_must_run_elsewhere_finds_none(pod: dict[str, Any]) -> None:
    """Everything that is required has to hold."""
    assert not PARIS.place(pod)


def test_without_a_list_every_region_has_a_node() -> None:
    """The default: no pod is left pending."""
    assert Nodes().place(asking({REGION_LABEL: "eu-nowhere-1"}))
