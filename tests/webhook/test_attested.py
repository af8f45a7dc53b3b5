"""Signed evidence through the API server, and what becomes of it when keys and policies change."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import MERGE_PATCH, Reply, Rest, install_crds
from tests.cli.support import actgate, write
from tests.support import crds
from tests.support.attested import COMPLIANCE_MANIFEST as WHOLE
from tests.support.attested import (
    MODEL,
    Party,
    evidence,
    payload_digest,
    required,
    signed,
    trusting,
)
from tests.support.waiting import wait_until
from tests.webhook.build import Json, manifest_object, model_deployment
from tests.webhook.guarding import CRDS, Guarded, registered
from tests.webhook.process import running

OLD, NEW, STRANGER = Party("old"), Party("new"), Party("stranger")


class House:
    """A policy for one namespace, whose part about evidence a test changes."""

    def __init__(self, rest: Rest, namespace: str) -> None:
        self._rest = rest
        self.name = f"house-{namespace}"
        self._selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}

    def ask(self, **evidence_policy: object) -> None:
        """Have the policy ask for this, and for nothing that it asked before."""
        spec = {"namespaceSelector": self._selector, "evidence": evidence_policy}
        path = f"{crds.collection('CompliancePolicy')}/{self.name}"
        known = self._rest("GET", path)
        if known.status == 404:
            reply = crds.create(self._rest, "CompliancePolicy", self.name, spec)
        else:
            reply = self._rest("PUT", path, {**known.body, "spec": spec})
        assert reply.status < 300, reply

    def delete(self) -> None:
        """Delete the policy."""
        self._rest("DELETE", f"{crds.collection('CompliancePolicy')}/{self.name}")


@pytest.fixture
def house(guarded: Guarded, rest: Rest) -> Iterator[House]:
    """A policy of the guarded namespace, which does not exist yet."""
    policy = House(rest, guarded.namespace)
    yield policy
    policy.delete()


def attested(name: str, *parties: Party, **changed: object) -> Json:
    """Return a manifest that these parties signed, and of which fields were changed afterwards."""
    return {**manifest_object(name), "spec": {**signed(evidence(), *parties), **changed}}


def model(manifest: str) -> Json:
    """Return a model that a manifest of that name speaks of."""
    named = {"name": "CreditRiskScorer", "version": "2", "digest": MODEL}
    obj = model_deployment(model=named, complianceManifestRef={"name": manifest})
    return {**obj, "metadata": {"name": f"of-{manifest}"}}


def asked(place: Guarded, manifest: str) -> Reply:
    """Ask whether that model may be created."""
    return place.create(model(manifest), dryRun="All")


def refused(place: Guarded, manifest: str, rule: str) -> bool:
    """Return whether that model is refused for a reason."""
    reply = asked(place, manifest)
    assert reply.status in (201, 403), reply
    return reply.status == 403 and rule in reply.message


def allowed(place: Guarded, manifest: str) -> bool:
    """Return whether that model is allowed."""
    reply = asked(place, manifest)
    assert reply.status in (201, 403), reply
    return reply.status == 201


class Asking:
    """Asks about one model again and again, in a thread of its own."""

    def __init__(self, place: Guarded, manifest: str) -> None:
        self._place = place
        self._manifest = manifest
        self.answers: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.answers.append(asked(self._place, self._manifest).status)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> list[int]:
        """End, and return the answers, each of a run of equal ones once."""
        self._stop.set()
        self._thread.join(60)
        return [now for now, before in zip(self.answers, [0, *self.answers], strict=False) if now != before]


@contextmanager
def asking(place: Guarded, *manifests: str) -> Iterator[dict[str, Asking]]:
    """Ask about some models all the time."""
    every = {name: Asking(place, name) for name in manifests}
    for one in every.values():
        one.start()
    wait_until(lambda: all(one.answers for one in every.values()))
    try:
        yield every
    finally:
        for one in every.values():
            one.stop()


@pytest.mark.parametrize(
    ("manifest", "rule"),
    [
        (attested("signed", OLD), None),
        (attested("stranger", STRANGER), "evidence/authority"),
        ({**manifest_object("unsigned"), "spec": evidence()}, "evidence/signers"),
        (attested("edited", OLD, riskCategory="MinimalRisk"), "evidence/mismatch"),
        (attested("elsewhere", OLD, model={"name": "CreditRiskScorer", "version": "2"}), "evidence/mismatch"),
    ],
)
def test_what_a_policy_trusts_is_let_in(
    guarded: Guarded, house: House, manifest: Json, rule: str | None
) -> None:
    """And nothing else, with the rule that says why."""
    name = manifest["metadata"]["name"]
    house.ask(**trusting(OLD))
    assert guarded.create(manifest).status == 201
    if rule is None:
        wait_until(lambda: allowed(guarded, name))
    else:
        wait_until(lambda: refused(guarded, name, rule))


def test_keys_are_rotated_under_load_without_a_wrong_answer(guarded: Guarded, house: House) -> None:
    """Old and new key overlap: what both signed is always allowed, and each other answer changes once.

    No answer is "unavailable": while signatures are tried with a new key, evidence is read live.
    """
    house.ask(**trusting(OLD))
    for name, parties in (("by-old", [OLD]), ("by-new", [NEW]), ("by-both", [OLD, NEW])):
        assert guarded.create(attested(name, *parties)).status == 201
    wait_until(lambda: allowed(guarded, "by-old"))
    wait_until(lambda: refused(guarded, "by-new", "evidence/authority"))
    with asking(guarded, "by-old", "by-new", "by-both") as every:
        house.ask(**trusting(OLD, NEW))
        wait_until(lambda: every["by-new"].answers[-1:] == [201])
        seen = len(every["by-old"].answers)
        wait_until(lambda: len(every["by-old"].answers) > seen + 10)
        house.ask(**trusting(NEW))
        wait_until(lambda: every["by-old"].answers[-1:] == [403])
        answers = {name: one.stop() for name, one in every.items()}
    assert answers == {"by-old": [201, 403], "by-new": [403, 201], "by-both": [201]}


def test_a_key_that_is_trusted_again_counts_again(guarded: Guarded, house: House) -> None:
    """Removed and added: signatures were tried with it, even if another policy trusted it meanwhile."""
    house.ask(**trusting(OLD, NEW))
    assert guarded.create(attested("evidence", OLD)).status == 201
    wait_until(lambda: allowed(guarded, "evidence"))
    for _ in range(2):
        house.ask(**trusting(NEW))
        wait_until(lambda: refused(guarded, "evidence", "evidence/authority"))
        house.ask(**trusting(OLD))
        wait_until(lambda: allowed(guarded, "evidence"))


def test_withdrawn_evidence_is_refused(guarded: Guarded, house: House) -> None:
    """By the digest of the payload or of the manifest, under load, with one change of each answer."""
    manifest = attested("withdrawn", OLD)
    digest = payload_digest(manifest["spec"]["attestations"][0])
    house.ask(**trusting(OLD))
    for obj in (manifest, attested("other", OLD, NEW, lineage={"runId": "7"})):
        assert guarded.create(obj).status == 201
    wait_until(lambda: allowed(guarded, "withdrawn"))
    with asking(guarded, "withdrawn") as every:
        house.ask(**trusting(OLD, withdrawn=[digest]))
        wait_until(lambda: every["withdrawn"].answers[-1:] == [403])
        house.ask(**trusting(OLD))
        wait_until(lambda: every["withdrawn"].answers[-1:] == [201])
        assert every["withdrawn"].stop() == [201, 403, 201]
    assert refused(guarded, "other", "evidence/mismatch")


@pytest.mark.parametrize(("at", "counts"), [("2020-01-01T00:00:00Z", False), ("2100-01-01T00:00:00Z", True)])
def test_a_revoked_key_counts_for_what_the_api_server_stored_before(
    guarded: Guarded, house: House, at: str, counts: bool
) -> None:
    """The time of creation is the API server's own; no client can set it."""
    house.ask(**trusting(OLD))
    manifest = attested("evidence", OLD)
    manifest["metadata"]["creationTimestamp"] = "2019-01-01T00:00:00Z"
    assert guarded.create(manifest).status == 201
    wait_until(lambda: allowed(guarded, "evidence"))
    revoked = OLD.authority(revoked={"at": at, "reason": "Compromised"})
    # A second requirement shows when the policy has arrived.
    house.ask(**trusting(revoked, NEW, require=[required(WHOLE, OLD)], withdrawn=[f"sha256:{'0' * 64}"]))
    if counts:
        assert all(allowed(guarded, "evidence") for _ in range(20))
    else:
        wait_until(lambda: refused(guarded, "evidence", "evidence/authority"))


