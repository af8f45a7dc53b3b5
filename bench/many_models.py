"""Clients of the benches that stand for people and for the cluster: asynchronous, few, and unhurried."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any, Final

from actgate.kube.client import Cluster
from actgate.kube.objects import Key, Object
from actgate.kube.reflector import Reflector
from actgate.kube.resources import COMPLIANCE_MANIFESTS, DEPLOYMENTS, MODEL_DEPLOYMENTS, SERVICES
from actgate.kube.store import Change
from bench.manifests import manifest

NAMESPACE: Final = "team-0"
SHARED: Final = "shared"
CONCURRENT: Final = 16
PATIENCE: Final = 900.0
"""Seconds after which a bench is given up."""

_LABELS: Final = {"app": "raw"}
_SERVICE: Final = {"selector": _LABELS, "ports": [{"name": "http", "port": 8080}]}
_DEPLOYMENT: Final = {
    "replicas": 1,
    "selector": {"matchLabels": _LABELS},
    "template": {
        "metadata": {"labels": _LABELS},
        "spec": {"containers": [{"name": "raw", "image": "registry.example/server:1"}]},
    },
}

_AVAILABLE: Final = (("Available", "MinimumReplicasAvailable"), ("Progressing", "NewReplicaSetAvailable"))


async def together(work: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Await many coroutines, some at a time."""
    limit = asyncio.Semaphore(CONCURRENT)

    async def one(coroutine: Coroutine[Any, Any, object]) -> None:
        async with limit:
            await coroutine

    async with asyncio.TaskGroup() as group:
        for coroutine in work:
            group.create_task(one(coroutine))


def evidence() -> Object:
    """Return the manifest that all models share."""
    made = manifest(0)
    made["metadata"] = {"name": SHARED, "namespace": NAMESPACE}
    return made


def model(number: int) -> Object:
    """Return a plain model: a Deployment, a Service and nothing else."""
    spec = manifest(0)["spec"]["model"]
    return {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": f"model-{number}", "namespace": NAMESPACE},
        "spec": {
            "model": spec,
            "complianceManifestRef": {"name": SHARED},
            "placement": {"regions": [{"provider": "aws", "region": "eu-west-3"}]},
            "replicas": 1,
            "server": {"image": "registry.example/server:1", "ports": [{"containerPort": 8080}]},
        },
    }


async def create_models(cluster: Cluster, count: int) -> None:
    """Create the shared manifest and that many models."""
    await cluster.create(COMPLIANCE_MANIFESTS, evidence())
    await together(cluster.create(MODEL_DEPLOYMENTS, model(number)) for number in range(count))


async def raw_writes(cluster: Cluster, count: int) -> float:
    """Return how many writes a second the API server takes of what a model costs, and delete them.

    A Deployment and a Service by server-side apply, and a status: an API server takes longer for a Service,
    which gets an address, than for anything else.
    """
    start = perf_counter()
    await together(_one_model(cluster, number) for number in range(count))
    rate = 3 * count / (perf_counter() - start)
    await together(cluster.delete(DEPLOYMENTS, f"raw-{number}", NAMESPACE) for number in range(count))
    await together(cluster.delete(SERVICES, f"raw-{number}", NAMESPACE) for number in range(count))
    return rate


async def _one_model(cluster: Cluster, number: int) -> None:
    metadata = {"name": f"raw-{number}", "namespace": NAMESPACE}
    for kind, spec in ((DEPLOYMENTS, _DEPLOYMENT), (SERVICES, _SERVICE)):
        thing = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "spec": spec}
        await cluster.apply(kind, thing, field_manager="bench")
    status = {"replicas": 1, "readyReplicas": 0, "observedGeneration": 1}
    await cluster.merge(DEPLOYMENTS, {"metadata": metadata, "status": status}, subresource="status")


class Models:
    """How many models have which reason in their condition Ready, by a watch."""

    def __init__(self, cluster: Cluster) -> None:
        self._reasons: dict[Key, str] = {}
        self._changed = asyncio.Event()
        self._reflector = Reflector(cluster, MODEL_DEPLOYMENTS, _reason, self._note)

    async def run(self) -> None:
        """Follow the models until cancelled."""
        await self._reflector.run()

    def saying(self, reason: str) -> int:
        """Return how many models say so now."""
        return Counter(self._reasons.values())[reason]

    async def all_say(self, reason: str, count: int) -> None:
        """Wait until that many models say so."""
        async with asyncio.timeout(PATIENCE):
            while self.saying(reason) < count:
                self._changed.clear()
                await self._changed.wait()

    def _note(self, change: Change[str]) -> None:
        if isinstance(change.new, str):
            self._reasons[change.key] = change.new
        else:
            self._reasons.pop(change.key, None)
        self._changed.set()


def _reason(thing: Object) -> str:
    conditions = (thing.get("status") or {}).get("conditions") or ()
    return next((str(item["reason"]) for item in conditions if item["type"] == "Ready"), "")


class Nodes:
    """Makes every Deployment available as soon as it is there, as a cluster with nodes would."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._queue: asyncio.Queue[tuple[str, str, int, int]] = asyncio.Queue()
        self._reflector = Reflector(cluster, DEPLOYMENTS, _rollout, self._note)

    async def run(self) -> None:
        """Do so until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._reflector.run())
            for _ in range(4):
                group.create_task(self._roll_out())

    def _note(self, change: Change[tuple[int, int, int]]) -> None:
        if isinstance(change.new, tuple):
            generation, observed, replicas = change.new
            if observed < generation:
                self._queue.put_nowait((*change.key, generation, replicas))

    async def _roll_out(self) -> None:
        while True:
            namespace, name, generation, replicas = await self._queue.get()
            status = {
                "observedGeneration": generation,
                "replicas": replicas,
                "updatedReplicas": replicas,
                "readyReplicas": replicas,
                "availableReplicas": replicas,
                "conditions": [
                    {"type": kind, "status": "True", "reason": reason} for kind, reason in _AVAILABLE
                ],
            }
            thing = {"metadata": {"namespace": namespace, "name": name}, "status": status}
            await self._cluster.merge(DEPLOYMENTS, thing, subresource="status")


def _rollout(thing: Object) -> tuple[int, int, int]:
    observed = (thing.get("status") or {}).get("observedGeneration", 0)
    return thing["metadata"]["generation"], observed, thing["spec"].get("replicas", 1)


@asynccontextmanager
async def beside(*work: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run coroutines until the block ends."""
    tasks = [asyncio.create_task(begin()) for begin in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
