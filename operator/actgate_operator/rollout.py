"""How far a Deployment is, in the words of its own status."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from actgate.kube.objects import Object

COMPLETE: Final = "NewReplicaSetAvailable"
"""Reason of ``Progressing`` once a rollout is over; it stays through later scaling."""
OVERDUE: Final = "ProgressDeadlineExceeded"


@dataclass(frozen=True, slots=True)
class Rollout:
    """The status of a Deployment."""

    current: bool
    """Whether the status speaks of the spec as it is."""
    available: bool | None
    """Whether enough pods serve; None before the Deployment controller has reported it."""
    progress: str | None
    """Reason of the condition ``Progressing``."""
    progress_message: str
    failure: str | None
    """Why pods cannot be created, where the ReplicaSet says so: quota, Pod Security, a webhook."""
    replicas: int
    """Pods that are there, those of a former template and a surge included, terminating ones apart."""
    ready: int
    wanted: int = 1
    """What the spec asks for."""
    updated: int = 0
    """Pods of the current template."""
    unavailable_since: str | None = None
    """When too few pods began to serve, as the API server writes it; None while enough do."""

    @property
    def served(self) -> int:
        """How many of the wanted pods are ready; a surge does not count."""
        return min(self.ready, self.wanted)

    @property
    def uniform(self) -> bool:
        """Whether every pod, terminating ones apart, is of the current template."""
        return self.current and self.progress == COMPLETE and self.updated == self.replicas

    @property
    def complete(self) -> bool:
        """Whether what the spec says is what serves."""
        return self.current and self.available is True and self.progress == COMPLETE

    @property
    def overdue(self) -> bool:
        """Whether it took longer than its progress deadline."""
        return self.current and self.progress == OVERDUE


def rollout_of(metadata: Object, spec: Object, status: Object) -> Rollout:
    """Read a Deployment's metadata, spec and status."""
    conditions = {item.get("type"): item for item in status.get("conditions") or ()}
    available = conditions.get("Available", {}).get("status")
    progressing: Mapping[str, Any] = conditions.get("Progressing", {})
    failure: Mapping[str, Any] = conditions.get("ReplicaFailure", {})
    generation = metadata.get("generation", 0)
    return Rollout(
        current=status.get("observedGeneration", -1) >= generation,
        available=None if available is None else available == "True",
        progress=progressing.get("reason"),
        progress_message=str(progressing.get("message", "")),
        failure=str(failure.get("message", "")) if failure.get("status") == "True" else None,
        replicas=status.get("replicas", 0),
        ready=status.get("readyReplicas", 0),
        wanted=spec.get("replicas", 1),
        updated=status.get("updatedReplicas", 0),
        unavailable_since=conditions["Available"].get("lastTransitionTime") if available == "False" else None,
    )
