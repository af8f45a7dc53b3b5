"""Attestations that the manifest contradicts: refused at every level, under any signature."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actgate.api.predicates import BIAS_AUDIT, COMPLIANCE_MANIFEST, PROVENANCE
from actgate.decision import Manifest, Policy, Verdict
from actgate.decision.attestation import Attestation
from actgate.decision.manifest import ModelIdentity, Problem
from tests.decision.build import ASKING, MODEL, NOW, PASSING, found, judge, manifest, refused_for
from tests.decision.signing import (
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

FOREIGN = "https://example.com/another/type"
UNREADABLE = Problem("envelope.payload", "Invalid value: must be an in-toto Statement v1", "sign it again")
EDITED = Problem("spec.bias[0].value", "Invalid value: 0.03: the signed payload has 0.3", "restore it")
OTHER = frozenset({sha("another model")})


def asked(evidence: Manifest, policy: Policy | None = None, **changes: Any) -> Verdict:  # noqa: ANN401
    """Judge evidence under a policy, or under the baseline."""
    return judge(replace(evidence, **changes), ASKING, *([policy] if policy else []))


@pytest.mark.parametrize("enforcement", ["Deny", "Warn", "Audit"])
@pytest.mark.parametrize(
    ("item", "rule"),
    [
        (Attestation("x", unreadable=UNREADABLE), "evidence/format"),
        (whole(STRANGER, mismatch=EDITED), "evidence/mismatch"),
        (whole(RISK, subjects=OTHER), "evidence/subject"),
    ],
)
def test_a_contradiction_counts_under_every_policy(item: Attestation, rule: str, enforcement: str) -> None:
    """The baseline, which asks for no signature, refuses it too; a policy's enforcement is its own."""
    assert asked(signed(item)).failed_rules == (rule,)
    verdict = asked(signed(item), trusting(enforcement=enforcement))
    assert [(one.rule, one.effect) for one in verdict.findings] == [(rule, enforcement)]
    assert verdict.attestations == ()


def test_evidence_format_says_where_and_why() -> None:
    """`evidence/format`: the reader's words, under the attestation's own path."""
    finding = refused_for(
        asked(signed(whole(RISK), Attestation("x", unreadable=UNREADABLE))), "evidence/format"
    )
    assert finding.path == "spec.attestations[1].envelope.payload"
    assert (finding.message, finding.remediation) == (UNREADABLE.message, UNREADABLE.remediation)


def test_evidence_format_stands_where_the_document_has_it() -> None:
    """Items that could not be read at all were cut out before it."""
    evidence = signed(Attestation("x", unreadable=UNREADABLE), positions=(("spec.attestations", (2,)),))
    assert refused_for(asked(evidence), "evidence/format").path == "spec.attestations[2].envelope.payload"


def test_evidence_mismatch_names_field_and_attestation() -> None:
    """`evidence/mismatch`: the payload is the truth, and spec differs from it there."""
    finding = refused_for(asked(signed(whole(RISK, mismatch=EDITED))), "evidence/mismatch")
    assert (finding.path, finding.basis) == ("spec.bias[0].value", "actgate")
    assert finding.message == 'Invalid value: 0.03: the signed payload has 0.3 (attestation "training")'


def test_evidence_subject_for_another_model() -> None:
    """`evidence/subject`: what was signed about another artefact proves nothing about this one."""
    finding = refused_for(asked(signed(audit(RISK, subjects=OTHER))), "evidence/subject")
    assert finding.path == "spec.attestations[0]"
    assert finding.message == (
        f'Invalid value: "audit": is about {sha("another model")[:19]}..: must be about spec.model.digest, '
        f"which is {str(MODEL.digest)[:19]}.., or an image of the model"
    )
    nothing = refused_for(asked(signed(audit(RISK, subjects=frozenset()))), "evidence/subject")
    assert "is about nothing" in nothing.message


def test_evidence_subject_may_be_an_image() -> None:
    """`evidence/subject`: the model's digest, or one of its images; any of several subjects."""
    image = f"registry.example/server@{sha('image')}"
    items = (audit(RISK, subjects=frozenset({sha("image")})), whole(RISK, subjects=OTHER | {sha("image")}))
    assert judge(manifest(images=(image,), attestations=items)).failed_rules == (
        "link/model",
    )  # another image runs
    assert not found(judge(manifest(images=(image,), attestations=items)), "evidence/subject")
    assert len(found(judge(manifest(attestations=items)), "evidence/subject")) == 2


def test_evidence_subject_is_unknown_without_a_digest() -> None:
    """`evidence/subject`: where the manifest names no digest, no statement is about it."""
    for model in (ModelIdentity(MODEL.name), None):
        verdict = asked(signed(audit(RISK), model=model))
        assert "which is missing" in refused_for(verdict, "evidence/subject").message


