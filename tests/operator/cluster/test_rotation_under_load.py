"""Keys that change while models are applied: no status is wrong at any moment, and little is asked for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from actgate.attestations import Verifier
from actgate.kube.client import Cluster
from actgate.kube.objects import Object
from actgate.kube.reflector import Reflector
from actgate.kube.resources import MODEL_DEPLOYMENTS
from actgate.kube.store import Change
from actgate_operator.status import condition_of
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import MERGE_PATCH, Rest
from tests.operator.running import RunningOperator, operating
from tests.operator.signing import digest_of, policy, signed_spec, store
from tests.operator.world import World
from tests.support.attested import Party
from tests.support.crds import collection
from tests.support.waiting import wait_until

Json = dict[str, Any]

KEPT, OLD, NEW, STRANGER = (Party(name) for name in ("kept", "old", "new", "stranger"))
FEW, MANY = 6, 12


@pytest.fixture
def beside(control_plane: ControlPlane, installed: Rest) -> Iterator[RunningOperator]:
    """An operator that works while a test runs, with as many workers as it has by default."""
    assert installed is not None
    with operating(control_plane.kubeconfig, workers=16) as running:
        yield running


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> Iterator[Verifications]:
    """Every reading of attestations, which can be held up."""
    found = Verifications(Verifier.read)
    monkeypatch.setattr(Verifier, "read", lambda *args: found.read(*args))
    yield found
    found.go.set()


class Verifications:
    """Counts how often the attestations of a manifest are read, and holds that up."""

    def __init__(self, read: Callable[..., Any]) -> None:
        self._read = read
        self.go = threading.Event()
        self.go.set()
        self.count = 0

    def read(self, *args: Any) -> Any:  # noqa: ANN401 - as it is
        """Read once it may go on."""
        self.go.wait()
        self.count += 1
        return self._read(*args)


class Witness:
    """Every state of EvidenceAccepted that a model was ever seen in, by a watch."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self.states: dict[str, list[str]] = {}

    async def watch(self, kubeconfig: Any, synced: threading.Event, stop: threading.Event) -> None:  # noqa: ANN401
        """Follow the models until told to stop."""
        async with Cluster.from_environment(kubeconfig) as cluster:
            reflector = Reflector(
                cluster, MODEL_DEPLOYMENTS, _evidence_of, self._note, namespace=self._namespace
            )
            task = asyncio.create_task(reflector.run())
            await reflector.synced.wait()
            synced.set()
            await asyncio.to_thread(stop.wait)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        # aiohttp closes its TLS connections a moment after it says so.
        await asyncio.sleep(0.25)

    def _note(self, change: Change[str]) -> None:
        if isinstance(change.new, str) and change.new:
            self.states.setdefault(change.key[1], []).append(change.new)


def _evidence_of(model: Object) -> str:
    return str(condition_of(model.get("status") or {}, "EvidenceAccepted").get("status", ""))


@contextmanager
def witnessing(plane: ControlPlane, namespace: str) -> Iterator[Witness]:
    """Have a witness while the block runs."""
    witness, synced, stop = Witness(namespace), threading.Event(), threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(witness.watch(plane.kubeconfig, synced, stop)), name="witness"
    )
    thread.start()
    try:
        synced.wait()
        yield witness
    finally:
        stop.set()
        thread.join()


def apply(world: World, name: str, *parties: Party) -> Json:
    """Apply evidence and the model that refers to it."""
    stored = store(world, signed_spec(*parties, lineage={"runId": name}), name)
    world.model(name, complianceManifestRef={"name": name})
    return stored


@pytest.mark.usefixtures("beside")
def test_no_status_is_wrong_while_keys_rotate_and_models_are_applied(
    control_plane: ControlPlane, world: World
) -> None:
    """One key is trusted throughout, one never, and others come and go while models are applied.

    What the kept key signed, alone or beside another one, is accepted at every moment; what the stranger
    signed is so at none.
    """
    others = [(), (OLD,), (OLD, NEW), (NEW,)]
    with policy(world, KEPT) as trusting, witnessing(control_plane, world.namespace) as witness:
        applied = threading.Event()

        def rotate() -> None:
            rounds = 0
            while not applied.is_set():
                trusting.trust(KEPT, *others[rounds % len(others)], *(Party("more"),) * (rounds % 3 == 0))
                rounds += 1

        rotation = threading.Thread(target=rotate, name="rotation")
        rotation.start()
        try:
            for number in range(MANY):
                apply(world, f"kept-{number}", KEPT)
                apply(world, f"both-{number}", OLD, KEPT)
                apply(world, f"stranger-{number}", STRANGER)
            names = {f"{kind}-{number}" for kind in ("kept", "both", "stranger") for number in range(MANY)}
            wait_until(lambda: witness.states.keys() >= names)
        finally:
            applied.set()
            rotation.join()
    for name, states in witness.states.items():
        expected = "False" if name.startswith("stranger") else "True"
        assert {*states} == {expected}, (name, states)


