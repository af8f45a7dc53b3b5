"""Columns of `kubectl get`: those of a definition, and few for built-in kinds."""

from __future__ import annotations

from datetime import UTC, datetime

from actgate_sandbox.stand_in.resources import Column
from actgate_sandbox.status import Json

NAME = Column("Name", ".metadata.name")
AGE = Column("Age", ".metadata.creationTimestamp", "date")
BUILT_IN = {
    "Deployment": (Column("Available", ".status.availableReplicas", "integer"),),
    "Event": (Column("Reason", ".reason"), Column("Message", ".message")),
    "Pod": (Column("Status", ".status.phase"),),
}
"""Between name and age."""


def age(timestamp: Json) -> str:
    """Write how long ago something happened: `75s`, `12m`, `5h`, `5d`."""
    seconds = max(0, int((datetime.now(UTC) - datetime.fromisoformat(str(timestamp))).total_seconds()))
    for unit, size, least in (("d", 86_400, 2), ("h", 3_600, 3), ("m", 60, 2)):
        if seconds >= least * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
