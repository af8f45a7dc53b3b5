"""A cache that reads pages of manifests: ``python -m bench.attested_sync FOLDER`` writes JSON.

FOLDER holds ``compliancemanifests-N.json``, ``compliancepolicies-0.json`` and ``namespaces-0.json``: the
items of lists, as an API server sends them.
"""

import asyncio
import gc
import json
import os
import resource
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, cast

import orjson
import uvloop

from actgate.decision import Manifest
from actgate.kube.client import Cluster, Event, Page
from actgate.kube.resources import Resource
from actgate.lookup.cache import EvidenceCache
from actgate.runtime.main import collect_seldom

TICK: Final = 0.001
"""Seconds after which the event loop is asked for again."""


class Pages:
    """The lists of a folder in place of an API server; its watches are silent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def list_pages(self, resource: Resource, *_: object, **__: object) -> AsyncGenerator[Page, None]:
        """Parse page by page, on the event loop, as the client does."""
        for number in range(len([*self._folder.glob(f"{resource.plural}-*.json")])):
            path = self._folder / f"{resource.plural}-{number}.json"
            data = await asyncio.to_thread(path.read_bytes)
            yield Page(orjson.loads(data), 1_000_000)
        yield Page([], 1_000_000)  # Of a kind of which there is none, such as exemptions.

    @asynccontextmanager
    async def watch(self, *_: object, **__: object) -> AsyncIterator[AsyncIterator[Event]]:
        """Report nothing."""

        async def events() -> AsyncIterator[Event]:
            await asyncio.Event().wait()
            yield Event("BOOKMARK", {})

        yield events()


class Ticker:
    """How long the event loop did not come back to a task that asked it to, at the most."""

    def __init__(self) -> None:
        self.wall = self.own = 0.0
        """Seconds more than a tick: by the clock, and of this thread's own CPU time."""

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            wall, own = time.perf_counter(), time.thread_time()
            await asyncio.sleep(TICK)
            self.wall = max(self.wall, time.perf_counter() - wall - TICK)
            self.own = max(self.own, time.thread_time() - own)


async def _sync(folder: Path) -> dict[str, Any]:
    cache, ticker = EvidenceCache(cast(Cluster, Pages(folder))), Ticker()
    gc.collect()
    before, started, cpu = _resident(), time.perf_counter(), time.process_time()
    tasks = [asyncio.create_task(cache.run()), asyncio.create_task(ticker.run())]
    for reflector in cache.reflectors:
        await reflector.synced.wait()
    found = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}
    manifests = [found for _, found in cache.reflectors[0].items() if isinstance(found, Manifest)]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    gc.collect()
    return {
        **found,
        "gap": ticker.wall,
        "own": ticker.own,
        "before": before,
        "after": _resident(),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "count": len(manifests),
        "signers": sum(len(item.signers) for manifest in manifests for item in manifest.attestations),
    }


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    collect_seldom()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(_sync(Path(sys.argv[1])))))
