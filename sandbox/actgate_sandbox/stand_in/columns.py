"""Columns of `kubectl get`: those of a definition, and name and age for every built-in kind."""

from __future__ import annotations

from datetime import UTC, datetime

from actgate_sandbox.stand_in.resources import Column
from actgate_sandbox.status import Json

NAME = Column("Name", ".metadata.name", format="name")
AGE = Column("Age", ".metadata.creationTimestamp", "date")


def age(timestamp: Json) -> str:
    """Write how long ago something happened: `75s`, `12m`, `5h`, `5d`."""
    seconds = max(0, int((datetime.now(UTC) - datetime.fromisoformat(str(timestamp))).total_seconds()))
    for unit, size, least in (("d", 86_400, 2), ("h", 3_600, 3), ("m", 60, 2)):
        if seconds >= least * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
