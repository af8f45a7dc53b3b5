"""Who has to sign what: `evidence/signature`, `evidence/authority`, `evidence/signers`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from actgate.api.predicates import APPROVAL, BIAS_AUDIT, COMPLIANCE_MANIFEST
from actgate.decision import Link, Policy, Verdict, decide
from actgate.decision.attestation import Attestation, Signer
from actgate.decision.manifest import Manifest
from tests.decision.build import ASKING, NOW, found, judge, manifest, refused_for, subject
from tests.decision.signing import (
    DAY,
    OFFICE,
    RISK,
    STRANGER,
    TRAINING,
    approval,
    audit,
    authority,
    certificate,
    issued,
    requires,
    sha,
    signed,
    trusting,
    whole,
)

TICK = datetime.resolution
AUDITED = trusting(
    authority("training"),
    authority("model-risk"),
    require=[requires(BIAS_AUDIT, "model-risk", distinctFrom=["training"])],
)
"""Model risk audits, and must not be who trained."""


def asked(policy: Policy, *attestations: Attestation, now: datetime = NOW, **changes: Any) -> Verdict:  # noqa: ANN401
    """Judge a manifest with these attestations under one policy."""
    return judge(signed(*attestations, **changes), ASKING, policy, now=now)


def test_what_the_named_authority_signed_is_accepted() -> None:
    """Nothing is found, and the verdict names authority, signer and payload."""
    verdict = asked(AUDITED, audit(RISK))
    assert verdict.outcome == "Pass"
    ((name, accepted),) = verdict.attestations
    assert name == "credit-risk-scorer-v2"
    assert (accepted.authority, accepted.signer, accepted.payload_digest) == (
        "model-risk",
        RISK.name,
        sha("audit"),
    )
    assert accepted.signed_no_later_than == NOW - DAY


def test_evidence_signers_without_the_attestation() -> None:
    """`evidence/signers`: what is required and not there is named, with who would have to sign it."""
    for attestations in ((), (whole(RISK),)):
        finding = refused_for(asked(AUDITED, *attestations), "evidence/signers")
        assert (finding.path, finding.basis) == ("spec.attestations", "house policy")
        assert finding.message == (
            "Required value: bias-audit must be signed by model-risk (policy high-risk)"
        )


def test_evidence_authority_for_an_unknown_key() -> None:
    """`evidence/authority`: the message names what was seen and who would have to sign."""
    known_elsewhere = asked(AUDITED, audit(STRANGER))
    unknown = asked(AUDITED, audit(unverified=('key id "x"',)))
    unsigned = asked(AUDITED, audit())
    messages = [
        refused_for(one, "evidence/authority").message for one in (known_elsewhere, unknown, unsigned)
    ]
    assert [one.failed_rules for one in (known_elsewhere, unknown)] == [("evidence/authority",)] * 2
    rest = "which no authority of policy high-risk trusts: bias-audit must be signed by model-risk"
    assert messages == [
        f'Invalid value: "audit": signed by key {STRANGER.anchor[:19]}.., {rest} (policy high-risk)',
        f'Invalid value: "audit": signed by an unknown key (key id "x"), {rest} (policy high-risk)',
        f'Invalid value: "audit": signed by an unknown key, {rest} (policy high-risk)',
    ]


def test_evidence_authority_for_another_authority_of_the_policy() -> None:
    """`evidence/authority`: the key for training does not sign audits."""
    finding = refused_for(asked(AUDITED, audit(TRAINING)), "evidence/authority")
    assert "of training: bias-audit must be signed by model-risk" in finding.message
    assert finding.path == "spec.attestations[0]"


def test_evidence_authority_for_what_it_may_not_attest() -> None:
    """`evidence/authority`: an authority counts for the types that it may attest, whatever requires it."""
    narrow = trusting(
        authority("model-risk", COMPLIANCE_MANIFEST), require=[requires(BIAS_AUDIT, "model-risk")]
    )
    finding = refused_for(asked(narrow, audit(RISK)), "evidence/authority")
    assert "of model-risk, which may not attest bias-audit" in finding.message


def test_evidence_signature_for_an_invalid_one() -> None:
    """`evidence/signature`: wrong bytes are another matter than an unknown key."""
    finding = refused_for(asked(AUDITED, audit(invalid="the signature is wrong")), "evidence/signature")
    assert finding.message == 'Invalid value: "audit": the signature is wrong'
    assert asked(AUDITED, audit(RISK, invalid="another signature is wrong")).allowed
    both = asked(AUDITED, audit(TRAINING, invalid="one is wrong"))
    assert both.failed_rules == ("evidence/signature", "evidence/authority")


def test_where_nothing_is_required_no_signature_is_judged() -> None:
    """Under the baseline, and for types that no requirement names, no party has to be trusted."""
    items = (audit(STRANGER), whole(invalid="wrong"))
    assert judge(signed(*items)).outcome == "Pass"
    assert asked(trusting(authority("model-risk")), *items).outcome == "Pass"


def test_any_trusted_signature_in_an_envelope_is_enough() -> None:
    """Others beside it take nothing away, in whatever order they stand."""
    for signers in ((STRANGER, RISK), (RISK, STRANGER)):
        assert asked(AUDITED, audit(*signers)).allowed
    assert asked(AUDITED, audit(STRANGER, name="first"), audit(RISK)).allowed


def test_one_finding_of_each_requirement_that_is_not_met() -> None:
    """Requirements are all needed; authorities within one are any."""
    policy = trusting(
        authority("model-risk"),
        authority("risk-office"),
        require=[requires(BIAS_AUDIT, "model-risk", "risk-office"), requires(APPROVAL, "risk-office")],
    )
    assert asked(policy, audit(OFFICE), approval(OFFICE)).allowed
    verdict = asked(policy, audit(OFFICE), approval(RISK))
    assert "approval must be signed by risk-office" in refused_for(verdict, "evidence/authority").message
    assert asked(policy, audit(RISK)).failed_rules == ("evidence/signers",)


# Separation of duties


def test_the_key_of_training_does_not_audit_under_another_name() -> None:
    """`evidence/signers`: one key under two authorities is one party, which distinctFrom leaves out."""
    shared = trusting(
        authority("training"),
        authority("model-risk"),
        anchors={"training": frozenset({TRAINING.anchor}), "model-risk": frozenset({TRAINING.anchor})},
        require=[requires(BIAS_AUDIT, "model-risk", distinctFrom=["training"])],
    )
    finding = refused_for(asked(shared, audit(TRAINING)), "evidence/signers")
    assert finding.message == (
        f'Invalid value: "audit": signed by key {TRAINING.anchor[:19]}.., a party of training too: '
        "bias-audit must be signed by another party than training (policy high-risk)"
    )


@pytest.mark.parametrize(
    "training",
    [
        authority(
            "training", COMPLIANCE_MANIFEST, revoked={"at": "2020-01-01T00:00:00Z", "reason": "Rotated"}
        ),
        authority("training", COMPLIANCE_MANIFEST, validFor={"end": "2020-01-01T00:00:00Z"}),
        authority("training", "https://example.com/other"),
    ],
)
def test_a_party_stays_one_of_its_authority(training: dict[str, Any]) -> None:
    """`evidence/signers`: revoked, out of its time or for other types, the key is still that of training."""
    shared = trusting(
        training,
        authority("model-risk"),
        anchors={"training": frozenset({RISK.anchor}), "model-risk": frozenset({RISK.anchor})},
        require=[requires(BIAS_AUDIT, "model-risk", distinctFrom=["training"])],
    )
    assert asked(shared, audit(RISK)).failed_rules == ("evidence/signers",)


def test_two_signers_are_two_parties() -> None:
    """`evidence/signers`: in one envelope or in two; one party counts once, however often it signs."""
    policy = trusting(
        authority("training"),
        authority("model-risk"),
        authority("risk-office"),
        require=[requires(BIAS_AUDIT, "model-risk", "risk-office", minSigners=2)],
    )
    assert asked(policy, audit(RISK, OFFICE)).allowed
    assert asked(policy, audit(RISK), audit(OFFICE, name="second")).allowed
    for one in ((audit(RISK, RISK),), (audit(RISK), audit(RISK, name="second"))):
        finding = refused_for(asked(policy, *one), "evidence/signers")
        assert finding.message == (
            "Invalid value: 1 party signed it: bias-audit must be signed by at least 2 different parties of "
            "model-risk or risk-office (policy high-risk)"
        )
    verdict = asked(policy, audit(RISK), audit(TRAINING, name="second"))
    assert verdict.failed_rules == ("evidence/authority", "evidence/signers")
    assert "0 parties signed it" in refused_for(asked(policy, audit(STRANGER)), "evidence/signers").message


def test_one_party_under_two_authorities_counts_once() -> None:
    """`evidence/signers`: the same key listed twice does not make two signers."""
    policy = trusting(
        authority("model-risk"),
        authority("risk-office"),
        anchors={"model-risk": frozenset({RISK.anchor}), "risk-office": frozenset({RISK.anchor})},
        require=[requires(BIAS_AUDIT, "model-risk", "risk-office", minSigners=2)],
    )
    assert asked(policy, audit(RISK)).failed_rules == ("evidence/signers",)


BANK = "uri:spiffe://bank.example"
BY_CERTIFICATE = trusting(
    authority("training", certificate=issued({"uri": "spiffe://bank.example/training"})),
    authority(
        "model-risk",
        certificate=issued(
            {"uri": "spiffe://bank.example/risk"},
            {"emailRegExp": r"[a-z]+@risk\.bank\.example"},
            {"dns": "risk.bank.example"},
        ),
    ),
    require=[requires(BIAS_AUDIT, "model-risk", distinctFrom=["training"])],
)


@pytest.mark.parametrize(
    ("signer", "rule"),
    [
        (certificate(f"{BANK}/risk"), None),
        (certificate("email:anna@risk.bank.example"), None),
        (certificate("dns:risk.bank.example", f"{BANK}/other"), None),
        (certificate(f"{BANK}/risk/x"), "evidence/authority"),
        (certificate(f"{BANK}/Risk"), "evidence/authority"),
        (certificate("email:anna@risk.bank.example.org"), "evidence/authority"),
        (certificate("email:x@y.org\nanna@risk.bank.example"), "evidence/authority"),
        (certificate("email:anna@risk.bank.example\n"), "evidence/authority"),
        (certificate("email:anna@risk1bank.example"), "evidence/authority"),
        (certificate("dns:anna@risk.bank.example"), "evidence/authority"),
        (certificate(f"{BANK}/training"), "evidence/authority"),
        (certificate(f"{BANK}/risk", root=sha("another root")), "evidence/authority"),
        (certificate(f"{BANK}/risk", f"{BANK}/training"), "evidence/signers"),
    ],
)
def test_a_certificate_counts_by_its_names(signer: Signer, rule: str | None) -> None:
    """Exact or by a regular expression, the whole name of the same kind must be listed, under that root."""
    verdict = asked(BY_CERTIFICATE, audit(signer))
    assert verdict.failed_rules == ((rule,) if rule else ())


def test_an_identity_that_is_not_listed_is_named() -> None:
    """`evidence/authority`: the user sees which name the certificate has."""
    finding = refused_for(asked(BY_CERTIFICATE, audit(certificate(f"{BANK}/x"))), "evidence/authority")
    assert (
        f'signed by certificate "{BANK}/x", an identity that no authority of policy high-risk'
        in finding.message
    )


@pytest.mark.parametrize("pattern", ["(", "*", "(?P<x", "[z-a]", "a{99999999999999999999}"])
def test_a_pattern_that_is_none_matches_nothing(pattern: str) -> None:
    """No input raises, and nothing is trusted by mistake."""
    policy = trusting(
        authority("model-risk", certificate=issued({"uriRegExp": pattern})),
        require=[requires(BIAS_AUDIT, "model-risk")],
    )
    assert asked(policy, audit(certificate(f"uri:{pattern}"))).failed_rules == ("evidence/authority",)


def test_no_pattern_is_tried_on_a_name_without_end() -> None:
    """A certificate cannot make an expression run long: beyond 253 characters it matches nothing."""
    policy = trusting(
        authority("model-risk", certificate=issued({"uriRegExp": "x*"})),
        require=[requires(BIAS_AUDIT, "model-risk")],
    )
    assert asked(policy, audit(certificate(f"uri:{'x' * 253}"))).allowed
    assert not asked(policy, audit(certificate(f"uri:{'x' * 254}"))).allowed


def test_different_parties_are_counted_and_not_signers() -> None:
    """`evidence/signers`: one party counts once, whatever keys and certificates are known to be its own."""
    training = authority("training")
    bank = authority("model-risk", certificate=issued({"emailRegExp": ".*@bank.example"}))
    two = trusting(training, bank, require=[requires(BIAS_AUDIT, "model-risk", minSigners=2)])
    other = trusting(training, bank, require=[requires(BIAS_AUDIT, "model-risk", distinctFrom=["training"])])
    anna, ben = certificate("email:anna@bank.example"), certificate("email:ben@bank.example")
    renewed = replace(certificate("email:anna@bank.example", f"{BANK}/a"), party=anna.party)
    assert asked(two, audit(anna, ben)).allowed
    assert asked(two, audit(anna, renewed)).failed_rules == ("evidence/signers",)
    by_key = replace(TRAINING, party=anna.party)
    assert asked(other, audit(anna)).allowed
    assert asked(other, whole(by_key), audit(anna)).failed_rules == ("evidence/signers",)


def test_an_authority_that_cannot_be_read_signs_nothing() -> None:
    """`evidence/authority`: without its key nothing is by it, and the policy stays in force."""
    unreadable = trusting(authority("model-risk"), anchors={}, require=[requires(BIAS_AUDIT, "model-risk")])
    assert asked(unreadable, audit(RISK)).failed_rules == ("evidence/authority",)


def test_nothing_is_distinct_from_an_authority_that_cannot_be_read() -> None:
    """`evidence/signers`: any signer might be a party of it. The same where the name leads nowhere."""
    for authorities in ([authority("training"), authority("model-risk")], [authority("model-risk")]):
        policy = trusting(
            *authorities,
            anchors={"model-risk": frozenset({RISK.anchor})},
            require=[requires(BIAS_AUDIT, "model-risk", distinctFrom=["training"])],
        )
        finding = refused_for(asked(policy, audit(RISK)), "evidence/signers")
        assert "any signer may be a party of authority training, which cannot be read" in finding.message


def test_an_authority_that_the_policy_does_not_have_signs_nothing() -> None:
    """`evidence/authority`: a name that leads nowhere is no open door."""
    policy = trusting(authority("model-risk"), require=[requires(BIAS_AUDIT, "modelrisk")])
    assert asked(policy, audit(RISK)).failed_rules == ("evidence/authority",)


# Time

REVOKED_AT = "2026-11-01T00:00:00Z"
AT = datetime.fromisoformat(REVOKED_AT)


@pytest.mark.parametrize("reason", ["Rotated", "Compromised"])
@pytest.mark.parametrize(
    ("created", "allowed"), [(AT - TICK, True), (AT, False), (AT + TICK, False), (None, False)]
)
def test_a_revoked_authority_counts_only_for_what_is_known_to_be_older(
    reason: str, created: datetime | None, allowed: bool
) -> None:
    """`evidence/authority`: for both reasons alike; without a trusted time nothing shows that it is older."""
    policy = trusting(
        authority("model-risk", revoked={"at": REVOKED_AT, "reason": reason}),
        require=[requires(BIAS_AUDIT, "model-risk")],
    )
    for now in (NOW, AT - DAY):
        verdict = asked(policy, audit(RISK), created_at=created, finished_at=AT - 9 * DAY, now=now)
        assert verdict.allowed is allowed
        if not allowed:
            message = refused_for(verdict, "evidence/authority").message
            assert f"of model-risk, which is revoked at {REVOKED_AT} ({reason})" in message


VALID = trusting(
    authority("model-risk", validFor={"start": "2026-11-01T00:00:00Z", "end": "2026-11-20T00:00:00Z"}),
    require=[requires(BIAS_AUDIT, "model-risk")],
)
START, END = datetime.fromisoformat("2026-11-01T00:00:00Z"), datetime.fromisoformat("2026-11-20T00:00:00Z")


@pytest.mark.parametrize(
    ("at", "allowed"), [(START - TICK, False), (START, True), (END - TICK, True), (END, False)]
)
def test_a_period_includes_its_start_and_excludes_its_end(at: datetime, allowed: bool) -> None:
    """`validFor` is held against the trusted time, and where there is none against the present."""
    assert asked(VALID, audit(RISK), created_at=at).allowed is allowed
    assert asked(VALID, audit(RISK, signed_by=at), created_at=None).allowed is allowed
    assert asked(VALID, audit(RISK), created_at=None, finished_at=START - DAY, now=at).allowed is allowed


def test_without_a_trusted_time_the_verdict_ends_with_the_period() -> None:
    """`valid_until`: time alone changes it; with a trusted time it does not."""
    before = asked(VALID, audit(RISK), created_at=None, now=END - DAY)
    assert (before.allowed, before.valid_until) == (True, END)
    assert asked(VALID, audit(RISK), created_at=START, now=END - DAY).valid_until != END
    early = asked(VALID, audit(RISK), created_at=None, finished_at=START - 9 * DAY, now=START - DAY)
    assert (early.allowed, early.valid_until) == (False, START)


def by_certificate(**validity: Any) -> Signer:  # noqa: ANN401 - moments
    """Return a signer of model risk by a certificate that is valid for that period."""
    return certificate(f"{BANK}/risk", **validity)


def test_a_certificate_counts_until_the_end_of_its_validity() -> None:
    """`evidence/authority`: X.509 includes both ends; the tick after is too late, and is in `valid_until`."""
    item = audit(by_certificate(not_before=NOW - DAY, not_after=NOW))
    assert asked(BY_CERTIFICATE, item, created_at=None).allowed
    assert asked(BY_CERTIFICATE, item, created_at=None).valid_until == NOW + TICK
    late = refused_for(asked(BY_CERTIFICATE, item, created_at=None, now=NOW + TICK), "evidence/authority")
    assert "of model-risk, with a certificate that expired at 2026-11-23T12:00:00Z" in late.message
    early = asked(BY_CERTIFICATE, item, created_at=None, now=NOW - DAY - TICK)
    assert "valid from 2026-11-22T12:00:00Z on" in refused_for(early, "evidence/authority").message
    assert early.valid_until == NOW - DAY


def test_a_certificate_that_expired_since_counts_for_what_is_older() -> None:
    """With a trusted time within its validity, what it signed stays signed; after it, it never was."""
    item = audit(by_certificate(not_before=NOW - 9 * DAY, not_after=NOW - 5 * DAY))
    assert asked(BY_CERTIFICATE, item, created_at=NOW - 6 * DAY).allowed
    assert asked(BY_CERTIFICATE, item, created_at=NOW - 4 * DAY).failed_rules == ("evidence/authority",)
    assert asked(BY_CERTIFICATE, item, created_at=None).failed_rules == ("evidence/authority",)


def test_the_end_of_the_calendar_is_no_error() -> None:
    """A certificate without an end in practice (RFC 5280: 99991231235959Z) has no moment after it."""
    endless = by_certificate(not_after=datetime.max.replace(tzinfo=NOW.tzinfo))
    assert asked(BY_CERTIFICATE, audit(endless), created_at=None).allowed


def test_the_time_of_the_bundle_goes_before_that_of_the_object() -> None:
    """A timestamp in the bundle is the exact one; `creationTimestamp` only an upper bound."""
    item = audit(RISK, signed_by=START)
    assert asked(VALID, item, created_at=END).allowed
    ((_, accepted),) = asked(VALID, item, created_at=END).attestations
    assert accepted.signed_no_later_than == START


# Policies together


def test_each_policy_asks_by_itself() -> None:
    """What one trusts does not count for another, and each finding has the enforcement of its policy."""
    mild = trusting(
        authority("risk-office"),
        name="mild",
        enforcement="Warn",
        require=[requires(BIAS_AUDIT, "risk-office")],
    )
    verdict = decide(ASKING, [signed(audit(RISK))], [AUDITED, mild], NOW)
    (warning,) = found(verdict, "evidence/authority")
    assert (verdict.outcome, warning.effect) == ("Warn", "Warn")
    assert "no authority of policy mild trusts" in warning.message
    assert [one.authority for _, one in verdict.attestations] == ["model-risk"]


def test_attestations_of_every_linked_manifest_are_named() -> None:
    """`Verdict.attestations`: by manifest, in the order of the evidence."""

    def other(name: str, item: Attestation) -> Manifest:
        changes = signed(item)
        return manifest(name=name, attestations=changes.attestations, created_at=changes.created_at)

    two = subject(links=(Link("b"), Link("a")))
    verdict = decide(two, [other("b", audit(RISK)), other("a", audit(RISK, name="x"))], [AUDITED], NOW)
    assert [(name, one.name) for name, one in verdict.attestations] == [("a", "x"), ("b", "audit")]
