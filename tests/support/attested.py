"""Signed evidence for tests: parties with keys, statements, envelopes, and what a policy says of them.

Written from the specifications alone, not with ``actgate.attestations``, for which it is an oracle: DSSE 1.0
(https://github.com/secure-systems-lab/dsse/blob/master/protocol.md) and in-toto Statement v1
(https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md).

    training, risk = Party("training"), Party("model-risk")
    spec = evidence()
    spec["attestations"] = [attestation("training", COMPLIANCE_MANIFEST, covered(spec), training, risk)]
    policy = {"evidence": trusting(training, risk, require=[required(COMPLIANCE_MANIFEST, training)])}
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.crds import manifest_spec

Json = dict[str, Any]
Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

COMPLIANCE_MANIFEST: Final = "https://actgate.dev/attestation/compliance-manifest/v1alpha1"
BIAS_AUDIT: Final = "https://actgate.dev/attestation/bias-audit/v1alpha1"
APPROVAL: Final = "https://actgate.dev/attestation/approval/v1alpha1"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"

MODEL: Final = f"sha256:{hashlib.sha256(b'the bytes of a model').hexdigest()}"


def p256() -> Key:
    """Return a new key for ECDSA on P-256 with SHA-256, as cosign makes them."""
    return ec.generate_private_key(ec.SECP256R1())


def p384() -> Key:
    """Return a new key for ECDSA on P-384 with SHA-384."""
    return ec.generate_private_key(ec.SECP384R1())


def ed25519_key() -> Key:
    """Return a new Ed25519 key."""
    return ed25519.Ed25519PrivateKey.generate()


def rsa_pss(bits: int = 2048) -> Key:
    """Return a new key for RSASSA-PSS with SHA-256; it takes a part of a second."""
    return rsa.generate_private_key(65537, bits)


@dataclass(frozen=True)
class Party:
    """A party that signs, with a key of its own."""

    name: str
    key: Key = field(default_factory=p256, repr=False)

    @property
    def pem(self) -> str:
        """The public key as a policy has it."""
        public = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return public.decode()

    @property
    def anchor(self) -> str:
        """By what the key is known: SHA-256 of the DER of its SubjectPublicKeyInfo."""
        return _sha256(self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    def sign(self, data: bytes) -> bytes:
        """Return the signature over some bytes, with the algorithm that the key sets."""
        match self.key:
            case ec.EllipticCurvePrivateKey():
                large = self.key.curve.key_size > 256
                return self.key.sign(data, ec.ECDSA(SHA384() if large else SHA256()))
            case rsa.RSAPrivateKey():
                salted = padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH)
                return self.key.sign(data, salted, SHA256())
            case _:
                return self.key.sign(data)

    def authority(self, *may_attest: str, **more: Any) -> Json:  # noqa: ANN401 - fields of an authority
        """Return the authority of a policy that trusts this party, for compliance manifests by default."""
        types = [*may_attest] or [COMPLIANCE_MANIFEST]
        return {"name": self.name, "key": {"data": self.pem}, "mayAttest": types, **more}


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return what a signature of an envelope is over: DSSE's pre-authentication encoding."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def statement(predicate_type: str, predicate: Json, *subjects: str) -> bytes:
    """Return an in-toto Statement v1 about artefacts by their digests, the model's by default."""
    about = [{"digest": {"sha256": digest.removeprefix("sha256:")}} for digest in subjects or (MODEL,)]
    body = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": about,
        "predicateType": predicate_type,
        "predicate": predicate,
    }
    return json.dumps(body).encode()


def envelope(payload: bytes, *parties: Party, payload_type: str = PAYLOAD_TYPE) -> Json:
    """Return a DSSE envelope over a payload, signed by each of the parties."""
    signed = pae(payload_type, payload)
    return {
        "payloadType": payload_type,
        "payload": _base64(payload),
        "signatures": [{"sig": _base64(party.sign(signed))} for party in parties],
    }


def attestation(
    name: str, predicate_type: str, predicate: Json, *parties: Party, subjects: tuple[str, ...] = ()
) -> Json:
    """Return an item of ``spec.attestations``."""
    return {"name": name, "envelope": envelope(statement(predicate_type, predicate, *subjects), *parties)}


def payload_digest(item: Json) -> str:
    """Return the digest by which a policy withdraws an attestation that has an envelope."""
    return _sha256(base64.b64decode(item["envelope"]["payload"]))


def evidence(**changes: Any) -> Json:  # noqa: ANN401 - fields of a ComplianceManifest's spec
    """Return the spec of a manifest that names its model by digest, and whose measurement has its counts."""
    measured = {
        "attribute": "gender",
        "metric": "demographic_parity_difference",
        "value": 0.03125,
        "groups": [
            {"name": "female", "count": 4096, "selected": 896},
            {"name": "male", "count": 4096, "selected": 1024},
        ],
    }
    model = {"name": "CreditRiskScorer", "version": "2", "digest": MODEL}
    return manifest_spec(**{"model": model, "bias": [measured], **changes})


def covered(spec: Json) -> Json:
    """Return the predicate that covers a whole spec: all of it but its attestations."""
    return {key: value for key, value in spec.items() if key != "attestations"}


def signed(spec: Json, *parties: Party, name: str = "training") -> Json:
    """Return a spec with one more attestation that covers it whole, in one envelope that all parties sign."""
    subject = spec["model"].get("digest", MODEL)
    item = attestation(name, COMPLIANCE_MANIFEST, covered(spec), *parties, subjects=(subject,))
    return {**spec, "attestations": [*spec.get("attestations", ()), item]}


def required(predicate_type: str, *parties: Party, **more: Any) -> Json:  # noqa: ANN401 - fields of a requirement
    """Return a requirement of a policy: any of these parties has to attest that."""
    return {"predicateType": predicate_type, "authorities": [party.name for party in parties], **more}


def trusting(*trusted: Party | Json, **more: Any) -> Json:  # noqa: ANN401 - fields of an evidence policy
    """Return the evidence part of a policy, by parties or whole authorities.

    By default one of them has to sign the whole manifest.
    """
    authorities = [item.authority() if isinstance(item, Party) else item for item in trusted]
    names = [item["name"] for item in authorities]
    wanted = {"predicateType": COMPLIANCE_MANIFEST, "authorities": names}
    return {"authorities": authorities, "require": [wanted] if names else [], **more}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
