import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from actgate.api import predicates
from actgate.api.compliance_policy import Authority, CompliancePolicySpec
from actgate.attestations import Anchors, Verifier, keys
from actgate.decision.attestation import Attestation
from actgate.pipeline import signing
from actgate.pipeline.chains import ChainError
from actgate.pipeline.signing import Signer, SigningError
from tests.attestations import pki
from tests.support.attested import MODEL, evidence

Json = dict[str, Any]
TODAY = datetime(2026, 11, 1, tzinfo=UTC)


def pem_of(key: keys.PrivateKeyType) -> bytes:
    """Return a private key as openssl genpkey writes it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def signer(key: keys.PrivateKeyType, chain: str | None = None) -> Signer:
    """Return what signs with a key."""
    return signing.signer(pem_of(key), lambda: b"", chain)


def verified(item: Json, authority: Json, spec: Json) -> Attestation:
    """Return what the gate's verifier finds of an attestation under the authority that was printed."""
    policy = CompliancePolicySpec.model_validate({"evidence": {"authorities": [authority]}})
    (fact,) = Verifier(Anchors.of([policy])).read([item], spec)
    return fact


def signed(who: Signer, spec: Json, predicate_type: str = predicates.COMPLIANCE_MANIFEST) -> Attestation:
    """Sign what a type covers of a spec, and return what the gate finds of it."""
    predicate = signing.covered(spec, predicate_type)
    payload = signing.payload(signing.subjects(spec), predicate_type, predicate)
    return verified(who.attestation("a", payload), who.authority("a", predicate_type), spec)


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["P-256", "P-384", "Ed25519", "RSA"],
)
def test_what_is_signed_is_verified_under_the_authority_that_is_printed(key: keys.PrivateKeyType) -> None:
    """Each kind of key: the policy fragment is all that a cluster needs."""
    who = signer(key)
    fact = signed(who, evidence())
    assert [one.anchor for one in fact.signers] == [who.fingerprint]
    assert (fact.unreadable, fact.mismatch, fact.subjects) == (None, None, frozenset({MODEL}))


def test_the_envelope_is_the_one_of_the_specification() -> None:
    """DSSE's pre-authentication encoding and canonical JSON, so that the payload has one digest."""
    key = ed25519.Ed25519PrivateKey.generate()
    payload = signing.payload([("m", MODEL)], predicates.BIAS_AUDIT, {"bias": []})
    envelope = signer(key).envelope(payload)
    assert json.loads(payload) == {
        "_type": "https://in-toto.io/Statement/v1",
        "predicate": {"bias": []},
        "predicateType": predicates.BIAS_AUDIT,
        "subject": [{"name": "m", "digest": {"sha256": MODEL.removeprefix("sha256:")}}],
    }
    assert base64.b64decode(envelope["payload"]) == payload
    kind = envelope["payloadType"]
    message = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
    key.public_key().verify(base64.b64decode(envelope["signatures"][0]["sig"]), message)


@pytest.mark.parametrize(
    ("predicate_type", "fields"),
    [
        (predicates.BIAS_AUDIT, {"bias": [{"metric": "x"}]}),
        (predicates.EVALUATION, {"evaluations": [{"kind": "accuracy"}]}),
        (predicates.DATA_QUALITY, {"dataQuality": [{"dataset": "d"}]}),
    ],
)
def test_a_type_signs_its_part_alone(predicate_type: str, fields: Json) -> None:
    """So that an auditor signs what was audited, and nothing else; nulls are as good as absent."""
    spec = {**evidence(), "lineage": None, **fields}
    assert signing.covered(spec, predicate_type) == fields
    whole = signing.covered({**spec, "attestations": [{}]}, predicates.COMPLIANCE_MANIFEST)
    assert whole.keys() == spec.keys() - {"lineage"}


def test_what_is_not_there_cannot_be_signed() -> None:
    """Neither a part that is missing nor a statement about no artefact."""
    spec = evidence()
    with pytest.raises(SigningError, match=r"spec\.evaluations: Required value: there is nothing to sign"):
        signing.covered(spec, predicates.EVALUATION)
    del spec["model"]["digest"]
    with pytest.raises(SigningError, match=r"spec\.model\.digest: Required value: .* actgate model digest"):
        signing.subjects(spec)
    with pytest.raises(SigningError, match="the predicate cannot be signed"):
        signing.payload([("m", MODEL)], predicates.BIAS_AUDIT, {"bias": float("nan")})


