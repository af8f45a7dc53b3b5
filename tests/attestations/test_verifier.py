"""Signatures of envelopes: who made them is found by the keys that policies trust, never by a key id."""

from __future__ import annotations

import pytest

from actgate.api.compliance_policy import Authority
from actgate.attestations import AttestationError, authority_anchors
from tests.attestations.build import names, read, read_one
from tests.support.attested import (
    COMPLIANCE_MANIFEST,
    MODEL,
    Key,
    Party,
    ed25519_key,
    evidence,
    p256,
    p384,
    payload_digest,
    rsa_pss,
    signed,
)

TRAINING, RISK = Party("training"), Party("model-risk")


@pytest.mark.parametrize("make", [p256, p384, ed25519_key, rsa_pss])
def test_a_signature_of_each_kind_of_key_is_verified(make: type[Key]) -> None:
    party = Party("training", make())
    spec = signed(evidence(), party)
    (found,) = read(spec, party)
    assert found.name == "training"
    assert found.predicate_type == COMPLIANCE_MANIFEST
    assert found.payload_digest == payload_digest(spec["attestations"][0])
    assert found.subjects == {MODEL}
    assert [(one.anchor, one.party) for one in found.signers] == [(party.anchor, party.anchor)]
    assert (found.unreadable, found.mismatch, found.invalid, found.unverified) == (None, None, None, ())


@pytest.mark.parametrize("keyid", ["", None, "nonsense", RISK.anchor, TRAINING.anchor])
def test_a_key_id_decides_nothing(keyid: str | None) -> None:
    """DSSE, protocol.md: it is a hint that is not authenticated; cosign leaves it empty."""
    spec = signed(evidence(), TRAINING)
    spec["attestations"][0]["envelope"]["signatures"][0]["keyid"] = keyid
    assert names(read(spec, TRAINING, RISK)[0], TRAINING, RISK) == ["training"]


def test_a_signature_by_an_unknown_key_is_a_claim() -> None:
    spec = signed(evidence(), RISK)
    spec["attestations"][0]["envelope"]["signatures"][0]["keyid"] = "of risk"
    (found,) = read(spec, TRAINING)
    assert found.signers == ()
    assert found.unverified == ('key id "of risk"',)
    assert found.invalid is None


def test_without_anchors_every_signature_is_a_claim() -> None:
    (found,) = read(signed(evidence(), TRAINING, RISK))
    assert found.signers == ()
    assert found.unverified == ("no key id", "no key id")


def test_a_signature_that_names_a_trusted_key_and_is_not_of_it_is_invalid() -> None:
    spec = signed(evidence(), RISK)
    spec["attestations"][0]["envelope"]["signatures"][0]["keyid"] = TRAINING.anchor
    (found,) = read(spec, TRAINING)
    assert found.signers == ()
    assert found.invalid == f"the key {TRAINING.anchor} did not make the signature that names it"


def test_the_anchor_of_an_authority_is_the_fingerprint_of_its_key() -> None:
    """Line ends and text around it are another spelling of the same key."""
    authority = Authority.model_validate(TRAINING.authority(), by_alias=True, by_name=False)
    assert authority_anchors(authority) == {TRAINING.anchor}
    spelled = {**TRAINING.authority(), "key": {"data": "\r\n " + TRAINING.pem.replace("\n", "\r\n") + "\n"}}
    authority = Authority.model_validate(spelled, by_alias=True, by_name=False)
    assert authority_anchors(authority) == {TRAINING.anchor}


def test_an_authority_whose_key_cannot_be_used_is_refused_with_one_sentence() -> None:
    small = {**TRAINING.authority(), "key": {"data": Party("small", rsa_pss(1024)).pem}}
    authority = Authority.model_validate(small, by_alias=True, by_name=False)
    with pytest.raises(AttestationError) as raised:
        authority_anchors(authority)
    assert str(raised.value) == (
        "key.data: Invalid value: is RSA of 1024 bits: must be ECDSA P-256 or P-384, Ed25519, or RSA of 2048"
        " to 8192 bits"
    )
    assert read_one({}, evidence(), small).signers == ()
