"""What of a new status is worth telling: transitions, each once, and good news only after bad.

A model that comes up as planned is told by its status; whoever watches Events wants what is out of order,
and that it is in order again.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from actgate_operator.status import condition_of, message_of

NORMAL: Final = "Normal"
WARNING: Final = "Warning"

_EXPECTED: Final = frozenset(
    {
        "RollingOut",
        "Suspended",
        "EvidenceNotAccepted",
        "ScaledToZero",
        "WaitingForDeletion",
        "Retrying",
        "RepeatedDrift",
    }
)
"""Reasons for which a workload is unavailable without anything being wrong, or with time alone missing."""


class Note(NamedTuple):
    """One Event to be."""

    type: str
    """Normal or Warning."""
    reason: str
    message: str


def transitions(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Note]:
    """Yield what changed from one status to the next."""
    yield from _evidence(old, new)
    yield from _workload(old, new)
    yield from _scaling(old, new)
    yield from _stalled(old, new)


def _evidence(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Note]:
    before, after = condition_of(old, "EvidenceAccepted"), condition_of(new, "EvidenceAccepted")
    if after.get("status") == "False" and _state(before) != _state(after):
        yield Note(WARNING, after["reason"], message_of(new, after))
    if after.get("status") == "True" and before.get("status") == "False":
        yield Note(NORMAL, "EvidenceRestored", message_of(new, after))


def _workload(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Note]:
    before, after = condition_of(old, "WorkloadAvailable"), condition_of(new, "WorkloadAvailable")
    wrong = after.get("status") == "False" and after.get("reason") not in _EXPECTED
    was_wrong = before.get("status") == "False" and before.get("reason") not in _EXPECTED
    if wrong and _state(before) != _state(after):
        yield Note(WARNING, after["reason"], message_of(new, after))
    elif was_wrong and after.get("status") == "True" and _accepted(new):
        yield Note(NORMAL, "WorkloadRestored", message_of(new, after))
    for reason, kind in (("ScaledToZero", WARNING), ("Suspended", NORMAL)):
        if after.get("reason") == reason and before.get("reason") != reason:
            yield Note(kind, reason, message_of(new, after))


def _scaling(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Note]:
    before, after = condition_of(old, "ScalingActive"), condition_of(new, "ScalingActive")
    if after.get("status") == "False" and _state(before) != _state(after):
        yield Note(WARNING, after["reason"], message_of(new, after))
    elif before.get("status") == "False" and after.get("status") == "True":
        yield Note(NORMAL, "ScalingRestored", message_of(new, after))


def _accepted(status: Mapping[str, Any]) -> bool:
    """Return whether the evidence holds: pods that serve without it are no good news."""
    return condition_of(status, "EvidenceAccepted").get("status") == "True"


def _stalled(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Note]:
    before, after = condition_of(old, "Stalled"), condition_of(new, "Stalled")
    told = {condition_of(new, name).get("reason") for name in ("EvidenceAccepted", "WorkloadAvailable")}
    if after and _state(before) != _state(after) and after["reason"] not in told:
        yield Note(WARNING, after["reason"], message_of(new, after))


def _state(condition: Mapping[str, Any]) -> tuple[object, object]:
    return condition.get("status"), condition.get("reason")
