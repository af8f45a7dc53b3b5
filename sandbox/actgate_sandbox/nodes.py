"""The nodes of a cluster that has none: which pods would fit, and the status of the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

REGION_LABEL = "topology.kubernetes.io/region"


@dataclass(frozen=True, slots=True)
class Nodes:
    """One node in each region that there is; None means that every region has one.

    Only the region decides, which a pod asks for by required node affinity with the operator In; what asks
    for anything else of a node is taken to be satisfied.
    """

    regions: Collection[str] | None = None

    def place(self, pod: Mapping[str, Any]) -> bool:
        """Return whether a pod's spec fits on one of the nodes."""
        if self.regions is None:
            return True
        affinity = (pod.get("affinity") or {}).get("nodeAffinity") or {}
        required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
        if required is None:
            return True
        terms = required.get("nodeSelectorTerms") or ()
        return any(_fits(term, region) for term in terms for region in self.regions)


def _fits(term: Mapping[str, Any], region: str) -> bool:
    asked: Sequence[Mapping[str, Any]] = term.get("matchExpressions") or ()
    return all(
        region in expression.get("values", ())
        for expression in asked
        if expression["key"] == REGION_LABEL and expression["operator"] == "In"
    )


def unschedulable(moment: str) -> dict[str, Any]:
    """Return the status of a pod that no node takes, as the scheduler writes it."""
    return {
        "phase": "Pending",
        "conditions": [
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
                "lastTransitionTime": moment,
            }
        ],
    }


def running(pod: Mapping[str, Any], moment: str) -> dict[str, Any]:
    """Return the status of a pod all of whose containers run and are ready, as a kubelet writes it.

    Args:
        pod: The pod's spec.
        moment: Since when, RFC 3339.
    """
    kinds = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    return {
        "phase": "Running",
        "startTime": moment,
        "conditions": [{"type": kind, "status": "True", "lastTransitionTime": moment} for kind in kinds],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": "",
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": moment}},
            }
            for container in pod.get("containers", ())
        ],
    }
