"""Ten quiet minutes of an operator over settled models, sixty times as fast."""

import asyncio
from typing import Final

from actgate.kube.client import Cluster
from actgate.kube.observing import Asked
from actgate.kube.timing import Timing
from actgate_operator.feed import FeedTiming
from actgate_operator.metrics import Metrics
from actgate_operator.operating import Operator
from actgate_operator.settings import Settings
from actgate_operator.writer import Writer
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.envtest import missing_binaries
from bench.many_models import Models, Nodes, beside, create_models
from bench.operator_process import WRITES
from bench.report import Section
from bench.running import cluster

MODELS: Final = 200
MINUTES: Final = 10
FASTER: Final = 60.0
_NEVER: Final = 1_000_000.0
"""Seconds until the full list that looks at every model."""


def run() -> Section:
    """Let models settle, and count what the operator does while nothing happens."""
    engines = ["stand-in"] if missing_binaries() else ["envtest", "stand-in"]
    rows = []
    for engine in engines:
        with cluster(engine) as (plane, _):
            rows.append((engine, *asyncio.run(_quiet(plane))))
    return Section(
        "Quiet minutes",
        f"{MODELS} settled models, every waiting time of the operator divided by {FASTER:.0f}, {MINUTES} "
        "minutes of such time. Goal: no reconcile and no write that the operator itself caused; the full "
        "list that looks at every model every ten minutes is switched off here, and is one look and no write "
        "for each.",
        ("API server", "reconciles", "writes", "lists and watches"),
        rows,
        "What is left are watches that end and begin again, and the lists that check them.",
    )


async def _quiet(plane: ControlPlane) -> tuple[str, str, str]:
    asked: list[Asked] = []
    metrics = Metrics()
    async with (
        Cluster.from_environment(plane.kubeconfig, observe=asked.append) as door,
        Cluster.from_environment(plane.kubeconfig) as people,
    ):
        await create_models(people, MODELS)
        models, nodes = Models(people), Nodes(people)
        async with beside(models.run, nodes.run, _operator(plane, door, metrics).run):
            await models.all_say("Available", MODELS)
            await asyncio.sleep(3.0)
            asked.clear()
            before = _looks(metrics)
            await asyncio.sleep(MINUTES * 60 / FASTER)
            writes = sum(item.verb in WRITES for item in asked)
            return f"{_looks(metrics) - before:.0f}", f"{writes}", f"{len(asked) - writes}"


def _operator(plane: ControlPlane, door: Cluster, metrics: Metrics) -> Operator:
    timing = Timing(
        silence=70 / FASTER,
        quiet=65 / FASTER,
        watch_shortest=240 / FASTER,
        watch_longest=300 / FASTER,
        relist=_NEVER,
    )
    feed = FeedTiming(watch=round(300 / FASTER), inactivity=70 / FASTER)
    settings = Settings(kubeconfig=plane.kubeconfig, lease_namespace="default")
    return Operator(door, Writer(door, lambda: True), metrics, settings, timing=timing, feed_timing=feed)


def _looks(metrics: Metrics) -> float:
    return metrics.registry.get_sample_value("actgate_operator_reconcile_duration_seconds_count") or 0.0
