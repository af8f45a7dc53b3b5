"""Signatures of envelopes: who made them is found by the keys that policies trust, never by a key id."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

import pytest

from actgate.api.compliance_policy import Authority, CompliancePolicySpec
from actgate.attestations import Anchors, AttestationError, SignatureCache, Verifier, authority_anchors
from actgate.attestations.reading import MOST_WORK
from tests.attestations.build import anchors, names, read, read_one
from tests.support.attested import (
    COMPLIANCE_MANIFEST,
    MODEL,
    Key,
    Party,
    covered,
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


@pytest.mark.parametrize(
    "keyid",
    ["", None, "nonsense", RISK.anchor, TRAINING.anchor],
    ids=["empty", "absent", "nonsense", "another key", "its own"],
)
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


def test_every_signer_of_an_envelope_is_found() -> None:
    (found,) = read(signed(evidence(), RISK, TRAINING), TRAINING, RISK)
    assert names(found, TRAINING, RISK) == ["model-risk", "training"]


def test_one_key_is_one_signer_however_often_it_signs() -> None:
    """A signature that is doubled, made again, or under another key id is of the same party."""
    spec = signed(evidence(), TRAINING, TRAINING)
    signatures = spec["attestations"][0]["envelope"]["signatures"]
    assert signatures[0]["sig"] != signatures[1]["sig"]
    signatures[1]["keyid"] = "another"
    signatures.append({**signatures[0], "keyid": "a third"})
    (found,) = read(spec, TRAINING, RISK)
    assert names(found, TRAINING) == ["training"]
    assert found.unverified == ()


def test_one_key_of_two_authorities_is_one_signer() -> None:
    twice = {**TRAINING.authority(), "name": "another"}
    (found,) = read(signed(evidence(), TRAINING), TRAINING, twice)
    assert len(found.signers) == 1


def test_a_signature_of_another_envelope_is_none_here() -> None:
    spec = signed(signed(evidence(), TRAINING, name="one"), RISK, name="two")
    spec["attestations"][0]["envelope"]["payload"] = spec["attestations"][1]["envelope"]["payload"]
    other = signed(evidence(riskCategory="MinimalRisk"), TRAINING)["attestations"][0]["envelope"]
    spec["attestations"][1]["envelope"]["signatures"] += other["signatures"]
    _, second = read(spec, TRAINING, RISK)
    assert names(second, TRAINING, RISK) == ["model-risk"]
    assert second.unverified == ("no key id",)


class _Counting(SignatureCache):
    """Counts what is verified."""

    def __init__(self) -> None:
        super().__init__()
        self.verified = 0

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:  # noqa: ANN401 - any result
        def counted() -> Any:  # noqa: ANN401
            self.verified += 1
            return make()

        return super().get(key, counted)


def test_each_pair_of_envelope_and_key_is_verified_once() -> None:
    known, trusted = _Counting(), anchors(TRAINING, RISK)
    spec = signed(evidence(), RISK)
    first = Verifier(trusted, known).read(spec["attestations"], covered(spec))
    verified = known.verified
    assert 1 <= verified <= 2
    assert Verifier(trusted, known).read(spec["attestations"], covered(spec)) == first
    assert known.verified == verified


def test_a_result_is_of_these_bytes_and_this_key_alone() -> None:
    """A cache that is shared by all manifests must not lend a signer to another payload."""
    known = SignatureCache()
    spec = signed(evidence(), TRAINING)
    (item,) = spec["attestations"]
    other = copy.deepcopy(item)
    other["envelope"]["payload"] = signed(evidence(bias=[]), RISK)["attestations"][0]["envelope"]["payload"]
    verifier = Verifier(anchors(TRAINING), known)
    assert names(verifier.read([item], covered(spec))[0], TRAINING) == ["training"]
    assert verifier.read([other], covered(spec))[0].signers == ()
    assert Verifier(anchors(RISK), known).read([item], covered(spec))[0].signers == ()


def test_the_cache_is_bounded_and_drops_what_was_not_asked_for() -> None:
    cache = SignatureCache(2)
    assert [cache.get(key, partial(str.upper, key)) for key in "abacab"] == list("ABACAB")
    assert len(cache) == 2
    assert cache.get("b", lambda: "again") == "B"
    assert cache.get("c", lambda: "again") == "again"


def test_the_named_key_is_tried_first() -> None:
    parties = [Party(f"party-{number}") for number in range(16)]
    known = _Counting()
    spec = signed(evidence(), parties[-1])
    spec["attestations"][0]["envelope"]["signatures"][0]["keyid"] = parties[-1].anchor
    (found,) = Verifier(anchors(*parties), known).read(spec["attestations"], covered(spec))
    assert names(found, *parties) == ["party-15"]
    assert known.verified == 1


def test_the_work_for_a_manifest_is_bounded() -> None:
    """Eight attestations with eight signatures that nothing made, and hundreds of keys.

    Each of the 64 signatures may cost a 64th of what a manifest may; 300 times 64 verifications would take
    some seconds. No evidence needs 64 signatures, and a key id that names the key works all the same.
    """
    parties = [Party(f"party-{number}") for number in range(300)]
    forged = Party("forger")
    spec = evidence()
    for number in range(8):
        spec = signed(spec, *[forged] * 8, name=f"a{number}")
    last = spec["attestations"][7]["envelope"]
    last["signatures"][7] = signed(evidence(), parties[-1])["attestations"][0]["envelope"]["signatures"][0]
    last["signatures"][7]["keyid"] = parties[-1].anchor
    known = _Counting()
    authorities = [party.authority() for party in parties]
    specs = [
        CompliancePolicySpec.model_validate({"evidence": {"authorities": authorities[start : start + 30]}})
        for start in range(0, 300, 30)
    ]
    found = Verifier(Anchors.of(specs), known).read(spec["attestations"], covered(spec))
    assert known.verified <= MOST_WORK
    assert names(found[7], *parties) == ["party-299"]
    assert sum(len(one.signers) for one in found) == 1


def test_three_signatures_are_tried_with_hundreds_of_keys() -> None:
    parties = [Party(f"party-{number}") for number in range(300)]
    spec = signed(evidence(), parties[-1], parties[0], parties[150])
    policies = [
        CompliancePolicySpec.model_validate({"evidence": {"authorities": [party.authority()]}})
        for party in parties
    ]
    (found,) = Verifier(Anchors.of(policies)).read(spec["attestations"], covered(spec))
    assert names(found, *parties) == ["party-299", "party-0", "party-150"]


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