@pytest.mark.usefixtures("beside")
def test_evidence_that_each_key_signed_is_accepted_while_every_key_is_replaced(
    control_plane: ControlPlane, world: World
) -> None:
    """The policy trusts one key at a time, each new to the operator: nothing flips."""
    parties = [Party(f"key-{number}") for number in range(FEW)]
    with policy(world, parties[0]) as trusting, witnessing(control_plane, world.namespace) as witness:
        for number in range(FEW):
            apply(world, f"model-{number}", *parties)
        for number in range(FEW):
            world.wait_for("EvidenceAccepted", "True", name=f"model-{number}")
        for party in parties[1:]:
            trusting.trust(party)
            _wait_for_authority(world, "model-0", party.name)
    assert {state for states in witness.states.values() for state in states} == {"True"}


def test_a_new_key_is_tried_once_and_nothing_is_asked_live_meanwhile(
    beside: RunningOperator, verified: Verifications, world: World
) -> None:
    """No condition changes before it was tried on every manifest, nor afterwards: another key is trusted."""
    with policy(world, KEPT) as trusting:
        for number in range(FEW):
            apply(world, f"model-{number}", KEPT)
        for number in range(FEW):
            world.wait_for("EvidenceAccepted", "True", name=f"model-{number}")
        beside.settle()
        before = [world.live(f"model-{number}")["metadata"]["resourceVersion"] for number in range(FEW)]
        reads, live, read = looks(beside), live_reads(beside), verified.count
        verified.go.clear()
        trusting.trust(KEPT, NEW)
        wait_until(lambda: looks(beside) >= reads + FEW)
        beside.settle()
        assert live_reads(beside) == live
        verified.go.set()
        wait_until(lambda: looks(beside) >= reads + 2 * FEW)
        beside.settle()
        assert verified.count == read + FEW
        assert live_reads(beside) == live
        after = [world.live(f"model-{number}")["metadata"]["resourceVersion"] for number in range(FEW)]
        assert after == before, "nothing was written"
        stored = apply(world, "by-the-new-key", NEW)
        world.wait_for("EvidenceAccepted", "True", name="by-the-new-key")
        trusting.trust(KEPT, NEW, withdrawn=[digest_of(stored["spec"])])
        world.wait_for("EvidenceAccepted", "False", "EvidenceWithdrawn", name="by-the-new-key")
        assert verified.count == read + FEW + 1, "to withdraw verifies nothing"


def test_what_is_written_beside_the_evidence_is_no_change_of_it(
    beside: RunningOperator, verified: Verifications, world: World
) -> None:
    """A status, forged or our own, and a label: no model is reconciled, and no signature verified again."""
    with policy(world, KEPT):
        apply(world, "model", KEPT)
        world.wait_for("EvidenceAccepted", "True", name="model")
        path = f"{collection('ComplianceManifest', world.namespace)}/model"

        def shown() -> list[str]:
            status = world.rest("GET", path).body.get("status") or {}
            return [item["result"] for item in status.get("attestations") or ()]

        wait_until(lambda: shown() == ["Accepted"])
        beside.settle()
        reads, writes, read = looks(beside), len(beside.writes("compliancemanifests")), verified.count
        forged = {"status": {"attestations": [{"name": "training", "result": "Refused"}]}}
        for number in range(3):
            assert world.rest("PATCH", f"{path}/status", forged, MERGE_PATCH).status == 200
            wait_until(lambda: shown() == ["Accepted"])
            labels = {"metadata": {"labels": {"round": str(number)}}}
            assert world.rest("PATCH", path, labels, MERGE_PATCH).status == 200
        beside.settle()
        assert (looks(beside), verified.count) == (reads, read)
        assert len(beside.writes("compliancemanifests")) == writes + 3


def _wait_for_authority(world: World, manifest: str, name: str) -> None:
    path = f"{collection('ComplianceManifest', world.namespace)}/{manifest}"

    def shown() -> bool:
        (item,) = (world.rest("GET", path).body.get("status") or {}).get("attestations") or [{}]
        return bool(item.get("authority") == name)

    wait_until(shown)


def looks(running: RunningOperator) -> int:
    """Return how often a model was read."""
    return _count(running, "get", "modeldeployments")


def live_reads(running: RunningOperator) -> int:
    """Return how often a manifest was read live."""
    return _count(running, "get", "compliancemanifests")


def _count(running: RunningOperator, verb: str, resource: str) -> int:
    return sum((item.verb, item.resource) == (verb, resource) for item in running.requests)
