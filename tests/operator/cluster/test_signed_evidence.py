"""Keys that are rotated and revoked, and evidence that is withdrawn, while models run on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.operator.running import RunningOperator
from tests.operator.signing import digest_of, policy, signed_spec, store
from tests.operator.world import MANIFEST, MODEL, World, stamp
from tests.support.attested import COMPLIANCE_MANIFEST, Party, covered, signed
from tests.support.crds import collection
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("operator")

Json = dict[str, Any]

TRAINING, RISK, STRANGER = Party("ml-platform"), Party("model-risk"), Party("stranger")


def notes(world: World, reason: str) -> list[str]:
    """Return the texts of the Events with a reason."""
    return [event["note"] for event in world.events() if event["reason"] == reason]


def reported(world: World, name: str = MANIFEST) -> list[Json]:
    """Return what the status of a manifest shows of its attestations."""
    path = f"{collection('ComplianceManifest', world.namespace)}/{name}"
    return list((world.rest("GET", path).body.get("status") or {}).get("attestations") or ())


def running(world: World, *parties: Party, **changes: Any) -> Json:  # noqa: ANN401 - fields of a spec
    """Have a model run on evidence that these parties signed, and return the manifest."""
    stored = store(world, signed_spec(*parties, **changes))
    world.model()
    world.ready()
    return stored


def test_the_status_of_a_manifest_shows_who_signed_and_what_came_of_it(world: World) -> None:
    """By the name of the authority, the key, the time that no signer sets, and the digest to withdraw."""
    with policy(world, TRAINING) as trusting:
        stored = running(world, TRAINING)
        (shown,) = wait_until(lambda: reported(world))
        assert shown.pop("signer")
        assert shown == {
            "name": "training",
            "predicateType": COMPLIANCE_MANIFEST,
            "authority": "ml-platform",
            "signedNoLaterThan": stored["metadata"]["creationTimestamp"],
            "payloadDigest": digest_of(stored["spec"]),
            "result": "Accepted",
        }
        trusting.trust(RISK)
        wait_until(lambda: [item["result"] for item in reported(world)] == ["Refused"])
        assert "model-risk" in reported(world)[0]["reason"]
    wait_until(lambda: [item["result"] for item in reported(world)] == ["Ignored"])


def test_a_withdrawn_payload_is_noticed_and_what_runs_is_kept(world: World) -> None:
    """Conditions and an Event name the rule and the payload; taken back, all is as before."""
    with policy(world, TRAINING) as trusting:
        stored = running(world, TRAINING)
        before = world.deployment()
        trusting.trust(TRAINING, withdrawn=[digest_of(stored["spec"])])
        found = world.wait_for("EvidenceAccepted", "False", "EvidenceWithdrawn")
        world.wait_for("Ready", "False", "EvidenceWithdrawn")
        world.wait_for("Stalled", "True", "EvidenceWithdrawn")
        world.wait_for("WorkloadAvailable", "True")
        assert "evidence/withdrawn" in found["message"]
        assert digest_of(stored["spec"]) in found["message"]
        (note,) = wait_until(lambda: notes(world, "EvidenceWithdrawn"))
        assert digest_of(stored["spec"]) in note
        assert world.deployment()["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
        trusting.trust(TRAINING)
        world.wait_for("Ready", "True")
        assert world.deployment()["spec"]["template"] == before["spec"]["template"]
        wait_until(lambda: notes(world, "EvidenceRestored"))


def test_a_manifest_is_withdrawn_by_its_own_digest(world: World) -> None:
    """By that in the model's status; so evidence that no one signed can be withdrawn, too."""
    with policy(world) as trusting:
        running(world)
        digest = world.status()["verdict"]["manifest"]["digest"]
        trusting.trust(withdrawn=[digest])
        assert digest in world.wait_for("EvidenceAccepted", "False", "EvidenceWithdrawn")["message"]
        trusting.trust()
        world.wait_for("Ready", "True")


def test_a_withdrawn_payload_scales_to_zero_where_a_policy_says_so(world: World) -> None:
    """As other evidence that fails; and back when the policy is corrected."""
    with policy(world, TRAINING, onViolation="ScaleToZero") as trusting:
        stored = store(world, signed_spec(TRAINING))
        world.model(replicas=3)
        world.ready()
        trusting.trust(TRAINING, withdrawn=[digest_of(stored["spec"])])
        wait_until(lambda: world.deployment()["spec"]["replicas"] == 0)
        world.workloads.available(MODEL)
        world.wait_for("WorkloadAvailable", "False", "ScaledToZero")
        world.wait_for("Ready", "False", "EvidenceWithdrawn")
        trusting.trust(TRAINING)
        wait_until(lambda: world.deployment()["spec"]["replicas"] == 3)
        world.ready()


def test_a_withdrawn_payload_concerns_no_other_evidence(world: World) -> None:
    """Models on other evidence, signed with the same key, stay what they are."""
    with policy(world, TRAINING) as trusting:
        stored = running(world, TRAINING)
        store(world, signed_spec(TRAINING, lineage={"runId": "another"}), "another")
        world.model("apart", complianceManifestRef={"name": "another"})
        world.wait_for("EvidenceAccepted", "True", name="apart")
        trusting.trust(TRAINING, withdrawn=[digest_of(stored["spec"])])
        world.wait_for("EvidenceAccepted", "False", "EvidenceWithdrawn")
        trusting.trust(TRAINING)
        world.wait_for("EvidenceAccepted", "True")
        assert {event["regarding"]["name"] for event in world.events()} == {MODEL}


