"""Signed evidence that stops counting while models run: how soon the operator reports it."""

import asyncio
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

from actgate.kube.client import Cluster
from actgate.kube.objects import Object
from actgate.kube.resources import COMPLIANCE_MANIFESTS, COMPLIANCE_POLICIES, MODEL_DEPLOYMENTS
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.envtest import missing_binaries
from bench.many_models import SHARED, Models, beside, evidence, model, together
from bench.operator_process import READS, OperatorProcess, operator
from bench.report import Section
from bench.running import cluster
from tests.support.attested import Party, payload_digest, signed, trusting

MODELS: Final = 1000
ALONE: Final = "alone"
"""Manifest of one model; the others share another one."""
RUNNING: Final = "RollingOut"
"""Reason of a model whose evidence is accepted, where no node starts its pods."""


@dataclass(slots=True)
class Measured:
    """What one change came to."""

    engine: str
    change: str
    models: int
    """Whose status had to change."""
    seconds: float
    """From the change of the policy until the last of them says so; 0 for none."""
    reads: float
    """Requests for objects and lists, for each model of the cluster."""
    cpu: float
    """CPU seconds of the operator, until nothing is left to do."""


def run() -> Section:
    """Change the policy while a thousand models run."""
    engines = ["stand-in"] if missing_binaries() else ["envtest", "stand-in"]
    found = [item for engine in engines for item in _measure(engine)]
    one = max(item.seconds for item in found if item.models == 1)
    many = max(item.seconds for item in found if item.models > 1)
    return Section(
        "Signed evidence that stops counting",
        f"{MODELS:,} models run on two signed manifests, all but one of them on the same; a policy trusts "
        "the key. One payload is withdrawn, then the other, then the key is revoked, and each is taken back; "
        "at last it trusts one more key, which changes no verdict. The time is that from the change of "
        "the policy until the last model concerned says so in its status. "
        "Goals: one model within 1 s, all of them within 10 s.",
        ("API server", "change", "models concerned", "seconds", "reads for each model", "CPU, s"),
        [
            (
                item.engine,
                item.change,
                f"{item.models:,}",
                f"{item.seconds:.2f}" if item.models else "",
                f"{item.reads:.2f}",
                f"{item.cpu:.1f}",
            )
            for item in found
        ],
        f"The longest for one model is {one:.2f} s, for all of them {many:.1f} s.",
    )


def _measure(engine: str) -> list[Measured]:
    with cluster(engine) as (plane, _):
        return asyncio.run(_Run(engine).measured(plane))


class _Run:
    """One engine's measurements."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._party = Party("ml-platform")
        self._manifests = {name: _signed(name, self._party) for name in (SHARED, ALONE)}
        self._found: list[Measured] = []

    async def measured(self, plane: ControlPlane) -> list[Measured]:
        """Return what each change came to."""
        async with Cluster.from_environment(plane.kubeconfig) as door:
            await self._create(door)
            models = Models(door)
            async with beside(models.run):
                with operator(plane.kubeconfig) as process:
                    await asyncio.to_thread(process.wait_until_ready)
                    await models.all_say(RUNNING, MODELS)
                    await self._change_all(door, models, process)
        return self._found

    async def _create(self, door: Cluster) -> None:
        await door.create(COMPLIANCE_POLICIES, self._policy())
        for thing in self._manifests.values():
            await door.create(COMPLIANCE_MANIFESTS, thing)
        await together(
            door.create(MODEL_DEPLOYMENTS, _referring(number, SHARED if number else ALONE))
            for number in range(MODELS)
        )

    async def _change_all(self, door: Cluster, models: Models, process: OperatorProcess) -> None:
        for name, count in ((ALONE, 1), (SHARED, MODELS - 1)):
            (item,) = self._manifests[name]["spec"]["attestations"]
            withdrawn = self._policy(withdrawn=[payload_digest(item)])
            await self._change(
                door, models, process, withdrawn, "payload withdrawn", "EvidenceWithdrawn", count
            )
            await self._change(door, models, process, self._policy(), "taken back", RUNNING, count)
        revoked = self._policy(revoked={"at": "2026-01-01T00:00:00Z", "reason": "Compromised"})
        await self._change(door, models, process, revoked, "key revoked", "EvidenceNotTrusted", MODELS)
        await self._change(door, models, process, self._policy(), "taken back", RUNNING, MODELS)
        more = self._policy(Party("ml-platform-2"))
        await self._change(door, models, process, more, "key added", RUNNING, 0)

    async def _change(
        self,
        door: Cluster,
        models: Models,
        process: OperatorProcess,
        policy: Object,
        change: str,
        reason: str,
        count: int,
    ) -> None:
        """Change the policy and wait until so many models more say so, and nothing is left to do."""
        await asyncio.to_thread(process.wait_until_idle)
        before = await asyncio.to_thread(process.count, READS)
        expected, used = models.saying(reason) + count, process.cpu_seconds()
        start = perf_counter()
        await door.merge(COMPLIANCE_POLICIES, policy)
        await models.all_say(reason, expected)
        seconds = perf_counter() - start if count else 0.0
        await asyncio.to_thread(process.wait_until_idle)
        reads = await asyncio.to_thread(process.count, READS) - before
        used = process.cpu_seconds() - used
        self._found.append(Measured(self._engine, change, count, seconds, reads / MODELS, used))

    def _policy(self, *others: Party, revoked: Object | None = None, **more: Any) -> Object:  # noqa: ANN401
        trusted = self._party.authority(**({"revoked": revoked} if revoked is not None else {}))
        trust = trusting(trusted, *others, **more)
        # A merge patch leaves a list as it is that the policy does not name.
        return {
            "apiVersion": "actgate.dev/v1alpha1",
            "kind": "CompliancePolicy",
            "metadata": {"name": "signed"},
            "spec": {"evidence": {"withdrawn": [], **trust}},
        }


def _signed(name: str, party: Party) -> Object:
    made = evidence()
    made["metadata"]["name"] = name
    made["spec"] = signed({**made["spec"], "lineage": {"runId": name}}, party)
    return made


def _referring(number: int, manifest: str) -> Object:
    made = model(number)
    made["spec"]["complianceManifestRef"]["name"] = manifest
    return made
