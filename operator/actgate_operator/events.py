"""Events (events.k8s.io/v1) about a ModelDeployment; the same news within some minutes is one series."""

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from actgate.api.names import API_VERSION
from actgate.api.times import timestamp
from actgate.decision.subject import MODEL_DEPLOYMENT
from actgate.kube.errors import ClusterError
from actgate.kube.objects import Object
from actgate.kube.resources import EVENTS
from actgate_operator.transitions import Note
from actgate_operator.writer import Writer

logger = logging.getLogger(__name__)

REPORTER: Final = "actgate.dev/operator"
SERIES_SECONDS: Final = 360.0
"""The same news after a longer pause is news again, as in events.k8s.io."""
_NOTE: Final = 1024
_MOST_SERIES: Final = 4096


@dataclass(slots=True)
class _Series:
    event: Object
    count: int
    last: float


class Events:
    """Records notes as Events; one that cannot be recorded is logged, and stops nothing."""

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

    async def record(self, model: Object, note: Note) -> None:
        """Record a note about a model."""
        try:
            await self._writer.apply(EVENTS, self._event(model, note))
        except ClusterError as error:
            metadata = model["metadata"]
            logger.warning(
                "Event %s of %s/%s was not recorded: %s",
                note.reason,
                metadata["namespace"],
                metadata["name"],
                error,
            )

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
                "namespace": metadata["namespace"],
                "name": f"{metadata['name'][:200].rstrip('.-')}.{unique}",
            },
            "eventTime": moment,
            "type": note.type,
            "reason": note.reason[:128],
            "action": "Reconcile",
            "note": note.message if len(note.message) <= _NOTE else f"{note.message[: _NOTE - 3]}...",
            "regarding": {
                "apiVersion": API_VERSION,
                "kind": MODEL_DEPLOYMENT,
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
                "resourceVersion": metadata["resourceVersion"],
            },
            "reportingController": REPORTER,
            "reportingInstance": self._instance,
        }
