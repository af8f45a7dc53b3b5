"""Chains of certificates: what leads to a trusted root, what does not, and why."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from actgate.api.compliance_policy import Authority
from actgate.attestations import AttestationError, authority_anchors
from actgate.decision.attestation import Attestation
from tests.attestations import pki
from tests.attestations.build import read
from tests.attestations.pki import Issuer, Shape, chain, leaf, root, signer, trusting_roots, under, year
from tests.support.attested import Json, Party, ed25519_key, evidence, p384, rsa_pss, signed

ROOT = root()
ISSUING = under(ROOT, "Issuing")


def attested(party: Party, *certificates: Issuer) -> Json:
    """Return a spec that a party signed, with a chain beside the envelope."""
    spec = signed(evidence(), party)
    spec["attestations"][0]["chain"] = chain(*certificates)
    return spec


def judged(
    *above: Issuer,
    shape: Shape | None = None,
    key: Any = None,  # noqa: ANN401 - of any kind
    trusted: tuple[Issuer, ...] = (ROOT,),
) -> Attestation:
    """Return the facts about a signature under some issuers, the nearest one first."""
    party, certificate = signer(above[0], shape, key)
    put = [one for one in above if one is not ROOT]
    (found,) = read(attested(party, certificate, *put), trusting_roots(*trusted))
    return found


def test_a_chain_proves_a_name_under_a_root_and_for_a_period() -> None:
    """The period in which the chain as a whole is valid; whether it was signed in it is judged later."""
    issuing = under(ROOT, "Issuing", Shape(start=year(2024), end=year(2030)))
    found = judged(issuing, shape=leaf(start=year(2023), end=year(2025)))
    (who,) = found.signers
    assert who.anchor == ROOT.anchor
    assert who.name == pki.SPIFFE
    assert who.identities == (("uri", pki.SPIFFE),)
    assert (who.not_before, who.not_after) == (year(2024), year(2025))
    assert (found.unverified, found.invalid) == ((), None)


@pytest.mark.parametrize("make", [p384, rsa_pss, ed25519_key])
def test_a_signer_may_have_a_key_of_any_kind(make: Any) -> None:  # noqa: ANN401
    assert len(judged(ISSUING, key=make()).signers) == 1


def test_a_certificate_that_expired_long_ago_is_a_fact_with_its_period() -> None:
    """Evidence outlives its signers' certificates; the decision compares with a trusted time."""
    (who,) = judged(ISSUING, shape=leaf(end=year(2021))).signers
    assert who.not_after == year(2021)


def test_the_root_may_be_part_of_the_chain_and_is_not_trusted_for_it() -> None:
    party, certificate = signer(ISSUING)
    spec = attested(party, certificate, ISSUING, ROOT)
    assert len(read(spec, trusting_roots(ROOT))[0].signers) == 1
    assert read(spec, trusting_roots(root("Another")))[0].signers == ()


def test_the_order_of_the_issuers_does_not_matter() -> None:
    upper = under(ROOT, "Upper")
    lower = under(upper, "Lower")
    party, certificate = signer(lower)
    assert len(read(attested(party, certificate, upper, lower), trusting_roots(ROOT))[0].signers) == 1


def test_a_policy_may_trust_an_issuer_below_the_root() -> None:
    party, certificate = signer(ISSUING)
    (found,) = read(attested(party, certificate, ISSUING, ROOT), trusting_roots(ISSUING))
    assert [who.anchor for who in found.signers] == [ISSUING.anchor]


