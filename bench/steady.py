"""Ten quiet minutes of an operator over models in sync, sixty times as fast."""

import asyncio
from typing import Final

from actgate.kube.client import Cluster
from actgate.kube.observing import Asked
from actgate.kube.timing import Timing
from actgate_operator.kopf_run import run_kopf
from actgate_operator.kopf_settings import KopfTiming
from actgate_operator.metrics import Metrics
from actgate_operator.options import Options
from actgate_operator.process import Process
from actgate_operator.settings import Settings
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.envtest import missing_binaries
from bench.many_models import Models, Nodes, beside, create_models
from bench.operator_process import WRITES
from bench.report import Section
from bench.running import cluster

MODELS: Final = 200
MINUTES: Final = 10
FASTER: Final = 60.0
CONCERNING_MODELS: Final = frozenset(
    {"modeldeployments", "modeldeployments/status", "compliancemanifests", "compliancemanifests/status"}
    | {"deployments", "services", "events", "pods"}
)
_NEVER: Final = 1_000_000.0
"""Seconds until the full list that reconciles every model."""


def run() -> Section:
    """Wait until models are in sync, and count what the operator does while nothing happens."""
    engines = ["stand-in"] if missing_binaries() else ["envtest", "stand-in"]
    rows = []
    for engine in engines:
        with cluster(engine) as (plane, _):
            rows.append((engine, *asyncio.run(_quiet(plane))))
    return Section(
        "Quiet minutes",
        f"{MODELS} models in sync, every waiting time of the operator divided by {FASTER:.0f}, {MINUTES} "
        "minutes of such time. Goal: no reconcile and no write that the operator itself caused; the full "
        "list that reconciles every model every ten minutes is switched off here, and is one pass and no "
        "write for each.",
        ("API server", "reconciles", "writes", "lists and watches"),
        rows,
        "What is left are watches that end and begin again, and the lists that check them.",
    )


async def _quiet(plane: ControlPlane) -> tuple[str, str, str]:
    metrics = _Metrics()
    async with Cluster.from_environment(plane.kubeconfig) as people:
        await create_models(people, MODELS)
        models, nodes, stop = Models(people), Nodes(people), asyncio.Event()
        # kopf cancels what is younger than itself when it ends.
        async with beside(models.run, nodes.run):
            running = asyncio.create_task(run_kopf(_process(plane, metrics, stop), stop))
            await models.all_say("Available", MODELS)
            await asyncio.sleep(3.0)
            metrics.requests.clear()
            before = _passes(metrics)
            await asyncio.sleep(MINUTES * 60 / FASTER)
            writes = sum(item.verb in WRITES for item in metrics.requests)
            found = f"{_passes(metrics) - before:.0f}", f"{writes}", f"{len(metrics.requests) - writes}"
            stop.set()
            await running
            return found


def _process(plane: ControlPlane, metrics: Metrics, stop: asyncio.Event) -> Process:
    timing = Timing(
        silence=70 / FASTER,
        quiet=65 / FASTER,
        watch_shortest=240 / FASTER,
        watch_longest=300 / FASTER,
        relist=_NEVER,
    )
    options = Options(
        timing=timing,
        kopf=KopfTiming(watch=round(60 / FASTER), inactivity=70 / FASTER),
        serves_pages=False,
    )
    settings = Settings(kubeconfig=plane.kubeconfig, lease_namespace="default", certificates="External")
    return Process(settings, stop.set, metrics=metrics, options=options)


class _Metrics(Metrics):
    """Metrics that keep the requests themselves; those for the lease go on whatever happens."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Asked] = []

    def asked(self, request: Asked) -> None:
        """Note a request."""
        super().asked(request)
        if request.resource in CONCERNING_MODELS:
            self.requests.append(request)


def _passes(metrics: Metrics) -> float:
    return metrics.registry.get_sample_value("actgate_operator_reconcile_duration_seconds_count") or 0.0
