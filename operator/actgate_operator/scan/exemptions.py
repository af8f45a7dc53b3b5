"""The status of Exemptions, for readers of ``kubectl get aex``, and warning Events before one ends.

A status says whether the period has begun or ended, how many objects have a finding that it accepts, and to
the hour when a judgement last depended on it. It is written when that changes, never an input of a decision,
and a new leader that finds the status that it would write writes nothing.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, NoReturn

from actgate.api.times import parse_timestamp, timestamp
from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError, NotFound
from actgate.kube.objects import Object
from actgate.kube.reflector import Reflector
from actgate.kube.resources import EXEMPTIONS
from actgate.kube.store import Change
from actgate.kube.timing import Timing
from actgate_operator.deadlines import Clocks, Deadlines
from actgate_operator.events import WARNING, Events, Note
from actgate_operator.queue import WorkQueue
from actgate_operator.scan.judging import Result
from actgate_operator.scan.pacing import Budget
from actgate_operator.writer import NotLeadingError, Writer

logger = logging.getLogger(__name__)

COLLECT_SECONDS: Final = 2.0
"""Judgements come in groups: a status waits so long for further ones."""
WARNED_DAYS: Final = (3, 14)
"""Days before its end at which an exemption is warned of, the last ones first."""


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


class ExemptionStatuses:
    """Writes statuses while ``run`` runs, once every subject was judged.

    Args:
        cluster: The API server.
        writer: Who writes.
        events: Who records Events.
        budget: How often.
        clocks: The clocks.
        timing: How the reflector waits.
    """

    def __init__(
        self,
        cluster: Cluster,
        writer: Writer,
        events: Events,
        budget: Budget,
        clocks: Clocks,
        timing: Timing,
    ) -> None:
        self._writer = writer
        self._events = events
        self._budget = budget
        self._clocks = clocks
        self._queue: WorkQueue[str] = WorkQueue()
        self._deadlines: Deadlines[str] = Deadlines(self._queue.add, self._clock_was_set, clocks)
        self._matched: Counter[str] = Counter()
        self._used: dict[str, datetime] = {}
        """The hour in which a judgement depended on an exemption, since every subject was judged once."""
        self._all_judged = asyncio.Event()
        self._exemptions: Reflector[Known] = Reflector(
            cluster, EXEMPTIONS, known_of, self._changed, optional=True, timing=timing
        )

    def judged(self, former: Result | None, result: Result | None) -> None:
        """Note on which exemptions a judgement depended."""
        before = former.exemptions if former is not None else ()
        after = result.exemptions if result is not None else ()
        self._matched.subtract(before)
        self._matched.update(after)
        if self._all_judged.is_set():
            for name in after:
                self._used[name] = _hour(self._clocks.now())
            for name in {*before, *after}:
                self._queue.add_after(name, COLLECT_SECONDS)

    def all_judged(self) -> None:
        """Begin to write: it is known of every subject what it depends on."""
        self._all_judged.set()

    async def run(self) -> NoReturn:
        """Write what differs until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._exemptions.run())
            await self._exemptions.synced.wait()
            await self._all_judged.wait()
            group.create_task(self._queue.run())
            group.create_task(self._deadlines.run())
            self._enqueue_all()
            while True:
                await self._next()
        raise AssertionError("unreachable: the loop never ends by itself")

    async def _next(self) -> None:
        name = await self._queue.get()
        try:
            await self._reconcile(name)
        except ClusterError as error:
            logger.warning("the status of Exemption %s is not written: %s", name, error)
            self._queue.retry(name, error.retry_after)
        except NotLeadingError:
            raise
        except Exception:
            # A defect that one exemption brings to light must not end the work on others.
            logger.exception("the status of Exemption %s is not written", name)
            self._queue.retry(name)
        else:
            self._queue.forget(name)
        finally:
            self._queue.done(name)

    async def _reconcile(self, name: str) -> None:
        known = self._exemptions.get(None, name)
        if not isinstance(known, Known):
            self._deadlines.set(name, None)
            self._used.pop(name, None)
            return
        now = self._clocks.now()
        status = status_of(known, max(self._matched[name], 0), self._used.get(name), now)
        self._deadlines.set(name, next_change(known, now))
        if status == known.status:
            return
        await self._budget.take()
        body = {
            "apiVersion": EXEMPTIONS.api_version,
            "kind": EXEMPTIONS.kind,
            "metadata": {"name": name},
            "status": status,
        }
        try:
            stored = await self._writer.merge_status(EXEMPTIONS, body)
        except NotFound:
            return
        reason = _reason(status)
        if reason.startswith("EndsWithin") and reason != _reason(known.status):
            note = Note(
                WARNING, reason, f"{_message(status)}: renew it by another Exemption, or fix the findings"
            )
            await self._events.record(stored, note)

    def _changed(self, change: Change[Known]) -> None:
        if self._all_judged.is_set():
            self._queue.add(change.key[1])

    def _enqueue_all(self) -> None:
        for (_, name), _known in self._exemptions.items():
            self._queue.add(name)

    def _clock_was_set(self, _: float) -> None:
        self._enqueue_all()


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
        used = _hour(now)
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
            return True, f"EndsWithin{days}Days", f"it ends at {end}"
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


def _reason(status: Mapping[str, Any]) -> str:
    return str(_named(status, "Active").get("reason", ""))


def _message(status: Mapping[str, Any]) -> str:
    return str(_named(status, "Active").get("message", ""))


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