REFUSED = {
    "without a subject alternative name": (
        (ISSUING,),
        leaf(names=()),
        "it has no subject alternative name that is a URI, an e-mail address or a DNS name",
    ),
    "with a name of another kind alone": (
        (ISSUING,),
        leaf(names=(x509.RegisteredID(pki.SERVER),)),
        "it has no subject alternative name that is a URI, an e-mail address or a DNS name",
    ),
    "of a server": (
        (ISSUING,),
        leaf(purposes=(pki.SERVER,)),
        "it is not for code signing (extended key usage)",
    ),
    "without a purpose": ((ISSUING,), leaf(purposes=()), "it is not for code signing (extended key usage)"),
    "for encryption alone": (
        (ISSUING,),
        leaf(signs=False),
        "it is not for digital signatures (key usage)",
    ),
    "that may issue certificates": (
        (ISSUING,),
        leaf(ca=True, signs_certificates=True),
        "it is the certificate of an authority, not of a signer (basic constraints)",
    ),
    "issued by no authority": (
        (under(ROOT, "Signer", leaf()),),
        leaf(),
        "basicConstraints.cA must be asserted in a CA certificate",
    ),
    "issued by one that may not issue": (
        (under(ROOT, "Reader", Shape(signs_certificates=False)),),
        leaf(),
        "keyUsage.keyCertSign must be asserted in a CA certificate",
    ),
    "issued by one for servers alone": (
        (under(ROOT, "Servers", Shape(purposes=(pki.SERVER,))),),
        leaf(),
        '"CN=Servers" may not issue it for code signing (extended key usage)',
    ),
    "whose issuers are valid at other times": (
        (under(ROOT, "Old", Shape(end=year(2021))),),
        leaf(start=year(2022)),
        "its certificates are never all valid at the same time",
    ),
    "by a root of the same name": ((root(),), leaf(), "signature does not match"),
}


