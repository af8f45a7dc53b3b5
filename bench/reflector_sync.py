"""What a reflector costs by itself: ``python -m bench.reflector_sync`` prints JSON.

A server in a process of its own hands out pages of ready-made manifests. The reflector's `parse`
keeps nothing, so the memory is the reflector's own: key, version and entry of each object. The
stall is the longest time for which nothing else on the event loop got its turn; most of it is the
cyclic garbage collector, hence `--gc-threshold`.
"""

import argparse
import asyncio
import gc
import json
import multiprocessing
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path

import orjson
from aiohttp import web
from kubernetes.aio.client import Configuration

from actgate.cluster.client import Cluster
from actgate.cluster.reflector import Reflector
from actgate.cluster.resources import COMPLIANCE_MANIFESTS
from actgate.cluster.timing import Timing
from bench.manifests import manifest

PAGE = 500


def serve(count: int, ready: Connection) -> None:
    """Serve `count` manifests in pages on a free port, and tell the port."""
    pages = [_page(start, count) for start in range(0, count, PAGE)]

    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            start = int(request.query.get("continue", "0"))
            return web.Response(body=pages[start // PAGE], content_type="application/json")
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.Event().wait()
        return response

    async def run() -> None:
        app = web.Application()
        app.router.add_get(COMPLIANCE_MANIFESTS.collection(), answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ready.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


def _page(start: int, count: int) -> bytes:
    metadata = {"resourceVersion": str(1000 + count)}
    if start + PAGE < count:
        metadata["continue"] = str(start + PAGE)
    items = [manifest(number) for number in range(start, min(start + PAGE, count))]
    return orjson.dumps({"metadata": metadata, "items": items})


@contextmanager
def serving(count: int) -> Iterator[str]:
    """Run the server; the URL is that of the API."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(count, theirs), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        server.terminate()
        server.join()


class Stall:
    """The longest time for which the event loop was held up, in seconds."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        """Take a turn as often as possible."""
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            self.longest, last = max(self.longest, now - last - 0.001), now


async def measure(url: str, count: int) -> dict[str, float]:
    """List everything, and then once more, as every ten minutes."""

    async def configure() -> Configuration:
        return Configuration(host=url)

    gc.collect()
    before, stall = _resident(), Stall()
    async with Cluster(configure) as cluster:
        reflector = Reflector(cluster, COMPLIANCE_MANIFESTS, lambda _: None, timing=Timing(relist=1.0))
        watching = asyncio.create_task(stall.watch())
        started = time.perf_counter()
        running = asyncio.create_task(reflector.run())
        await reflector.synced.wait()
        synced = time.perf_counter() - started
        peak_first, stall_first = _peak(), stall.longest
        stall.longest, contact = 0.0, reflector.last_contact
        while reflector.last_contact == contact:  # noqa: ASYNC110 - no event says so
            await asyncio.sleep(0.01)
        again = time.monotonic() - reflector.last_contact
        for task in (running, watching):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        assert len(reflector) == count
        gc.collect()
        return {
            "objects": count,
            "sync_seconds": round(synced, 2),
            "relist_seconds": round(again, 2),
            "sync_longest_stall_ms": round(stall_first * 1e3, 1),
            "relist_longest_stall_ms": round(stall.longest * 1e3, 1),
            "bytes_per_object": round((_resident() - before) / count),
            "sync_peak_mib": round((peak_first - before) / 2**20, 1),
            "relist_peak_mib": round((_peak() - before) / 2**20, 1),
        }


def _resident() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(prog="python -m bench.reflector_sync", description=__doc__)
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--gc-threshold", type=int, default=gc.get_threshold()[0])
    options = parser.parse_args()
    gc.set_threshold(options.gc_threshold, *gc.get_threshold()[1:])
    with serving(options.objects) as url:
        print(json.dumps(asyncio.run(measure(url, options.objects)), indent=2))


if __name__ == "__main__":
    main()