def test_a_revoked_key_is_noticed_and_the_message_says_who_would_have_to_sign(world: World) -> None:
    """The reason differs from that of evidence that fails by its content."""
    with policy(world, TRAINING) as trusting:
        running(world, TRAINING)
        revoked = {"at": "2026-01-01T00:00:00Z", "reason": "Compromised"}
        trusting.trust(TRAINING.authority(revoked=revoked))
        found = world.wait_for("EvidenceAccepted", "False", "EvidenceNotTrusted")
        world.wait_for("WorkloadAvailable", "True")
        assert "evidence/authority" in found["message"]
        assert "Compromised" in found["message"]
        (note,) = wait_until(lambda: notes(world, "EvidenceNotTrusted"))
        assert "ml-platform" in note
        trusting.trust(TRAINING)
        world.wait_for("Ready", "True")


def test_a_key_that_is_revoked_from_now_on_keeps_what_it_signed_before(
    operator: RunningOperator, world: World
) -> None:
    """The object was there before: its creation time, which no client sets, is the time of the signature."""
    with policy(world, TRAINING) as trusting:
        running(world, TRAINING)
        tomorrow = stamp(datetime.now(UTC) + timedelta(days=1))
        trusting.trust(TRAINING.authority(revoked={"at": tomorrow, "reason": "Rotated"}), RISK)
        store(world, signed_spec(RISK), "by-the-new-key")
        world.model("new", complianceManifestRef={"name": "by-the-new-key"})
        world.wait_for("EvidenceAccepted", "True", name="new")
        operator.wait_until_idle()
        assert world.condition("EvidenceAccepted")["status"] == "True"
        past = stamp(datetime.now(UTC) - timedelta(days=1))
        trusting.trust(TRAINING.authority(revoked={"at": past, "reason": "Rotated"}), RISK)
        world.wait_for("EvidenceAccepted", "False", "EvidenceNotTrusted")
        assert world.condition("EvidenceAccepted", "new")["status"] == "True"


def test_a_period_of_a_key_is_compared_with_the_time_of_the_object(
    operator: RunningOperator, world: World
) -> None:
    """So its end changes nothing for what was signed before, and no deadline is set for it."""
    end = datetime.now(UTC) + timedelta(hours=1)
    with policy(world, TRAINING) as trusting:
        running(world, TRAINING)
        trusting.trust(RISK, TRAINING.authority(validFor={"end": stamp(end)}))
        store(world, signed_spec(RISK), "another")
        world.model("another", complianceManifestRef={"name": "another"})
        world.wait_for("EvidenceAccepted", "True", name="another")
        operator.wait_until_idle()
        assert world.condition("EvidenceAccepted")["status"] == "True"
        assert world.status()["verdict"].get("validUntil") != stamp(end)
        trusting.trust(TRAINING.authority(validFor={"end": "2026-01-01T00:00:00Z"}))
        found = world.wait_for("EvidenceAccepted", "False", "EvidenceNotTrusted")
        assert "2026-01-01T00:00:00Z" in found["message"]


def test_a_key_is_rotated_while_a_model_runs(world: World) -> None:
    """Both keys are trusted for a while: the model is accepted all the time, on the same evidence."""
    with policy(world, TRAINING) as trusting:
        stored = running(world, TRAINING)
        before = world.deployment()
        since = world.condition("EvidenceAccepted")["lastTransitionTime"]
        trusting.trust(TRAINING, RISK)
        store(world, signed(covered(stored["spec"]), RISK), "by-the-new-key")
        world.change({"complianceManifestRef": {"name": "by-the-new-key"}})
        wait_until(lambda: world.status()["verdict"]["manifest"]["name"] == "by-the-new-key")
        trusting.trust(RISK)
        wait_until(
            lambda: [item["authority"] for item in reported(world, "by-the-new-key")] == ["model-risk"]
        )
        world.ready()
        assert world.condition("EvidenceAccepted")["lastTransitionTime"] == since
        assert {"EvidenceNotTrusted", "EvidenceRejected", "ManifestNotFound"}.isdisjoint(world.reasons())
        after = world.deployment()["spec"]["template"]["metadata"]["annotations"]
        former = before["spec"]["template"]["metadata"]["annotations"]
        assert after["actgate.dev/manifest-digest"] == former["actgate.dev/manifest-digest"]


def test_a_new_signature_restarts_no_pod(world: World) -> None:
    """Another object with the same evidence, under the same name: the template stays as it is."""
    with policy(world, TRAINING, RISK):
        stored = running(world, TRAINING)
        before, digest = world.deployment(), world.status()["verdict"]["manifest"]["digest"]
        world.delete("ComplianceManifest", MANIFEST)
        world.wait_for("Ready", "False", "ManifestNotFound")
        again = store(world, signed(covered(stored["spec"]), RISK))
        world.wait_for("Ready", "True")
        judged = world.status()["verdict"]["manifest"]
        assert judged == {"name": MANIFEST, "uid": again["metadata"]["uid"], "digest": digest}
        after = world.deployment()
        assert after["spec"]["template"] == before["spec"]["template"]
        assert after["metadata"]["generation"] == before["metadata"]["generation"]


def test_without_its_policy_the_baseline_applies(world: World) -> None:
    """Which asks for no signature; with the policy again, it is asked for."""
    with policy(world, TRAINING) as trusting:
        store(world, signed_spec(STRANGER))
        world.model()
        world.wait_for("EvidenceAccepted", "False", "EvidenceNotTrusted")
        assert world.child("deployments") is None
        trusting.delete()
        world.wait_for("EvidenceAccepted", "True")
        assert world.status()["verdict"]["policies"] == ["baseline"]
    with policy(world, TRAINING):
        world.wait_for("EvidenceAccepted", "False", "EvidenceNotTrusted")