def test_a_status_write_changes_no_answer(guarded: Guarded, house: House) -> None:
    """A forged status is no evidence, and the operator's own is none."""
    house.ask(**trusting(OLD))
    assert guarded.create(attested("stranger", STRANGER)).status == 201
    accepted = {"name": "training", "result": "Accepted", "authority": "old"}
    path = f"{crds.collection('ComplianceManifest', guarded.namespace)}/stranger/status"
    status = {"status": {"attestations": [accepted]}}
    assert guarded.rest("PATCH", path, status, MERGE_PATCH).status == 200
    wait_until(lambda: refused(guarded, "stranger", "evidence/authority"))


def test_recorded_decisions_are_derived_again_from_what_the_cluster_has(
    control_plane: ControlPlane, rest: Rest, namespace: str, tmp_path: Path
) -> None:
    """From the log of a webhook and what kubectl shows; other signatures make it another decision."""
    install_crds(rest, CRDS)
    log, place, policy = tmp_path / "decisions.log", Guarded(rest, namespace), House(rest, namespace)
    policy.ask(**trusting(OLD))
    for name, party in (("by-old", OLD), ("by-stranger", STRANGER)):
        assert place.create(attested(name, party)).status == 201
    flags = ("--decision-log", str(log), "--shutdown-delay-duration", "0s", "--shutdown-timeout", "1s")
    with running(tmp_path / "webhook", control_plane.kubeconfig, *flags) as webhook:
        webhook.wait_until_ready()
        with registered(rest, namespace, webhook.port, webhook.authority.certificate):
            wait_until(lambda: refused(place, "by-stranger", "evidence/authority"))
            assert place.create(model("by-old")).status == 201
            assert place.create(model("by-stranger")).status == 403
        webhook.signal()
        webhook.exit_code()
    kept = tmp_path / "kept"
    kept.mkdir()
    shown = [
        rest("GET", f"{place.collection('ModelDeployment')}/of-by-old").body,
        rest("GET", f"{place.collection('ComplianceManifest')}/by-old").body,
        rest("GET", f"{place.collection('ComplianceManifest')}/by-stranger").body,
        rest("GET", f"{crds.collection('CompliancePolicy')}/{policy.name}").body,
    ]
    policy.delete()
    write(kept / "cluster.yaml", *shown)
    done = actgate("log", "verify", str(log), "--replay", str(kept))
    assert done.returncode == 0, done.stdout + done.stderr
    # The refused object was never stored, so the cluster cannot show it.
    assert "not replayed: ModelDeployment " in done.stdout
    assert done.stdout.endswith("REPLAYED: 1 decision reproduced, 1 not replayed\n")
    forged = [
        {**item, "spec": attested("x", NEW)["spec"]} if "by-old" in str(item["metadata"]) else item
        for item in shown
    ]
    write(kept / "cluster.yaml", *[shown[0], *forged[1:]])
    differs = actgate("log", "verify", str(log), "--replay", str(kept))
    assert differs.returncode == 1, differs.stdout
    assert (
        "recorded, and not found now: attestation training of by-old, accepted as signed by old"
        in differs.stdout
    )