def test_evidence_subject_for_an_approval_of_another_payload() -> None:
    """`evidence/subject`: an approval is about another attestation that is there."""
    assert asked(signed(audit(RISK), approval(RISK))).allowed
    for items in (
        (audit(RISK), approval(RISK, approves=sha("another audit"))),
        (approval(RISK),),
        (approval(RISK, approves=sha("approval")),),
    ):
        finding = refused_for(asked(signed(*items)), "evidence/subject")
        assert "must approve the payload digest of another attestation of this manifest" in finding.message


def test_evidence_withdrawn_by_its_payload() -> None:
    """`evidence/withdrawn`: its signature is valid for ever, and counts no more."""
    policy = trusting(withdrawn=[sha("audit")])
    finding = refused_for(asked(signed(whole(RISK), audit(RISK)), policy), "evidence/withdrawn")
    assert (finding.path, finding.basis) == ("spec.attestations[1]", "house policy")
    assert finding.message == f'Forbidden: "audit": payload {sha("audit")} is withdrawn (policy high-risk)'
    assert asked(signed(whole(RISK)), policy).allowed


def test_evidence_withdrawn_by_the_manifest() -> None:
    """`evidence/withdrawn`: a manifest without any attestation can be withdrawn by its digest."""
    policy = trusting(withdrawn=[str(PASSING.digest)])
    finding = refused_for(asked(PASSING, policy), "evidence/withdrawn")
    assert finding.path == "spec"
    assert str(PASSING.digest) in finding.message
    assert asked(PASSING, policy, digest=sha("another")).allowed
    assert asked(PASSING, policy, digest=None).allowed


def test_statements_of_a_foreign_type_are_held_against_nothing() -> None:
    """Whatever else a tool attaches is ignored; but its envelope must be one."""
    policy = trusting(withdrawn=[sha("x")])
    item = statement("x", FOREIGN, STRANGER, subjects=OTHER, mismatch=EDITED)
    verdict = asked(signed(item), policy)
    assert verdict.outcome == "Pass"
    assert asked(signed(replace(item, unreadable=UNREADABLE)), policy).failed_rules == ("evidence/format",)


def test_a_foreign_type_that_a_policy_requires_is_judged() -> None:
    """Else a statement about another model, or a withdrawn one, would meet the requirement."""
    office = authority("model-risk", FOREIGN)
    policy = trusting(office, require=[requires(FOREIGN, "model-risk")])
    assert asked(signed(statement("x", FOREIGN, RISK)), policy).allowed
    abroad = asked(signed(statement("x", FOREIGN, RISK, subjects=OTHER)), policy)
    assert abroad.failed_rules == ("evidence/subject",)
    withdrawn = trusting(office, require=[requires(FOREIGN, "model-risk")], withdrawn=[sha("x")])
    assert asked(signed(statement("x", FOREIGN, RISK)), withdrawn).failed_rules == ("evidence/withdrawn",)


def test_statements_of_other_known_types_must_be_about_this_model() -> None:
    """SLSA provenance, test results and model signatures are read."""
    assert asked(signed(statement("x", PROVENANCE, STRANGER, subjects=OTHER))).failed_rules == (
        "evidence/subject",
    )


@pytest.mark.parametrize(
    ("item", "rule"),
    [
        (audit(RISK, mismatch=EDITED), "evidence/mismatch"),
        (audit(RISK, subjects=OTHER), "evidence/subject"),
        (audit(RISK, name="withdrawn"), "evidence/withdrawn"),
    ],
)
def test_one_cause_is_one_finding(item: Attestation, rule: str) -> None:
    """A contradiction is not reported a second time as a missing signature or level."""
    policy = trusting(
        authority("model-risk", BIAS_AUDIT),
        authority("training", COMPLIANCE_MANIFEST),
        level={"HighRisk": "Attested"},
        require=[requires(BIAS_AUDIT, "model-risk")],
        withdrawn=[sha("withdrawn")],
    )
    assert asked(signed(whole(TRAINING), audit(RISK)), policy).allowed
    assert asked(signed(whole(TRAINING), item), policy).failed_rules == (rule,)


def test_a_contradiction_does_not_depend_on_time() -> None:
    """It is in no `valid_until`."""
    assert judge(signed(whole(RISK, mismatch=EDITED)), now=NOW).valid_until == judge(PASSING).valid_until


def test_evidence_format_of_a_whole_attestation_is_at_the_attestation() -> None:
    """`evidence/format`: where no field of it can be named."""
    unread = Attestation("x", unreadable=replace(UNREADABLE, path=""))
    assert refused_for(asked(signed(unread)), "evidence/format").path == "spec.attestations[0]"


def test_evidence_subject_may_be_an_image_with_two_at_signs() -> None:
    """`evidence/subject`: its digest is what follows the last one."""
    image = f"registry.example/a@b@{sha('image')}"
    items = (audit(RISK, subjects=frozenset({sha("image")})),)
    assert not found(judge(manifest(images=(image,), attestations=items)), "evidence/subject")
