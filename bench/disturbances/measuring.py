"""The table: what became of every request while each disturbance took place."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.envtest import missing_binaries
from actgate_sandbox.rest import Rest
from bench.disturbances.causes import DISTURBANCES
from bench.disturbances.gate import Gate, standing
from bench.disturbances.reviews import Load, Outcome, loading
from bench.report import Section, percentile
from bench.running import cluster

REPLICAS: Final = 3
RATE: Final = 40.0
AROUND: Final = 160
"""Requests after each disturbance that still count as during it."""


def run() -> Section:
    """Do one disturbance after the other, each to replicas of its own."""
    engine = "stand-in" if missing_binaries() else "envtest"
    rows = []
    with cluster(engine) as (plane, rest), tempfile.TemporaryDirectory() as folder:
        for number, disturbance in enumerate(DISTURBANCES):
            namespace = f"disturbed-{number}"
            reply = rest("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
            assert reply.status == 201, reply
            place = Path(folder) / namespace
            place.mkdir()
            load = asyncio.run(
                disturbed(plane, rest, namespace, place, disturbance.act, REPLICAS, RATE, AROUND)
            )
            rows.append(_row(disturbance.name, load))
    return Section(
        "While something happens",
        f"{RATE:.0f} dry-run writes of ModelDeployments per second through the API server ({engine}), to "
        f"{REPLICAS} replicas behind one address; half with evidence that passes, half with evidence that "
        "fails, so that each has one right answer. Milliseconds from the moment at which a request "
        "was due until its answer, for those that were decided. Failed: not decided though the API server "
        "was there. Unserved: the API server itself was gone. Everything shares one machine. Goal: none "
        "wrong, none failed.",
        ("what happens", "asked", "wrong", "failed", "unserved", "p50", "p95", "p99", "max"),
        rows,
        "A killed replica takes with it the calls that it had not answered: a POST that was sent is not "
        "sent again by the API server. A replica that is terminated is drained, and takes none.",
    )


async def disturbed(
    plane: ControlPlane,
    rest: Rest,
    namespace: str,
    folder: Path,
    act: Callable[[Gate, Load], Awaitable[None]],
    replicas: int,
    rate: float,
    around: int,
) -> Load:
    """Return the load that a gate had before, during and after a disturbance, each request with its end.

    Args:
        plane: The API server; it knows our kinds.
        rest: A client of it.
        namespace: An empty namespace.
        folder: An empty folder.
        act: The disturbance.
        replicas: How many replicas there are.
        rate: Requests per second.
        around: How many requests are over before the disturbance begins, and how many after its end.
    """
    async with standing(plane, rest, namespace, folder, replicas) as gate:
        load = Load(plane, namespace, rate)
        async with loading(load):
            await load.more(around)
            load.begun = time.perf_counter()
            await act(gate, load)
            await load.more(around)
    return load


def _row(name: str, load: Load) -> tuple[str, ...]:
    during = [answer for answer in load.answers if answer.due >= load.begun]
    counts = (sum(answer.outcome is kind for answer in during) for kind in Outcome if kind != Outcome.RIGHT)
    decided = [answer.taken * 1000 for answer in during if answer.outcome is Outcome.RIGHT]
    shares = (f"{percentile(decided, share):.0f}" for share in (0.5, 0.95, 0.99, 1.0))
    return (name, str(len(during)), *map(str, counts), *shares)
