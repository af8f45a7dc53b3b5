"""What kstatus makes of a custom resource: how Flux, kpt and `cli-utils` decide that an object is in sync.

Written from its documented order (sigs.k8s.io/cli-utils, pkg/kstatus), not from its code: deletion, then
the observed generation, then the abnormal-true conditions Reconciling and Stalled, then Ready.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What kstatus says."""

    CURRENT = "Current"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    TERMINATING = "Terminating"


def verdict(obj: dict[str, Any]) -> Verdict:
    """Return what kstatus says of an object.

    An object without a Ready condition counts as Current, also one that no controller has seen yet.
    """
    metadata, status = obj["metadata"], obj.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return Verdict.TERMINATING
    observed = status.get("observedGeneration")
    if observed is not None and observed != metadata.get("generation"):
        return Verdict.IN_PROGRESS
    conditions = {item["type"]: item["status"] for item in status.get("conditions") or ()}
    if conditions.get("Reconciling") == "True":
        return Verdict.IN_PROGRESS
    if conditions.get("Stalled") == "True":
        return Verdict.FAILED
    return Verdict.CURRENT if conditions.get("Ready", "True") == "True" else Verdict.IN_PROGRESS
