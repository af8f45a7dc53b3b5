"""Authorities of a policy: whom they stand for, and what happens to those that cannot be read."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from actgate.api.predicates import COMPLIANCE_MANIFEST
from actgate.decision import BASELINE, Policy, decide
from actgate.decision.attestation import Signer
from actgate.decision.subject import Subject
from actgate.manifests import UnreadableError, policy_or_strictest, read_document, read_policy
from tests.cli.support import pipeline_file
from tests.decision.signing import signed, whole
from tests.support.attested import Party, ed25519_key, trusting

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TRAINING, RISK = Party("training"), Party("model-risk", ed25519_key())
ATTESTED = {"HighRisk": "Attested", "LimitedRisk": "Attested", "MinimalRisk": "Attested"}


def policy_object(evidence: Any, name: str = "house", **spec: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a policy that asks this of evidence."""
    return {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "CompliancePolicy",
        "metadata": {"name": name},
        "spec": {"evidence": evidence, **spec},
    }


def passes(policy: Policy, *parties: Party) -> bool:
    """Return whether a manifest passes a policy that these parties signed as a whole."""
    signers = [Signer(party.anchor, party.anchor, party.anchor) for party in parties]
    manifest = signed(whole(*signers))
    return decide(Subject.of_manifest(manifest), [manifest], [policy], NOW).allowed


def test_an_authority_is_known_by_the_fingerprint_of_its_key() -> None:
    """By that a verified signer is recognised, whatever the PEM looks like."""
    spaced = {**RISK.authority(), "key": {"data": f"\n\n{RISK.pem}\n"}}
    policy = read_policy(policy_object(trusting(TRAINING, spaced)))
    assert policy.anchors == {"training": {TRAINING.anchor}, "model-risk": {RISK.anchor}}
    assert read_policy(policy_object({})).anchors == BASELINE.anchors == {}


