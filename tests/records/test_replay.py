"""A recorded decision is derived again from what was kept, or it is reported that it cannot be."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest

from actgate.decision import Verdict
from actgate.decision.attestation import Assessment, Result
from actgate.manifests import policy_or_strictest, read_policy
from actgate.records.chain import decision_fields
from actgate.records.record import Outcome
from actgate.records.replay import Kept, Replayed, replay
from actgate.records.replay import Result as Replay
from tests.records.build import recorded
from tests.records.deciding import HOUSE, MANIFEST, OBJECT, UNFAIR, Json, decided
from tests.support.attested import MODEL, Party, evidence, payload_digest, signed, trusting
from tests.webhook.build import manifest_object, model_deployment

TRAINING = Party("training")


def again(line: Json, *documents: Json) -> Replayed:
    """Derive a line again from some documents."""
    return replay(line, Kept(documents))


@pytest.mark.parametrize("manifest", [MANIFEST, UNFAIR, None])
def test_a_decision_is_reproduced_from_what_it_was_made_of(manifest: Json | None) -> None:
    """Passes and refusals, and one for want of evidence."""
    line = decided(manifest)
    assert line["outcome"] == ("Pass" if manifest is MANIFEST else "Fail")
    kept = [OBJECT] if manifest is None else [OBJECT, manifest]
    assert again(line, *kept) == (Replay.REPRODUCED, ())


def test_the_time_of_the_line_is_the_present() -> None:
    """Evidence that has expired since had not then."""
    house = read_policy(HOUSE)
    line = decided(UNFAIR, (house,))
    assert "evidence/age" not in {item["rule"] for item in line["rules"]}
    late = {**line, "time": "2030-01-01T00:00:00.000000Z"}
    assert again(line, OBJECT, UNFAIR, HOUSE).result is Replay.REPRODUCED
    result, reasons = again(late, OBJECT, UNFAIR, HOUSE)
    assert result is Replay.DIFFERS
    assert reasons == ("found now, and not recorded: evidence/age=Deny at spec.training.finishedAt",)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("outcome", "Pass", "the outcome was Pass, and is Fail"),
        ("rules", [], "found now, and not recorded: bias/limit=Deny at spec.bias[0].value"),
    ],
)
def test_a_decision_that_does_not_follow_is_named_finding_by_finding(
    field: str, value: object, reason: str
) -> None:
    """Who wrote the whole log anew cannot make its decisions follow from the evidence."""
    result, reasons = again({**decided(UNFAIR), field: value}, OBJECT, UNFAIR)
    assert result is Replay.DIFFERS
    assert reason in reasons


def test_a_finding_that_is_not_there_is_named_with_its_field_and_effect() -> None:
    """Each rule that was recorded, with effect and path."""
    line = decided()
    line["rules"] = [{"rule": "bias/limit", "outcome": "Deny", "basis": "x", "path": "spec.bias[7].value"}]
    assert again(line, OBJECT, MANIFEST).reasons == (
        "recorded, and not found now: bias/limit=Deny at spec.bias[7].value",
    )


_OTHER_OBJECT = {**OBJECT, "spec": {**OBJECT["spec"], "replicas": 3}}
_STRICTER = {**HOUSE, "spec": {"bias": {"maxDifference": 0.01}}}


@pytest.mark.parametrize(
    ("documents", "missing"),
    [
        ([MANIFEST, HOUSE], "ModelDeployment credit/scorer with digest sha256:"),
        ([_OTHER_OBJECT, MANIFEST, HOUSE], "ModelDeployment credit/scorer with digest sha256:"),
        ([OBJECT, HOUSE], "ComplianceManifest credit/credit-risk-scorer-v2 with digest sha256:"),
        ([OBJECT, UNFAIR, HOUSE], "ComplianceManifest credit/credit-risk-scorer-v2 with digest sha256:"),
        ([OBJECT, manifest_object(namespace="other"), HOUSE], "ComplianceManifest credit/"),
        ([OBJECT, MANIFEST], "CompliancePolicy house with digest sha256:"),
        ([OBJECT, MANIFEST, _STRICTER], "CompliancePolicy house with digest sha256:"),
    ],
)
def test_only_the_very_same_input_counts(documents: list[Json], missing: str) -> None:
    """Another version of object, manifest or policy proves nothing: what is missing is named."""
    result, (reason,) = again(decided(policies=(read_policy(HOUSE),)), *documents)
    assert result is Replay.NOT_REPLAYED
    assert reason.startswith(missing)
    assert reason.endswith("is not there")


def test_every_version_may_be_kept_beside_the_others() -> None:
    """A folder that is added to for years: each line finds what it was decided on."""
    house = read_policy(HOUSE)
    lines = [decided(MANIFEST, (house,)), decided(UNFAIR, (read_policy(_STRICTER),))]
    kept = Kept([OBJECT, _OTHER_OBJECT, MANIFEST, UNFAIR, HOUSE, _STRICTER])
    assert [replay(line, kept).result for line in lines] == [Replay.REPRODUCED] * 2


def test_an_object_is_found_as_kubectl_shows_it() -> None:
    """What the API server adds when it stores it is in no decision: version, status, managed fields."""
    fresh = copy.deepcopy(OBJECT)
    del fresh["metadata"]["resourceVersion"]
    stored = {**copy.deepcopy(OBJECT), "status": {"observedGeneration": 1}}
    stored["metadata"] |= {"resourceVersion": "99", "managedFields": [{"manager": "kubectl"}]}
    assert again(decided(obj=fresh), stored, MANIFEST).result is Replay.REPRODUCED


def test_a_policy_that_could_not_be_read_is_replaced_as_it_was_then() -> None:
    """The strictest in its place judged, and judges again."""
    broken = {**HOUSE, "spec": {"enforcement": "Ignore"}}
    line = decided(UNFAIR, (policy_or_strictest(broken),))
    assert again(line, OBJECT, UNFAIR, broken).result is Replay.REPRODUCED
    assert again(line, OBJECT, UNFAIR, HOUSE).result is Replay.NOT_REPLAYED


@pytest.mark.parametrize("document", [{"kind": "CompliancePolicy"}, {"kind": "ComplianceManifest"}, {}])
def test_a_document_without_a_name_is_nothing_that_was_decided_on(document: Json) -> None:
    """It is passed over: no line can mean it."""
    assert again(decided(), document, OBJECT, MANIFEST).result is Replay.REPRODUCED


def test_lines_of_versions_before_the_digests_of_policies_are_replayed_by_name() -> None:
    """Where the name is clear; several versions of a policy are not."""
    line = decided(MANIFEST, (read_policy(HOUSE),))
    del line["policy_digests"]
    assert again(line, OBJECT, MANIFEST, HOUSE).result is Replay.REPRODUCED
    assert again(line, OBJECT, MANIFEST, HOUSE, _STRICTER).reasons == (
        "there are several versions of CompliancePolicy house: keep the one of then",
    )
    baseline = decided()
    del baseline["policy_digests"]
    assert again(baseline, OBJECT, MANIFEST).result is Replay.REPRODUCED


def test_another_ruleset_is_not_derived_again() -> None:
    """Rules change; what others decided is not a difference."""
    result, (reason,) = again({**decided(), "ruleset": "2020-01"}, OBJECT, MANIFEST)
    assert result is Replay.NOT_REPLAYED
    assert reason.startswith("it was decided by ruleset 2020-01, and this is ")


@pytest.mark.parametrize("outcome", [Outcome.UNAVAILABLE, Outcome.MALFORMED, Outcome.ERROR, Outcome.WARN])
def test_without_a_verdict_there_is_nothing_to_derive(outcome: Outcome) -> None:
    """The line says why there was none."""
    assert again(decision_fields(recorded(outcome, reason="connection refused"))) == (Replay.NO_VERDICT, ())


@pytest.mark.parametrize(
    "damage", [{"object": 7}, {"policies": None}, {"rules": 7}, {"time": "x"}, {"manifest": 7}]
)
def test_a_line_of_another_shape_is_not_replayed(damage: Json) -> None:
    """The proof of the chain says that it was changed; here it claims nothing."""
    result, reasons = again({**decided(), **damage}, OBJECT, MANIFEST)
    assert (result, reasons) == (Replay.NOT_REPLAYED, ("the line is not as the webhook writes it",))


ATTESTED = {**MANIFEST, "spec": signed(evidence(), TRAINING)}
ATTESTED["metadata"] = {**MANIFEST["metadata"], "creationTimestamp": "2026-11-02T10:00:00Z"}
TRUSTING = {**HOUSE, "spec": {"evidence": trusting(TRAINING)}}
ASSESSED = model_deployment(model={"name": "CreditRiskScorer", "version": "2", "digest": MODEL})


def accepting(authority: str) -> Callable[[Verdict], Verdict]:
    """Return what makes a verdict accept the attestation as one of an authority."""
    item = ATTESTED["spec"]["attestations"][0]
    found = Assessment("training", "t", payload_digest(item), Result.ACCEPTED, authority, TRAINING.anchor)
    return lambda verdict: replace(verdict, attestations=((MANIFEST["metadata"]["name"], found),))


def test_signatures_are_verified_again_at_the_time_of_then() -> None:
    """With the keys of the recorded policies, and the creation time that the line states, not the file."""
    policies = (read_policy(TRUSTING),)
    line = decided(ATTESTED, policies, obj=ASSESSED)
    assert line["manifest"]["created_at"] == "2026-11-02T10:00:00Z"
    moved = {**ATTESTED, "metadata": {**ATTESTED["metadata"], "creationTimestamp": "1999-01-01T00:00:00Z"}}
    for kept in (ATTESTED, moved):
        assert again(line, ASSESSED, kept, TRUSTING) == (Replay.REPRODUCED, ())


def test_an_attestation_that_was_not_accepted_is_a_difference() -> None:
    """No party is recorded as the signer of what it did not sign."""
    line = decided(ATTESTED, (read_policy(TRUSTING),), obj=ASSESSED, alter=accepting("compliance-office"))
    result, reasons = again(line, ASSESSED, ATTESTED, TRUSTING)
    assert result is Replay.DIFFERS
    assert any(
        reason.startswith("recorded, and not found now: attestation training of credit-risk-scorer-v2")
        for reason in reasons
    )


def test_of_two_manifests_with_one_digest_the_one_with_the_recorded_uid_counts() -> None:
    """The same evidence with other signatures is another object."""
    line = decided(ATTESTED, (read_policy(TRUSTING),), obj=ASSESSED)
    unsigned = {**ATTESTED, "spec": evidence(), "metadata": {**ATTESTED["metadata"], "uid": "another"}}
    for documents in ([unsigned, ATTESTED], [ATTESTED, unsigned]):
        assert again(line, ASSESSED, *documents, TRUSTING).result is Replay.REPRODUCED
