"""What status, records and the command line say of each attestation."""

from __future__ import annotations

from typing import Any

import pytest

from actgate.api.predicates import BIAS_AUDIT, COMPLIANCE_MANIFEST
from actgate.decision import BASELINE, Policy
from actgate.decision.attestation import Assessment, Attestation, Result
from actgate.decision.decide import Appraisals, appraise
from actgate.decision.manifest import Problem
from tests.decision.build import ASKING, NOW, PASSING, judge
from tests.decision.signing import (
    DAY,
    RISK,
    STRANGER,
    TRAINING,
    approval,
    audit,
    authority,
    requires,
    sha,
    signed,
    statement,
    trusting,
    whole,
)

FAULT = Problem("envelope", "Invalid value: must be a DSSE envelope", "sign it again")
AUDITED = trusting(authority("model-risk"), require=[requires(BIAS_AUDIT, "model-risk")])
ATTESTED = trusting(authority("training", COMPLIANCE_MANIFEST), level={"HighRisk": "Attested"})


def assessed(item: Attestation, *policies: Policy, **changes: Any) -> Assessment:  # noqa: ANN401
    """Return the assessment of one attestation under policies, or under the baseline."""
    (found,) = appraise(signed(item, **changes), policies or (BASELINE,), NOW).attestations
    return found


@pytest.mark.parametrize(
    ("item", "policy", "result"),
    [
        (audit(RISK), AUDITED, Result.ACCEPTED),
        (audit(STRANGER), AUDITED, Result.REFUSED),
        (audit(invalid="is wrong"), AUDITED, Result.REFUSED),
        (whole(STRANGER), AUDITED, Result.IGNORED),
        (whole(RISK), AUDITED, Result.ACCEPTED),
        (whole(TRAINING), ATTESTED, Result.ACCEPTED),
        (whole(STRANGER), ATTESTED, Result.REFUSED),
        (audit(STRANGER), ATTESTED, Result.REFUSED),
        (statement("x", "https://any.example/type", STRANGER), ATTESTED, Result.IGNORED),
        (audit(RISK), BASELINE, Result.IGNORED),
        (audit(RISK, mismatch=FAULT), AUDITED, Result.REFUSED),
        (audit(RISK, mismatch=FAULT), BASELINE, Result.REFUSED),
        (Attestation("x", unreadable=FAULT), BASELINE, Result.REFUSED),
        (approval(RISK), BASELINE, Result.REFUSED),
        (audit(RISK), trusting(authority("model-risk"), withdrawn=[sha("audit")]), Result.REFUSED),
    ],
)
def test_an_attestation_is_accepted_refused_or_ignored(
    item: Attestation, policy: Policy, result: Result
) -> None:
    """Accepted by an authority; refused as a contradiction, or where a policy asks for it; else ignored."""
    found = assessed(item, policy)
    assert found.result is result
    assert (found.reason is not None) is (result is Result.REFUSED)
    assert (found.name, found.predicate_type, found.payload_digest) == (
        item.name,
        item.predicate_type,
        item.payload_digest,
    )


def test_a_refused_attestation_says_what_its_finding_says() -> None:
    """One sentence for status and refusal."""
    found = assessed(audit(STRANGER), AUDITED)
    (finding,) = judge(signed(audit(STRANGER)), ASKING, AUDITED).findings
    assert found.reason == finding.message
    assert (found.signer, found.authority) == (STRANGER.name, None)


def test_one_policy_that_accepts_is_enough() -> None:
    """Which of several policies trusts the signer is named by its authority."""
    other = trusting(authority("risk-office"), name="other", require=[requires(BIAS_AUDIT, "risk-office")])
    for policies in ((AUDITED, other), (other, AUDITED)):
        found = assessed(audit(RISK), *policies)
        assert (found.result, found.authority) == (Result.ACCEPTED, "model-risk")


def test_an_assessment_says_since_when_the_signature_is_known() -> None:
    """The object's time in a cluster, none for a file."""
    assert assessed(audit(RISK), AUDITED).signed_no_later_than == NOW - DAY
    assert assessed(audit(RISK), AUDITED, created_at=None).signed_no_later_than is None


def test_a_verdict_names_what_was_accepted_alone() -> None:
    """`Verdict.attestations`, taken from the appraisal as it is: evidence is assessed once."""
    appraise_once = Appraisals().appraise
    evidence = signed(audit(RISK), whole(STRANGER))
    appraisal = appraise_once(evidence, (AUDITED,), NOW)
    assert [one.name for one in appraisal.attestations] == ["audit", "training"]
    assert [(name, one.name) for name, one in appraisal.accepted] == [(PASSING.name, "audit")]
    assert appraise_once(evidence, (AUDITED,), NOW) is appraisal
    assert judge(evidence, ASKING, AUDITED).attestations == appraisal.accepted
    assert judge(PASSING).attestations == ()
