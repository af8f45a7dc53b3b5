"""The status that an Exemption should have: its period, what it accepts, when that was last needed. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from actgate.api.times import parse_timestamp, timestamp
from actgate.kube.objects import Object

WARNED_DAYS: Final = (3, 14)
"""Days before its end at which an exemption is warned of, the last ones first."""
_ENDS: Final = "EndsWithin"


class Known(NamedTuple):
    """An Exemption as its status needs it."""

    uid: str
    generation: int
    not_before: datetime
    not_after: datetime
    status: Mapping[str, Any]


def known_of(thing: Object) -> Known:
    """Return what is kept of an Exemption; raises where it has not the form of one."""
    metadata, spec = thing["metadata"], thing["spec"]
    return Known(
        metadata["uid"],
        metadata.get("generation") or 0,
        parse_timestamp(spec["notBefore"]),
        parse_timestamp(spec["notAfter"]),
        thing.get("status") or {},
    )


def status_of(known: Known, matched: int, used: datetime | None, now: datetime) -> Object:
    """Return the status that an exemption should have.

    Args:
        known: The exemption, with the status that it has.
        matched: Objects with a finding that it accepts.
        used: The hour in which a judgement last depended on it; None for what the status says already.
        now: The moment, aware.
    """
    active, reason, message = _period(known, now)
    unused = (
        ("True", "NoFinding", "no object has a finding that it accepts")
        if active and not matched
        else ("False", "FindingsAccepted" if matched else reason, message)
    )
    expired = now >= known.not_after
    conditions = [
        _condition(known, now, "Active", "True" if active else "False", reason, message),
        _condition(known, now, "Expired", "True" if expired else "False", reason, message),
        _condition(known, now, "Unused", *unused),
    ]
    status: Object = {"observedGeneration": known.generation, "conditions": conditions, "matched": matched}
    before = known.status.get("lastUsedAt")
    if matched and before is None and used is None:
        used = hour_of(now)
    stated = [text for text in (before, timestamp(used) if used is not None else None) if text is not None]
    if stated:
        status["lastUsedAt"] = max(stated)
    return status


def next_change(known: Known, now: datetime) -> datetime | None:
    """Return the next moment at which time alone changes the status; None once it ended."""
    warned = (known.not_after - timedelta(days=days) for days in WARNED_DAYS)
    return min(
        (moment for moment in (known.not_before, *warned, known.not_after) if moment > now), default=None
    )


def _period(known: Known, now: datetime) -> tuple[bool, str, str]:
    """Return whether it is active, and why or why not."""
    if now < known.not_before:
        return False, "NotBegun", f"it begins at {timestamp(known.not_before)}"
    end = timestamp(known.not_after)
    if now >= known.not_after:
        return False, "Ended", f"it ended at {end}"
    for days in WARNED_DAYS:
        if now >= known.not_after - timedelta(days=days):
            return True, f"{_ENDS}{days}Days", f"it ends at {end}"
    return True, "InPeriod", f"it ends at {end}"


def _condition(known: Known, now: datetime, name: str, status: str, reason: str, message: str) -> Object:
    former = _named(known.status, name)
    since = former.get("lastTransitionTime") if former.get("status") == status else None
    return {
        "type": name,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": since or timestamp(now),
    }


def _named(status: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    for condition in status.get("conditions") or ():
        if condition.get("type") == name:
            found: Mapping[str, Any] = condition
            return found
    return {}


def ends_soon(status: Mapping[str, Any]) -> str:
    """Return the reason of an active one that ends within days of which users are warned; else empty."""
    reason = str(_named(status, "Active").get("reason", ""))
    return reason if reason.startswith(_ENDS) else ""


def words(status: Mapping[str, Any]) -> str:
    """Return what its status says of its period."""
    return str(_named(status, "Active").get("message", ""))


def hour_of(moment: datetime) -> datetime:
    """Return the full hour before a moment."""
    return moment.replace(minute=0, second=0, microsecond=0)