@pytest.mark.parametrize(("above", "shape", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_chain_is_refused(above: tuple[Issuer, ...], shape: Shape, reason: str) -> None:
    found = judged(*above, shape=shape)
    assert found.signers == ()
    assert found.invalid is not None
    assert found.invalid.endswith(f", does not verify: {reason}")
    assert len(found.unverified) == 1


def test_a_path_longer_than_the_root_allows_is_refused() -> None:
    short = root("Short", Shape(path_length=0))
    found = judged(under(short, "Below"), trusted=(short,))
    assert found.signers == ()
    assert str(found.invalid).endswith("does not verify: path length constraint violated")


def test_a_chain_of_more_than_four_issuers_is_refused() -> None:
    issuers = [ROOT]
    for number in range(5):
        issuers.append(under(issuers[-1], f"Issuer {number}"))
    assert len(judged(*reversed(issuers[1:-1])).signers) == 1
    found = judged(*reversed(issuers[1:]))
    assert found.signers == ()
    assert str(found.invalid).endswith("is too long: must have at most 4 certificates between")


def test_names_that_go_in_a_circle_end() -> None:
    one, other = under(root("B"), "A"), under(root("A"), "B")
    found = judged(one, other)
    assert found.signers == ()
    assert "is too long" in str(found.invalid)


def test_two_certificates_of_one_name_are_refused() -> None:
    """Where a way branches, finding the one that verifies is what an attacker can make expensive."""
    found = judged(ISSUING, under(ROOT, "Issuing"))
    assert str(found.invalid).endswith('has two certificates of "CN=Issuing": must have one')


def test_a_certificate_under_a_root_that_no_policy_trusts_is_a_claim() -> None:
    found = judged(ISSUING, trusted=(root("Another Bank"),))
    assert found.signers == ()
    assert found.invalid is None
    assert found.unverified == (f'certificate of "{pki.SPIFFE}", issued by "CN=Issuing"',)


def test_a_self_signed_certificate_is_a_claim() -> None:
    party = Party("signer")
    certificate = root("signer", leaf(), party.key)
    (found,) = read(attested(party, certificate), trusting_roots(ROOT))
    assert (found.signers, found.invalid) == ((), None)


def test_a_self_signed_certificate_in_the_name_of_the_root_is_refused() -> None:
    party = Party("signer")
    certificate = root("Bank Root", leaf(), party.key)
    (found,) = read(attested(party, certificate), trusting_roots(ROOT))
    assert found.signers == ()
    assert str(found.invalid).endswith("does not verify: signature does not match")


def test_the_root_itself_does_not_sign() -> None:
    (found,) = read(attested(Party("root", ROOT.key), ROOT), trusting_roots(ROOT))
    assert found.signers == ()
    assert "it is the certificate of an authority" in str(found.invalid)


def test_a_chain_of_another_signer_proves_nothing() -> None:
    """A certificate is public: only its key makes a signature."""
    _, certificate = signer(ISSUING)
    (found,) = read(attested(Party("thief"), certificate, ISSUING), trusting_roots(ROOT))
    assert found.signers == ()
    assert found.invalid == (
        f'no signature was made with the key of the certificate of "{pki.SPIFFE}", issued by "CN=Issuing"'
    )


def test_a_key_that_is_trusted_as_it_is_needs_no_chain_that_verifies() -> None:
    party, certificate = signer(ISSUING, leaf(purposes=(pki.SERVER,)))
    (found,) = read(attested(party, certificate, ISSUING), trusting_roots(ROOT), party)
    assert [who.anchor for who in found.signers] == [party.anchor]


def test_a_root_that_was_issued_again_verifies_what_the_old_one_issued() -> None:
    """Both are in the policy for a while, under the same name; that one of them fails is no defect."""
    again, another_key = root(key=ROOT.key), root()
    found = judged(ISSUING, trusted=(another_key, again, ROOT))
    assert {who.anchor for who in found.signers} == {again.anchor, ROOT.anchor}
    assert len({who.party for who in found.signers}) == 1
    assert found.invalid is None


def test_one_signature_is_of_one_party_however_it_is_trusted() -> None:
    """The same key is certified under two roots, and trusted as it is: three anchors, and one person."""
    other = root("Another Bank")
    party, certificate = signer(ROOT)
    _, second = signer(other, key=party.key)
    spec = attested(party, certificate)
    spec = signed(spec, party, name="again")
    spec["attestations"][1]["chain"] = chain(second)
    first, again = read(spec, trusting_roots(ROOT), trusting_roots(other, name="other"), party)
    assert {who.anchor for who in first.signers} == {ROOT.anchor, party.anchor}
    assert {who.anchor for who in again.signers} == {other.anchor, party.anchor}
    assert {who.party for who in (*first.signers, *again.signers)} == {party.anchor}


def test_one_name_under_a_root_is_one_party_with_each_of_its_certificates() -> None:
    """Certificates are renewed with new keys, and may add a name; the person is the same."""
    spec, names = evidence(), (*pki.SAN, x509.RFC822Name("ml@bank.example"))
    for number, shape in enumerate((leaf(), leaf(names=names), leaf(names=(names[1],)))):
        party, certificate = signer(ISSUING, shape)
        spec = signed(spec, party, name=f"a{number}")
        spec["attestations"][-1]["chain"] = chain(certificate, ISSUING)
    signers = [who for found in read(spec, trusting_roots(ROOT)) for who in found.signers]
    assert len(signers) == 3
    assert len({who.party for who in signers}) == 1


def test_different_names_are_different_parties() -> None:
    spec = evidence()
    for number in range(2):
        names = (x509.RFC822Name(f"person-{number}@bank.example"),)
        party, certificate = signer(ISSUING, leaf(names=names))
        spec = signed(spec, party, name=f"a{number}")
        spec["attestations"][-1]["chain"] = chain(certificate, ISSUING)
    signers = [who for found in read(spec, trusting_roots(ROOT)) for who in found.signers]
    assert len({who.party for who in signers}) == 2


def test_a_name_is_a_party_under_its_root_alone() -> None:
    """Two authorities may each certify the same name, and mean two people."""
    other, spec = root("Another Bank"), evidence()
    for number, issuer in enumerate((ROOT, other)):
        party, certificate = signer(issuer)
        spec = signed(spec, party, name=f"a{number}")
        spec["attestations"][-1]["chain"] = chain(certificate)
    found = read(spec, trusting_roots(ROOT), trusting_roots(other, name="other"))
    assert len({who.party for fact in found for who in fact.signers}) == 2


def test_the_work_for_roots_of_one_name_is_bounded() -> None:
    """Each of them has to be tried with a chain that names it."""
    roots = [root(key=ROOT.key) for _ in range(96)]
    trusted = [trusting_roots(*roots[at : at + 16], name=f"a{at}") for at in range(0, 96, 16)]
    party, certificate = signer(ROOT)
    (found,) = read(attested(party, certificate), *trusted)
    assert 1 <= len(found.signers) <= 2048 // 25


@pytest.mark.parametrize("version", ["+json;version=0.1", "+json;version=0.2", ".v0.3+json"])
def test_a_bundle_brings_its_certificates(version: str) -> None:
    party, certificate = signer(ISSUING)
    spec = signed(evidence(), party)
    raw = [{"rawBytes": der(one)} for one in (certificate, ISSUING)]
    bundle = {
        "mediaType": f"application/vnd.dev.sigstore.bundle{version}",
        "verificationMaterial": {"x509CertificateChain": {"certificates": raw}},
        "dsseEnvelope": spec["attestations"][0]["envelope"],
    }
    spec["attestations"] = [{"name": "training", "bundle": json.dumps(bundle)}]
    assert [who.anchor for who in read(spec, trusting_roots(ROOT))[0].signers] == [ROOT.anchor]


def test_a_bundle_with_one_certificate_takes_the_issuers_from_the_chain() -> None:
    party, certificate = signer(ISSUING)
    spec = signed(evidence(), party)
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"certificate": {"rawBytes": der(certificate)}},
        "dsseEnvelope": spec["attestations"][0]["envelope"],
    }
    spec["attestations"] = [{"name": "training", "bundle": json.dumps(bundle), "chain": chain(ISSUING)}]
    assert [who.anchor for who in read(spec, trusting_roots(ROOT))[0].signers] == [ROOT.anchor]


