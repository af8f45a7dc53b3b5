"""The log as a service uses it: what becomes of an answer whose record cannot be written.

``Refuse``: it does not leave. ``Serve``: it leaves without a record, is counted, and as soon as the log
can be written again a ``gap`` in it says how many there were, and since when.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, NoReturn, Protocol

from actgate.api.times import timestamp
from actgate.recording.keys import KeyUnavailableError
from actgate.recording.use import Content, Use
from actgate.recording.writer import RecordNotWrittenError
from actgate.trace.digests import Digester

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = 1.0
"""How often a log that cannot be written is tried again, whether or not requests come."""


class OnFailure(StrEnum):
    """What becomes of an answer whose record cannot be written."""

    REFUSE = "Refuse"
    """It is not given: 503, and the service is unready meanwhile."""
    SERVE = "Serve"
    """It is given, counted, and stated in the log later."""


class Appends(Protocol):
    """What is asked of ``writer.Writer``."""

    async def append(self, content: Mapping[str, Any]) -> None:
        """Return when a record is durable; raise RecordNotWrittenError where it is not."""


class Keys(Protocol):
    """What is asked of ``keys.Keyring``."""

    def digester(self) -> Digester:
        """Return the key to use now; raise KeyUnavailableError where there is none."""


@dataclass(slots=True)
class Counts:
    """What became of records since the start."""

    records: int = 0
    lost: int = 0
    """Answers that left without a record."""
    refused: int = 0
    """Answers that did not leave, for want of a record."""


class Log:
    """Writes records, and keeps count of those that it could not write.

    Args:
        writer: The way into the log.
        content: What is recorded of each use.
        keys: The keys of digests; None where none are made.
        on_failure: What becomes of an answer without a record.
    """

    def __init__(
        self,
        writer: Appends,
        content: Content,
        keys: Keys | None,
        on_failure: OnFailure = OnFailure.REFUSE,
    ) -> None:
        self._writer = writer
        self.content = content
        self._keys = keys
        self._refuses = on_failure is OnFailure.REFUSE
        self.counts = Counts()
        self._unstated = 0
        """Lost records that no gap states yet."""
        self._since = ""
        self._error: str | None = None
        self._failed = asyncio.Event()

    @property
    def closed(self) -> str | None:
        """Why no answer would leave now, so that the model need not be asked; None where one would."""
        return self._error if self._refuses else None

    def use(self, method: str, target: bytes, headers: Any) -> Use:  # noqa: ANN401 - pairs of bytes
        """Begin a use.

        Raises:
            RecordNotWrittenError: There is no key for its digests, and the log refuses.
        """
        return Use(self.content, self.digester(), method, target, headers)

    async def write(self, record: Mapping[str, Any]) -> bool:
        """Write the record of an answer; return whether the answer may leave."""
        try:
            if self._unstated:
                await self._state_gap()
            await self._writer.append(record)
        except RecordNotWrittenError as error:
            self._fail(str(error))
            if self._refuses:
                self.counts.refused += 1
                return False
            self.counts.lost += 1
            self._unstated += 1
            return True
        self.counts.records += 1
        if self._error is not None:
            self._recover()
        return True

    async def write_event(self, record: Mapping[str, Any]) -> bool:
        """Write what is no answer; return whether it is in the log. It can be sent again, so none is lost."""
        try:
            await self._writer.append(record)
        except RecordNotWrittenError as error:
            self._fail(str(error))
            return False
        self.counts.records += 1
        return True

    def failing_checks(self) -> Mapping[str, str | None]:
        """Return why no answer would leave; with Serve that is no reason to be unready."""
        return {"inference log": self.closed}

    async def follow(self) -> NoReturn:
        """Try again what failed, until cancelled."""
        while True:
            await self._failed.wait()
            await asyncio.sleep(RETRY_SECONDS)
            try:
                if self._keys is not None:
                    self._keys.digester()
                if self._unstated:
                    await self._state_gap()
                else:
                    # Nothing is missing, so that the gap is empty: it says that there was a failure.
                    await self._writer.append({"event": "gap", "count": 0, "since": self._since})
            except (RecordNotWrittenError, KeyUnavailableError) as error:
                self._error = str(error)
            else:
                self._recover()

    async def _state_gap(self) -> None:
        count, self._unstated = self._unstated, 0
        try:
            await self._writer.append({"event": "gap", "count": count, "since": self._since, "until": _now()})
        except BaseException:
            self._unstated += count
            raise

    def digester(self) -> Digester | None:
        """Return the key of digests; None where none are made, or Serve has to do without.

        Raises:
            RecordNotWrittenError: There is none, and the log refuses.
        """
        if self._keys is None:
            return None
        try:
            return self._keys.digester()
        except KeyUnavailableError as error:
            # A record without a digest is better than none.
            self._fail(str(error))
            if self._refuses:
                raise RecordNotWrittenError(str(error)) from None
            return None

    def _fail(self, error: str) -> None:
        if self._error is None:
            logger.error("no record can be written: %s", error)
            self._since = self._since if self._unstated else _now()
        self._error = error
        self._failed.set()

    def _recover(self) -> None:
        logger.info("records are written again")
        self._error = None
        self._failed.clear()


def _now() -> str:
    return timestamp(datetime.now(UTC), "microseconds")