def test_statements_are_about_the_model_and_its_images() -> None:
    """Each by the digest that a deployment can be held against."""
    image = f"registry.example/credit@sha256:{'b' * 64}"
    spec = evidence(model={"name": "m", "digest": MODEL, "images": [image]})
    assert signing.subjects(spec) == [("m", MODEL), ("registry.example/credit", f"sha256:{'b' * 64}")]


def test_an_attestation_is_appended_once_by_its_name() -> None:
    """What is there stays as it is."""
    document = {"kind": "ComplianceManifest", "spec": {"attestations": [{"name": "a"}], "model": 1}}
    added = signing.appended(document, {"name": "b"})
    assert added["spec"] == {"attestations": [{"name": "a"}, {"name": "b"}], "model": 1}
    assert len(document["spec"]["attestations"]) == 1  # type: ignore[index]
    with pytest.raises(SigningError, match=r"Duplicate value: \"a\""):
        signing.appended(document, {"name": "a"})


def test_an_approval_names_payload_role_person_and_moment() -> None:
    """The time is a claim; it is there for people."""
    digest = f"sha256:{'c' * 64}"
    assert signing.approval(digest, "Office", "J. Doe", TODAY) == {
        "approves": {"digest": digest},
        "role": "Office",
        "by": "J. Doe",
        "at": "2026-11-01T00:00:00Z",
    }


def test_a_chain_stands_beside_the_envelope_and_its_root_in_the_policy() -> None:
    """The root is left out of the manifest: only the policy's own counts."""
    root = pki.root()
    between = pki.under(root, "Bank ML")
    party, leaf = pki.signer(between)
    below = pki.chain(leaf, between)
    who = signer(party.key, below + root.pem)
    spec = evidence()
    authority = who.authority("ml-platform", predicates.BIAS_AUDIT)
    assert authority["certificate"] == {"roots": root.pem, "identities": [{"uri": pki.SPIFFE}]}
    Authority.model_validate(authority)
    predicate = signing.covered(spec, predicates.BIAS_AUDIT)
    item = who.attestation("a", signing.payload(signing.subjects(spec), predicates.BIAS_AUDIT, predicate))
    assert item["chain"] == below
    (found,) = verified(item, authority, spec).signers
    assert (found.anchor, found.identities) == (root.anchor, (("uri", pki.SPIFFE),))
    without_root = signer(party.key, below)
    assert without_root.attestation("a", b"{}")["chain"] == below
    assert signing.NO_ROOT in str(without_root.authority("a", "t"))


def test_a_chain_that_no_policy_could_accept_is_refused() -> None:
    """Before anything is signed, in words that say what is wrong with it."""
    root, other = pki.root(), pki.root("Other Root")
    between = pki.under(root, "Bank ML")
    party, leaf = pki.signer(between)
    server, nameless = pki.leaf(purposes=(pki.SERVER,)), pki.leaf(names=())
    for chain, sentence in (
        ("", "must be certificates in PEM"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "must be certificates in PEM"),
        (pki.chain(pki.signer(between)[1], between), "has no certificate of the key"),
        (pki.chain(between, leaf), "is in the wrong order: the signer's certificate must be the first"),
        (pki.chain(leaf, root, between), "wrong order: certificate 2 did not issue certificate 1"),
        (pki.chain(leaf, other), "wrong order: certificate 2 did not issue certificate 1"),
        (pki.chain(pki.signer(between, server, party.key)[1], between), "must be for code signing"),
        (pki.chain(pki.signer(between, nameless, party.key)[1], between), "must name its signer"),
        (pki.chain(leaf, *[between] * 9), "must have at most 8"),
    ):
        with pytest.raises(ChainError) as raised:
            signer(party.key, chain)
        assert sentence in str(raised.value)


def test_a_payload_is_known_by_its_sha256() -> None:
    """As the gate computes it, so that a plan can be named before it is attached."""
    spec = evidence()
    who = signer(ed25519.Ed25519PrivateKey.generate())
    payload = signing.payload(signing.subjects(spec), predicates.PLAN, {"bias": []})
    fact = verified(who.attestation("p", payload), who.authority("p", predicates.PLAN), spec)
    assert fact.payload_digest == f"sha256:{hashlib.sha256(payload).hexdigest()}"
    assert fact.planned == ()