@pytest.mark.parametrize(
    "text", ["", "-----BEGIN CERTIFICATE-----", ROOT.pem[:200], ROOT.pem.replace("M", "A", 2), ROOT.pem * 9]
)
def test_a_chain_that_is_not_understood_is_a_fact(text: str) -> None:
    spec = signed(evidence(), Party("training"))
    spec["attestations"][0]["chain"] = text
    (found,) = read(spec, trusting_roots(ROOT))
    assert found.signers == ()
    assert text == "" or (found.unreadable is not None and found.unreadable.path == "chain")


BAD_ROOTS = {
    "no certificate": ("-----BEGIN CERTIFICATE-----\nnonsense", "must be certificates in PEM"),
    "a signer's": (chain(signer(ROOT)[1]), '"CN=signer" is not a certificate of an authority'),
    "too many": (ROOT.pem * 33, "has 33 certificates: must have at most 32"),
    "a small key": (root("Weak", key=rsa_pss(1024)).pem, 'the key of "CN=Weak" is RSA of 1024 bits'),
}


@pytest.mark.parametrize(("text", "reason"), BAD_ROOTS.values(), ids=BAD_ROOTS.keys())
def test_roots_that_cannot_be_used_are_refused_with_one_sentence(text: str, reason: str) -> None:
    given = {**trusting_roots(ROOT), "certificate": {"roots": text, "identities": [{"uri": pki.SPIFFE}]}}
    authority = Authority.model_validate(given, by_alias=True, by_name=False)
    with pytest.raises(AttestationError) as raised:
        authority_anchors(authority)
    assert str(raised.value).startswith(f"certificate.roots: Invalid value: {reason}")


def der(certificate: Issuer) -> str:
    return base64.b64encode(certificate.certificate.public_bytes(Encoding.DER)).decode()
