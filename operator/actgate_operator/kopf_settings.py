"""How kopf is set up to feed keys and to do nothing else, for as long as the process lives."""

import asyncio
import itertools
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import kopf

from actgate.kube.timing import Timing

PAGE_SIZE = 500
"""Objects per page of a list: one page is parsed while no other thread can run."""


@dataclass(frozen=True, slots=True)
class FeedTiming:
    """All durations are seconds; clock, chance and sleep are here for tests to replace."""

    watch: int = 300
    """The server is asked to end a watch after so long at the latest, whole seconds."""

    inactivity: float = 70.0
    """A watch on which nothing is heard for so long is opened anew: bookmarks come every minute."""

    connect: float = 10.0
    request: float = 30.0
    """How long a connection, and any request that is no watch, may take."""

    backoff_first: float = 0.5
    backoff_longest: float = 30.0
    """The ceiling of the pause after a first failure, and after many."""

    steady: float = 1.0
    """A list, a watch or a login that follows its like sooner than that has to wait."""

    stop: float = 15.0
    """How long kopf may take to stop before it is cancelled."""

    now: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def pauses(self) -> Timing:
        """Return the same in the terms of a back-off."""
        return Timing(
            backoff_first=self.backoff_first,
            backoff_longest=self.backoff_longest,
            now=self.now,
            chance=self.chance,
            sleep=self.sleep,
        )

    def watch_seconds(self) -> int:
        """Draw how long watches shall last, so that those of many replicas do not end at once."""
        return max(1, round(self.watch * (0.8 + 0.2 * self.chance())))


class EndlessPauses:
    """Pauses between the tries of one request, from their beginning whenever they are iterated.

    kopf ends when they do. They are drawn with full jitter from zero up to a ceiling that doubles.
    """

    def __init__(self, timing: FeedTiming) -> None:
        self._timing = timing

    def __iter__(self) -> Iterator[float]:
        timing = self._timing
        for failures in itertools.count():
            ceiling = timing.backoff_first * 2.0 ** min(failures, 32)
            yield min(ceiling, timing.backoff_longest) * timing.chance()


def settings_for(timing: FeedTiming) -> kopf.OperatorSettings:
    """Return settings with which kopf watches one kind, and writes nothing anywhere."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    # Else kopf sends SIGKILL to the process when it has not ended after ten minutes.
    settings.process.ultimate_exiting_timeout = None
    settings.watching.server_timeout = timing.watch_seconds()
    settings.watching.client_timeout = timing.watch + timing.request
    settings.watching.connect_timeout = timing.connect
    settings.watching.inactivity_timeout = timing.inactivity
    settings.watching.chunk_size = PAGE_SIZE
    settings.networking.connect_timeout = timing.connect
    settings.networking.request_timeout = timing.request
    settings.networking.error_backoffs = EndlessPauses(timing)
    # Its handler only passes on a key: a task per object that idles for seconds is of no use.
    settings.queueing.idle_timeout = 0.1
    settings.queueing.exit_timeout = 1.0
    return settings


def quiet() -> None:
    """Let kopf's loggers pass warnings and errors on, and not every event and request."""
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("kopf._core.reactor.running").addFilter(_expected)


def _expected(record: logging.LogRecord) -> bool:
    """Drop the warning that kopf handles no signals: the main thread does, as it should be."""
    return not record.getMessage().startswith("OS signals are ignored")
