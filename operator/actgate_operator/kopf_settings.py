"""How kopf is set up: it watches one kind for as long as the process lives, and writes nothing anywhere."""

import asyncio
import itertools
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final

import kopf

from actgate.kube.timing import Timing

PAGE_SIZE: Final = 100
"""Objects per page of a list: one page is in memory at a time, and is parsed while nothing else can run."""


@dataclass(frozen=True, slots=True)
class KopfTiming:
    """All durations are seconds; clock, chance and sleep are here for tests to replace."""

    watch: int = 60
    """The server is asked to end a watch after so long, whole seconds: each answer proves contact, since kopf
    keeps bookmarks to itself."""

    inactivity: float = 70.0
    """A watch on which nothing comes for so long is opened anew."""

    connect: float = 10.0
    request: float = 30.0
    """How long a connection, and any request that is no watch, may take."""

    backoff_first: float = 0.5
    backoff_longest: float = 30.0
    """The ceiling of the pause after a first failure, and after many."""

    steady: float = 1.0
    """A list, a watch or a login that follows its like sooner than that has to wait."""

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

    def __init__(self, timing: KopfTiming) -> None:
        self._timing = timing

    def __iter__(self) -> Iterator[float]:
        timing = self._timing
        for failures in itertools.count():
            ceiling = timing.backoff_first * 2.0 ** min(failures, 32)
            yield min(ceiling, timing.backoff_longest) * timing.chance()


class _NoDiffBase(kopf.DiffBaseStorage):
    """Nothing is compared with what was handled last, since no handler is called for a difference.

    By default kopf copies every object for that, which is a seventh of what an event costs.
    """

    def build(self, *, body: kopf.Body, extra_fields: object = None) -> kopf.BodyEssence:
        """Return nothing of an object."""
        return kopf.BodyEssence({})

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        """Return that nothing is stored."""
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Store nothing."""


def configure(settings: kopf.OperatorSettings, timing: KopfTiming) -> None:
    """Have kopf watch one kind with little memory, and leave objects, Events and the process alone."""
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    # Else kopf sends SIGKILL to the process when it has not ended after ten minutes.
    settings.process.ultimate_exiting_timeout = None
    settings.watching.server_timeout = timing.watch_seconds()
    settings.watching.client_timeout = timing.watch + timing.request
    settings.watching.connect_timeout = timing.connect
    settings.watching.inactivity_timeout = timing.inactivity
    settings.watching.reconnect_backoff = timing.backoff_first
    settings.watching.chunk_size = PAGE_SIZE
    settings.networking.connect_timeout = timing.connect
    settings.networking.request_timeout = timing.request
    settings.networking.error_backoffs = EndlessPauses(timing)
    # The handler takes no time: a task per object that idles for seconds is of no use.
    settings.queueing.idle_timeout = 0.1
    settings.queueing.exit_timeout = 1.0
    settings.persistence.diffbase_storage = _NoDiffBase()


def quiet() -> None:
    """Let kopf's loggers pass warnings and errors on, and not every event and request.

    Why startup or cleanup failed ends the process, and is its last sentence.
    """
    logging.getLogger("kopf").setLevel(logging.WARNING)
    for activity in ("startup", "cleanup"):
        logging.getLogger(f"kopf.activities.{activity}").setLevel(logging.CRITICAL)