BROKEN = {**RISK.authority(), "key": {"data": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"}}
ROOTS = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"


def by_certificate(*identities: dict[str, str]) -> dict[str, Any]:
    """Return an authority by certificates under a root that is none."""
    certificate = {"roots": ROOTS, "identities": list(identities)}
    return {"name": "model-risk", "certificate": certificate, "mayAttest": [COMPLIANCE_MANIFEST]}


@pytest.mark.parametrize(
    ("authority", "path", "words"),
    [
        (BROKEN, "authorities[1].key.data", "Invalid value"),
        (by_certificate({"uri": "x"}), "authorities[1].certificate.roots", "Invalid value"),
        ({**RISK.authority(), "name": "training"}, "authorities[1].name", 'Duplicate value: "training"'),
        ({**RISK.authority(), "key": None}, "authorities[1]", "must have either a key or a certificate"),
        (
            by_certificate({}),
            "authorities[1].certificate.identities[0]",
            "must have exactly one of uri, uriRegExp",
        ),
        (
            by_certificate({"uri": "x"}, {"dns": "x", "uri": "y"}),
            "authorities[1].certificate.identities[1]",
            "must have exactly one of",
        ),
        (
            by_certificate({"uriRegExp": "("}),
            "authorities[1].certificate.identities[0].uriRegExp",
            'Invalid value: "(": must be a regular expression',
        ),
    ],
)
def test_an_authority_that_cannot_be_read_is_an_error_in_a_file(
    authority: dict[str, Any], path: str, words: str
) -> None:
    """`actgate check` refuses the file, and names the field."""
    evidence = trusting(TRAINING) | {"authorities": [TRAINING.authority(), authority]}
    with pytest.raises(UnreadableError) as caught:
        read_policy(policy_object(evidence))
    found = {problem.path: problem.message for problem in caught.value.problems}
    assert words in found[f"spec.evidence.{path}"]


@pytest.mark.parametrize("field", ["authorities", "distinctFrom"])
def test_the_name_of_an_authority_that_does_not_exist_is_an_error_in_a_file(field: str) -> None:
    """A typing error must not become a requirement that no one can meet, or that excludes no one."""
    require = [{"predicateType": COMPLIANCE_MANIFEST, "authorities": ["training"], field: ["model-risk"]}]
    with pytest.raises(UnreadableError) as caught:
        read_policy(policy_object(trusting(TRAINING, require=require)))
    (problem,) = caught.value.problems
    assert problem.path == f"spec.evidence.require[0].{field}[0]"
    assert problem.message == 'Invalid value: "model-risk": must be the name of an authority in the policy'


def test_in_a_cluster_an_authority_that_cannot_be_read_signs_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The policy stays in force and asks for no less; it is logged once."""
    obj = policy_object(trusting(TRAINING, BROKEN), name="one-broken-key", enforcement="Warn")
    with caplog.at_level(logging.WARNING):
        policies = [policy_or_strictest(obj) for _ in range(3)]
    assert caplog.text.count("CompliancePolicy one-broken-key has authorities that can sign nothing") == 1
    assert policies[0].anchors == {"training": {TRAINING.anchor}}
    assert policies[0].spec.enforcement == "Warn"
    strict = policy_or_strictest(policy_object(trusting(TRAINING, BROKEN)))
    assert passes(strict, TRAINING)
    assert not passes(strict, RISK)


def test_two_authorities_of_one_name_sign_nothing() -> None:
    """Which of them a requirement means cannot be said."""
    other = {**RISK.authority(), "name": "training"}
    policy = policy_or_strictest(policy_object(trusting(TRAINING, other)))
    assert policy.anchors == {}
    assert not passes(policy, TRAINING, RISK)


def test_a_policy_that_cannot_be_read_keeps_what_it_asks_of_evidence() -> None:
    """A typing error elsewhere must not let unsigned evidence through."""
    policy = policy_or_strictest(policy_object(trusting(TRAINING, level=ATTESTED), bais={}))
    assert policy.spec.enforcement == "Deny"
    assert passes(policy, TRAINING)
    assert not passes(policy, RISK)
    assert not passes(policy)


@pytest.mark.parametrize(
    "evidence",
    [
        {"level": {"HighRisk": "Signed"}},
        {"levels": ATTESTED},
        {"require": [{"predicateType": COMPLIANCE_MANIFEST}]},
        {"maxAge": "1h", "fromTheFuture": True},
        "all of it",
        [],
    ],
)
def test_a_policy_whose_demands_on_evidence_cannot_be_read_lets_nothing_through(evidence: object) -> None:
    """It may have asked for signatures, and of whom is not known. Unknown is never fine."""
    policy = policy_or_strictest(policy_object(evidence))
    assert policy.spec.enforcement == "Deny"
    assert not passes(policy, TRAINING)


def test_a_policy_that_never_asked_for_signatures_falls_back_to_the_baseline() -> None:
    """The maximum age cannot be read, and nothing else was asked: no cluster comes to a stop for that."""
    policy = policy_or_strictest(policy_object({"maxAge": "1 year", "requireDigest": False}))
    assert policy.spec == BASELINE.spec
    assert passes(policy)
    assert policy_or_strictest(
        policy_object({"maxAge": "1 year", "requireDigest": True})
    ).spec.evidence.require_digest
    nothing = policy_object({})
    assert not passes(policy_or_strictest({**nothing, "spec": []}))


def test_a_policy_that_cannot_be_read_applies_where_it_selects() -> None:
    """Else everywhere: namespaces for which others ask less must not suffer for a typing error."""
    chosen = {"matchLabels": {"stage": "production"}}
    selected = policy_or_strictest(policy_object({}, bais={}, namespaceSelector=chosen))
    assert selected.spec.namespace_selector.match_labels == {"stage": "production"}
    wrong: tuple[dict[str, Any], ...] = (
        {"matchLabels": "production"},
        {"matchLabel": {}},
        {"matchExpressions": [{"key": "a", "operator": "In"}]},
    )
    for unclear in wrong:
        everywhere = policy_or_strictest(policy_object({}, bais={}, namespaceSelector=unclear))
        assert everywhere.spec.namespace_selector == BASELINE.spec.namespace_selector


@pytest.mark.parametrize("level", ["Recomputable", "Attested"])
def test_the_file_of_a_pipeline_is_a_declaration(level: str) -> None:
    """`evidence/level`: a v0 file holds no counts and no signatures, and passes where none are asked for."""
    manifest = read_document(pipeline_file(), namespace="credit")
    subject = Subject.of_manifest(manifest)
    assert decide(subject, [manifest], [], NOW).allowed
    policy = read_policy(policy_object({"level": {"HighRisk": level}}))
    assert decide(subject, [manifest], [policy], NOW).failed_rules == ("evidence/level",)
