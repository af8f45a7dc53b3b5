"""What a deletion does to an object at once: nothing more than a mark, or nothing at all.

Finalizers name what has to be cleaned up first; the object stays, marked, until all are gone.
"""

from __future__ import annotations

from actgate_sandbox.stand_in.managers import now
from actgate_sandbox.stand_in.store import Stored
from actgate_sandbox.status import Cause, Object, invalid_option

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
"""Holds a CustomResourceDefinition that is being deleted until its objects are gone."""
_BY_POLICY = {"Foreground": FOREGROUND, "Orphan": ORPHAN}


def pending_finalizers(obj: Object) -> list[str]:
    """Return who must clean up before the object can go; a namespace has them in its spec too."""
    finalizers = list(obj["metadata"].get("finalizers") or ())
    if obj["kind"] == "Namespace":
        finalizers += (obj.get("spec") or {}).get("finalizers") or ()
    return finalizers


def deletion_mark(live: Stored, policy: str | None) -> Object | None:
    """Return the marked object, or None where it can go at once.

    Raises:
        ApiError: 422 for a propagation policy that does not exist.
    """
    if policy not in (None, "Background", *_BY_POLICY):
        why = f'Unsupported value: "{policy}": supported values: "Foreground", "Background", "Orphan", "nil"'
        cause = Cause("FieldValueNotSupported", "propagationPolicy", why)
        raise invalid_option("DeleteOptions", cause)
    marked = live.copy()
    metadata = marked["metadata"]
    if policy in _BY_POLICY and _BY_POLICY[policy] not in metadata.get("finalizers", ()):
        metadata["finalizers"] = [*metadata.get("finalizers", ()), _BY_POLICY[policy]]
    if marked["kind"] == "CustomResourceDefinition" and not metadata.get("deletionTimestamp"):
        metadata["finalizers"] = list({*metadata.get("finalizers", ()), CLEANUP})
    if not pending_finalizers(marked):
        return None
    if not metadata.get("deletionTimestamp"):
        metadata["deletionTimestamp"] = now()
        metadata["deletionGracePeriodSeconds"] = 0
        if "generation" in metadata:
            metadata["generation"] += 1
    if marked["kind"] == "Namespace":
        marked["status"] = {**marked.get("status", {}), "phase": "Terminating"}
    return marked
