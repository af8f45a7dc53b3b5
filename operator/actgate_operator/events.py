"""Events (events.k8s.io/v1) about an object: what of a model's new status is worth one, and its record.

Transitions are recorded once each, and good news only after bad: a model that comes up as planned is reported
by its status; Events are for what is out of order, and for its end. The same news within some minutes is one
series.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, NoReturn

from actgate.api.names import API_VERSION
from actgate.api.times import timestamp
from actgate.decision.subject import MODEL_DEPLOYMENT
from actgate.kube.errors import ClusterError
from actgate.kube.objects import Object
from actgate.kube.resources import EVENTS
from actgate_operator.status import condition_of, message_of
from actgate_operator.writer import Writer

logger = logging.getLogger(__name__)

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

REPORTER: Final = "actgate.dev/operator"
SERIES_SECONDS: Final = 360.0
"""The same news after a longer pause is news again, as in events.k8s.io."""
_NAMING: Final = ("namespace", "name", "uid", "resourceVersion")
_NOTE: Final = 1024
_MOST_SERIES: Final = 4096
_PAUSE_SECONDS: Final = 0.1
_PATIENCE_SECONDS: Final = 10.0
"""An Event waits no longer than that for statuses to be written first."""
_MOST_WAITING: Final = 10_000
"""Notes that wait to be recorded."""


class Note(NamedTuple):
    """One Event to be."""

    type: str
    """Normal or Warning."""
    reason: str
    message: str


@dataclass(slots=True)
class _Series:
    event: Object
    count: int
    last: float


class Events:
    """Records notes as Events; one that cannot be recorded is logged, and stops nothing.

    ``note`` takes no time: where a thousand models get another status at once, their statuses come first, and
    the Events of it behind them, while ``run`` runs.
    """

    def __init__(
        self,
        writer: Writer,
        instance: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._writer = writer
        self._instance = instance[:128]
        self._now = now
        self._steady = steady
        self._series: dict[tuple[str, Note], _Series] = {}
        self._waiting: asyncio.Queue[Object] = asyncio.Queue(_MOST_WAITING)

    def note(self, model: Object, note: Note) -> None:
        """Have a note about a model recorded as of now."""
        event = self._event(model, note)
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            _log(event, f"{_MOST_WAITING} others wait")

    async def run(self, busy: Callable[[], bool] = lambda: False) -> NoReturn:
        """Record notes until cancelled: each once ``busy`` is false, or some seconds later anyway."""
        while True:
            event = await self._waiting.get()
            patience = _PATIENCE_SECONDS
            while busy() and patience > 0:
                await asyncio.sleep(_PAUSE_SECONDS)
                patience -= _PAUSE_SECONDS
            await self._write(event)

    async def flush(self, within: float) -> None:
        """Record what waits, as far as that is done within so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not self._waiting.empty():
                    await self._write(self._waiting.get_nowait())

    async def record(self, model: Object, note: Note) -> None:
        """Record a note about a model."""
        await self._write(self._event(model, note))

    async def _write(self, event: Object) -> None:
        try:
            await self._writer.apply(EVENTS, event)
        except ClusterError as error:
            _log(event, str(error))

    def _event(self, model: Object, note: Note) -> Object:
        key = (model["metadata"]["uid"], note)
        known, steady = self._series.get(key), self._steady()
        if known is None or steady - known.last > SERIES_SECONDS:
            self._forget(steady)
            event = self._new(model, note)
            self._series[key] = _Series(event, 1, steady)
            return event
        known.count += 1
        known.last = steady
        series = {"count": known.count, "lastObservedTime": timestamp(self._now(), "microseconds")}
        return {**known.event, "series": series}

    def _forget(self, steady: float) -> None:
        if len(self._series) >= _MOST_SERIES:
            self._series = {
                key: item for key, item in self._series.items() if steady - item.last <= SERIES_SECONDS
            }

    def _new(self, model: Object, note: Note) -> Object:
        metadata, moment = model["metadata"], timestamp(self._now(), "microseconds")
        unique = hashlib.sha256(f"{metadata['uid']}{note}{moment}{self._instance}".encode()).hexdigest()[:16]
        return {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {
                # Events about what is in no namespace are where kubectl looks for them.
                "namespace": metadata.get("namespace") or "default",
                "name": f"{metadata['name'][:200].rstrip('.-')}.{unique}",
            },
            "eventTime": moment,
            "type": note.type,
            "reason": note.reason[:128],
            "action": "Reconcile",
            "note": note.message if len(note.message) <= _NOTE else f"{note.message[: _NOTE - 3]}...",
            "regarding": {
                "apiVersion": model.get("apiVersion", API_VERSION),
                "kind": model.get("kind", MODEL_DEPLOYMENT),
                **{field: metadata[field] for field in _NAMING if metadata.get(field)},
            },
            "reportingController": REPORTER,
            "reportingInstance": self._instance,
        }


def _log(event: Object, why: str) -> None:
    about = event["regarding"]
    name = "/".join(filter(None, (about.get("namespace"), about["name"])))
    logger.warning("Event %s of %s was not recorded: %s", event["reason"], name, why)


def transitions(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Note]:
    """Yield what changed from one status to the next."""
    yield from _evidence(old, new)
    yield from _workload(old, new)
    yield from _scaling(old, new)
    yield from _stalled(old, new)
    yield from _logging(old, new)


def _logging(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Note]:
    before, after = ((status.get("logging") or {}).get("notUploaded") or () for status in (old, new))
    known = {item["pod"] for item in before}
    for item in after:
        if item["pod"] not in known:
            words = f"pod {item['pod']} ended with {item['records']} records of its log not uploaded"
            yield Note(WARNING, "LogNotUploaded", words)


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
    reported = {condition_of(new, name).get("reason") for name in ("EvidenceAccepted", "WorkloadAvailable")}
    if after and _state(before) != _state(after) and after["reason"] not in reported:
        yield Note(WARNING, after["reason"], message_of(new, after))


def _state(condition: Mapping[str, Any]) -> tuple[object, object]:
    return condition.get("status"), condition.get("reason")
