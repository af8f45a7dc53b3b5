"""Keys that change while models are applied: no status is wrong at any moment, and little is asked for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from actgate.attestations import Verifier
from actgate.kube.client import Cluster
from actgate.kube.objects import Key, Object
from actgate.kube.reflector import Reflector
from actgate.kube.resources import MODEL_DEPLOYMENTS
from actgate.kube.store import Change
from actgate.lookup.cache import EvidenceCache
from actgate_operator.reconcile import Reconciler
from actgate_operator.status import condition_of
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import MERGE_PATCH, Rest
from tests.kube.running import until
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


class Work:
    """What an operator does for the models of one namespace; verification can be held up."""

    def __init__(self, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go = threading.Event()
        self.go.set()
        self.reconciled: list[str] = []
        self.verified: list[str] = []
        self.read_live: list[str] = []
        self._namespace = namespace
        monkeypatch.setattr(Reconciler, "reconcile", self._reconcile(Reconciler.reconcile))
        monkeypatch.setattr(Verifier, "read", self._verify(Verifier.read))
        monkeypatch.setattr(EvidenceCache, "fetch_live", self._fetch(EvidenceCache.fetch_live))

    def _reconcile(self, original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        def reconcile(reconciler: Reconciler, key: Key) -> Awaitable[Any]:
            if key[0] == self._namespace:
                self.reconciled.append(key[1])
            return original(reconciler, key)

        return reconcile

    def _verify(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def read(verifier: Verifier, items: Sequence[Any], spec: Json) -> Any:  # noqa: ANN401 - as it is
            self.go.wait()
            namespace, _, name = spec["lineage"]["runId"].partition("/")
            if namespace == self._namespace:
                self.verified.append(name)
            return original(verifier, items, spec)

        return read

    def _fetch(self, original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        def fetch_live(
            cache: EvidenceCache, namespace: str, names: Sequence[str], within: float
        ) -> Awaitable[Any]:
            if namespace == self._namespace:
                self.read_live += names
            return original(cache, namespace, names, within)

        return fetch_live


@pytest.fixture
def work(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    """What operators do for the models of the test."""
    found = Work(world.namespace, monkeypatch)
    yield found
    found.go.set()


class Witness:
    """Every state of EvidenceAccepted that a model was ever seen in, by a watch."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self.states: dict[str, list[str]] = {}

    async def watch(self, kubeconfig: Any, synced: threading.Event, stop: threading.Event) -> None:  # noqa: ANN401
        """Follow the models until `stop` is set."""
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
        # aiohttp closes its TLS connections a moment after it says so; one descriptor is the loop's own.
        selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
        await until(lambda: len(selector.get_map()) <= 1)

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
    stored = store(world, signed_spec(*parties, lineage={"runId": f"{world.namespace}/{name}"}), name)
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
    beside: RunningOperator, work: Work, world: World
) -> None:
    """No condition changes before it was tried on every manifest, nor afterwards: another key is trusted."""
    names = [f"model-{number}" for number in range(FEW)]
    with policy(world, KEPT) as trusting:
        for name in names:
            apply(world, name, KEPT)
        for name in names:
            world.wait_for("EvidenceAccepted", "True", name=name)
            _wait_for_authority(world, name, KEPT.name)
        beside.wait_until_idle()
        before = [world.live(name)["metadata"]["resourceVersion"] for name in names]
        for done in (work.reconciled, work.verified, work.read_live):
            done.clear()
        work.go.clear()
        trusting.trust(KEPT, NEW)
        wait_until(lambda: sorted(work.reconciled) == names)
        beside.wait_until_idle()
        assert (work.verified, work.read_live) == ([], [])
        work.go.set()
        wait_until(lambda: sorted(work.reconciled) == sorted(2 * names))
        beside.wait_until_idle()
        assert (sorted(work.verified), work.read_live) == (names, [])
        assert [world.live(name)["metadata"]["resourceVersion"] for name in names] == before
        stored = apply(world, "by-the-new-key", NEW)
        world.wait_for("EvidenceAccepted", "True", name="by-the-new-key")
        work.verified.clear()
        trusting.trust(KEPT, NEW, withdrawn=[digest_of(stored["spec"])])
        world.wait_for("EvidenceAccepted", "False", "EvidenceWithdrawn", name="by-the-new-key")
        assert work.verified == [], "to withdraw verifies nothing"


def test_what_is_written_beside_the_evidence_is_no_change_of_it(
    beside: RunningOperator, work: Work, world: World
) -> None:
    """A status, forged or our own, and a label: no model is reconciled, and no signature verified again."""
    with policy(world, KEPT):
        apply(world, "model", KEPT)
        world.wait_for("EvidenceAccepted", "True", name="model")
        _wait_for_authority(world, "model", KEPT.name)
        beside.wait_until_idle()
        work.reconciled.clear()
        work.verified.clear()
        path = f"{collection('ComplianceManifest', world.namespace)}/model"
        forged = {"status": {"attestations": [{"name": "training", "result": "Refused"}]}}
        for number in range(3):
            assert world.rest("PATCH", f"{path}/status", forged, MERGE_PATCH).status == 200
            _wait_for_authority(world, "model", KEPT.name)
            labels = {"metadata": {"labels": {"round": str(number)}}}
            assert world.rest("PATCH", path, labels, MERGE_PATCH).status == 200
        beside.wait_until_idle()
        assert (work.reconciled, work.verified) == ([], [])


def _wait_for_authority(world: World, manifest: str, name: str) -> None:
    path = f"{collection('ComplianceManifest', world.namespace)}/{manifest}"

    def shown() -> bool:
        (item,) = (world.rest("GET", path).body.get("status") or {}).get("attestations") or [{}]
        return bool(item.get("authority") == name)

    wait_until(shown)
