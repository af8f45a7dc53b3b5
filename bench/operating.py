"""The operator over ten to thousands of models: how long, how many requests, how much machine."""

import asyncio
import os
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from actgate.kube.client import Cluster
from actgate.kube.resources import COMPLIANCE_MANIFESTS
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.envtest import missing_binaries
from bench.many_models import NAMESPACE, SHARED, Models, Nodes, beside, create_models, raw_writes
from bench.operator_process import READS, WRITES, OperatorProcess, operator
from bench.report import Section
from bench.running import cluster

COUNTS: Final = tuple(int(text) for text in os.environ.get("BENCH_MODELS", "10,100,1000,5000").split(","))
RAW: Final = 400
"""Models' worth of bare writes by which the API server's own rate is measured."""
WITHDRAWN: Final = 1000
"""From so many models on their shared manifest is withdrawn, and the operator restarted."""
BASE_MIB, EACH_KIB = 100, 20


@dataclass(slots=True)
class Measured:
    """What one run came to."""

    engine: str
    models: int
    raw: float
    """Writes a second that the API server takes from a bare client."""
    applied: float = 0.0
    """Seconds from the start of the operator until every model has its children and a status."""
    in_sync: float = 0.0
    """Seconds until every model is Ready, the rollouts included."""
    writes: int = 0
    reads: int = 0
    cpu: float = 0.0
    peak: float = 0.0
    restart: int | None = None
    """Writes of a second operator over the models in sync."""
    withdrawn: float | None = None
    """Seconds from the deletion of the shared manifest until the last status says so."""

    @property
    def share(self) -> float:
        """The part of the raw rate that the operator reached while it applied: three writes a model."""
        return 3 * self.models / self.applied / self.raw

    @property
    def goal_mib(self) -> float:
        """The memory that it may have used."""
        return BASE_MIB + self.models * EACH_KIB / 1024


def run() -> Section:
    """Apply models while no operator runs, start one, and watch until they are in sync."""
    engines = ["stand-in"] if missing_binaries() else ["envtest", "stand-in"]
    found = [_measure(engine, count) for engine in engines for count in COUNTS]
    worst = min(item.share for item in found if item.models >= 100)
    return Section(
        "The operator over many models",
        "Plain models (a Deployment and a Service each) that share one manifest are there when the operator "
        "starts; a client plays the cluster's nodes. The raw rate is what the same API server takes of the "
        "same writes (a Deployment, a Service, a status) from a client that only sends them, 16 at a time. "
        f"From {WITHDRAWN:,} models on, a second operator starts over what is in sync, and the manifest is "
        "withdrawn. Goals: at most 4 writes for a model, 0.6 of the raw rate, below "
        f"{BASE_MIB} MiB and {EACH_KIB} KiB for each model, no write after a restart.",
        (
            "API server", "models", "applied, s", "in sync, s", "writes each", "reads each", "raw writes /s",
            "part of it", "CPU, s", "peak, MiB (goal)", "writes after restart", "withdrawn, s",
        ),
        [_row(item) for item in found],
        f"The least part of the raw rate, from 100 models on, is {worst:.2f}.",
    )  # fmt: skip


def _row(item: Measured) -> tuple[str, ...]:
    return (
        item.engine,
        f"{item.models:,}",
        f"{item.applied:.1f}",
        f"{item.in_sync:.1f}",
        f"{item.writes / item.models:.2f}",
        f"{item.reads / item.models:.2f}",
        f"{item.raw:,.0f}",
        f"{item.share:.2f}",
        f"{item.cpu:.1f}",
        f"{item.peak / 2**20:.0f} ({item.goal_mib:.0f})",
        "" if item.restart is None else str(item.restart),
        "" if item.withdrawn is None else f"{item.withdrawn:.1f}",
    )


def _measure(engine: str, count: int) -> Measured:
    with cluster(engine) as (plane, _):
        return asyncio.run(_measured(plane, engine, count))


async def _measured(plane: ControlPlane, engine: str, count: int) -> Measured:
    async with Cluster.from_environment(plane.kubeconfig) as door:
        item = Measured(engine, count, await raw_writes(door, RAW))
        await create_models(door, count)
        models, nodes = Models(door), Nodes(door)
        async with beside(models.run):
            await models.all_say("Pending", count)
            with operator(plane.kubeconfig) as process:
                await _until_in_sync(process, models, nodes, item)
            if count >= WITHDRAWN:
                with operator(plane.kubeconfig) as process:
                    await _restart(process, item)
                    await _withdraw(door, models, item)
        return item


async def _until_in_sync(process: OperatorProcess, models: Models, nodes: Nodes, item: Measured) -> None:
    await asyncio.to_thread(process.wait_until_ready)
    start = perf_counter()
    await models.all_say("RollingOut", item.models)
    item.applied = perf_counter() - start
    async with beside(nodes.run):
        await models.all_say("Available", item.models)
        item.in_sync = perf_counter() - start
        await asyncio.to_thread(process.wait_until_idle)
    item.writes = await asyncio.to_thread(process.count, WRITES)
    item.reads = await asyncio.to_thread(process.count, READS)
    item.cpu, item.peak = process.cpu_seconds(), process.peak_bytes()


async def _restart(process: OperatorProcess, item: Measured) -> None:
    await asyncio.to_thread(process.wait_until_ready)
    await asyncio.to_thread(process.wait_until_it_knows, item.models)
    await asyncio.to_thread(process.wait_until_idle)
    item.restart = await asyncio.to_thread(process.count, WRITES)


async def _withdraw(door: Cluster, models: Models, item: Measured) -> None:
    start = perf_counter()
    await door.delete(COMPLIANCE_MANIFESTS, SHARED, NAMESPACE)
    await models.all_say("ManifestNotFound", item.models)
    item.withdrawn = perf_counter() - start
