"""Signing evidence: statements about a model, in DSSE envelopes, appended to a manifest.

A statement says of the artefacts that a manifest names (model digest, images) what its predicate type covers
of ``spec``; ``actgate.attestations`` is what reads it again. Keys are files here; what signs with a KMS would
be another ``Signer``. The border: values in, values out.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from actgate.api import predicates
from actgate.api.names import is_namespace_name
from actgate.api.quoting import quoted
from actgate.api.times import timestamp
from actgate.attestations import coverage, envelope, keys, statement
from actgate.manifests.digests import without_nulls
from actgate.manifests.errors import DigestError, EvidenceError
from actgate.pipeline import chains, private_keys
from actgate.pipeline.chains import Chain

Json = dict[str, Any]
Subjects = list[tuple[str, str]]
"""Name and digest (``sha256:<hex>``) of each artefact that a statement is about."""

_DIGEST: Final = (
    "spec.model.digest: Required value: a statement must be about the bytes of a model: "
    "give the model with --model, or write what actgate model digest prints"
)


NO_ROOT: Final = "<the root certificate in PEM>"
"""Stands for a root that is not in the chain."""


class SigningError(EvidenceError):
    """Evidence that cannot be signed, or signed evidence that cannot be added; one sentence."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key, and the certificates that speak for it."""

    key: keys.PrivateKeyType
    chain: Chain | None = None
    """None where the key speaks for itself."""
    called: str | None = None
    """What the file of the key is called, where an authority can have that name."""

    @property
    def fingerprint(self) -> str:
        """``sha256:<hex>`` of the public key, as policies know it."""
        return keys.fingerprint(self.key.public_key())

    @property
    def pem(self) -> str:
        """The public key in PEM, as policies have it."""
        public = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return public.decode()

    def envelope(self, payload: bytes) -> Json:
        """Return the DSSE envelope of a statement."""
        message = envelope.pae(predicates.STATEMENT_MEDIA_TYPE, payload)
        signature = envelope.Signature(keys.sign(self.key, message), self.fingerprint)
        return envelope.Envelope(predicates.STATEMENT_MEDIA_TYPE, payload, (signature,)).as_json()

    def attestation(self, name: str, payload: bytes) -> Json:
        """Return an item of ``spec.attestations``."""
        chain = {} if self.chain is None else {"chain": self.chain.pem}
        return {"name": name, "envelope": self.envelope(payload), **chain}

    def authority(self, name: str, predicate_type: str) -> Json:
        """Return the item of ``spec.evidence.authorities`` of a policy that trusts this signer for a type."""
        if self.chain is None:
            return {"name": name, "key": {"data": self.pem}, "mayAttest": [predicate_type]}
        identities = [{kind: value} for kind, value in self.chain.identities]
        trusted = {"roots": self.chain.root or NO_ROOT, "identities": identities}
        return {"name": name, "certificate": trusted, "mayAttest": [predicate_type]}


def subjects(spec: Mapping[str, Any]) -> Subjects:
    """Return the artefacts that the statements of a manifest are about: its model, and its images.

    Raises:
        SigningError: It names none by digest.
    """
    model = spec.get("model") or {}
    found = [(model.get("name", "model"), model["digest"])] if model.get("digest") else []
    images = (image.rpartition("@") for image in model.get("images") or ())
    found += [(name, digest) for name, _, digest in images]
    if not found:
        raise SigningError(_DIGEST)
    return found


def covered(spec: Mapping[str, Any], predicate_type: str) -> Json:
    """Return the predicate of a statement: what its type covers of ``spec``.

    Raises:
        SigningError: The spec has nothing of it, or has no canonical form.
    """
    fields = coverage.covered(predicate_type)
    try:
        tidy = without_nulls(spec)
    except DigestError as error:
        raise SigningError(str(error)) from None
    found = {key: value for key, value in tidy.items() if key in fields} if isinstance(tidy, dict) else {}
    if not found:
        missing = ", ".join(f"spec.{field}" for field in sorted(fields))
        raise SigningError(f"{missing}: Required value: there is nothing to sign")
    return found


def approval(payload_digest: str, role: str, by: str, at: datetime | None = None) -> Json:
    """Return the predicate of an approval of another payload, at a moment that is the present by default."""
    moment = (at or datetime.now(UTC)).replace(microsecond=0)
    return {"approves": {"digest": payload_digest}, "role": role, "by": by, "at": timestamp(moment)}


def payload(about: Iterable[tuple[str, str]], predicate_type: str, predicate: Mapping[str, Any]) -> bytes:
    """Return the bytes to sign.

    Raises:
        SigningError: The predicate has no canonical form.
    """
    try:
        return statement.build(about, predicate_type, predicate)
    except ValueError as error:
        raise SigningError(f"the predicate cannot be signed: {error}") from None


def appended(document: Mapping[str, Any], item: Mapping[str, Any]) -> Json:
    """Return a manifest with one more attestation, at the end.

    Raises:
        SigningError: It has one of that name.
    """
    spec = document["spec"]
    present = spec.get("attestations") or []
    if any(other.get("name") == item["name"] for other in present if isinstance(other, Mapping)):
        raise SigningError(
            f"spec.attestations: Duplicate value: {quoted(item['name'])}: must be a name that no other has; "
            "give another with --name"
        )
    return {**document, "spec": {**spec, "attestations": [*present, item]}}


def attested(
    document: Mapping[str, Any],
    who: Signer,
    name: str,
    predicate_type: str = predicates.COMPLIANCE_MANIFEST,
    predicate: Mapping[str, Any] | None = None,
) -> tuple[Json, bytes]:
    """Return a manifest with a statement about it that was signed now, and the payload that was.

    Args:
        document: The manifest.
        who: What signs.
        name: Name of the attestation.
        predicate_type: What is attested.
        predicate: What is signed; by default what the type covers of ``spec``.

    Raises:
        SigningError: There is nothing to sign, or the manifest has an attestation of that name.
    """
    spec = document["spec"]
    stated = covered(spec, predicate_type) if predicate is None else predicate
    signed = payload(subjects(spec), predicate_type, stated)
    return appended(document, who.attestation(name, signed)), signed


def signer_of_files(
    key: str | os.PathLike[str],
    chain: str | os.PathLike[str] | None,
    password: private_keys.PasswordSource,
) -> Signer:
    """Return what signs, by its files, as ``signer`` does by their content.

    Raises:
        SigningError: One of them cannot be used; a sentence.
        OSError: One of them cannot be read.
    """
    pem = None if chain is None else Path(chain).read_bytes().decode("utf-8", "replace")
    try:
        stem = Path(key).name.partition(".")[0]
        return replace(
            signer(Path(key).read_bytes(), password, pem), called=stem if is_namespace_name(stem) else None
        )
    except private_keys.KeyFileError as error:
        raise SigningError(f"{os.fspath(key)} {error}") from None
    except chains.ChainError as error:
        raise SigningError(f"{chain} {error}") from None


def signer(key: bytes, password: private_keys.PasswordSource, chain: str | None = None) -> Signer:
    """Return what signs, by the content of its files.

    Args:
        key: The private key, as ``private_keys.load`` reads it.
        password: Returns the password of an encrypted key.
        chain: Certificates in PEM: the signer's own, then each that issued the one before.

    Raises:
        KeyFileError: The key cannot be used; a clause that goes on after the file's name.
        ChainError: The chain cannot; the same.
    """
    loaded = private_keys.load(key, password)
    return Signer(loaded, None if chain is None else chains.load(chain, loaded.public_key()))
