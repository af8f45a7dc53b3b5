"""The signed part of a pack, as files that openssl reads: envelopes, certificates, keys of the policies.

Everything here is derived from the manifest and the policies, so that it can be derived again and compared.
"""

import base64
import hashlib
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from actgate import documents
from actgate.api.names import is_object_name
from actgate.attestations import AttestationError
from actgate.attestations import bundle as bundles
from actgate.attestations import envelope as envelopes
from actgate.attestations.envelope import Envelope
from actgate.decision import Policy

_FOLDER: Final = "envelopes"


@dataclass(frozen=True, slots=True)
class Key:
    """A public key that a policy trusts, or that a certificate holds."""

    file: str
    kind: str
    """Such as ``ECDSA P-256``."""
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Check:
    """A signature of an envelope, and the key that verifies it; None where no known key does."""

    number: int
    """Of the signature in the envelope, from 1."""
    key: Key | None
    chain: str | None = None
    """File of the certificates, where their first one holds the key."""
    roots: tuple[str, ...] = ()
    """Files of the roots under which a policy accepts certificates."""


@dataclass(frozen=True, slots=True)
class Signed:
    """An attestation of the manifest."""

    name: str
    file: str
    payload_digest: str
    checks: tuple[Check, ...]


@dataclass(slots=True)
class Signatures:
    """All files about signatures, and what they say."""

    files: dict[str, bytes] = field(default_factory=dict)
    signed: list[Signed] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    """Names of attestations that are no envelope."""


def of(items: object, policies: Iterable[Policy]) -> Signatures:
    """Return the files for the attestations of a manifest under some policies.

    Args:
        items: ``spec.attestations`` as JSON has it.
        policies: Whose keys and roots are written beside them.
    """
    found = Signatures()
    listed = items if isinstance(items, list) else []
    if not listed:
        return found
    known = list(_keys(policies, found))
    for number, item in enumerate(listed, 1):
        name = item.get("name") if isinstance(item, Mapping) else None
        called = name if isinstance(name, str) and is_object_name(name) else f"attestation-{number}"
        if f"{_FOLDER}/{called}.dsse.json" in found.files:
            called = f"{called}-{number}"
        try:
            envelope, chain = _read(item)
        except (AttestationError, LookupError, TypeError):
            found.unreadable.append(called)
            continue
        _add(found, called, envelope, chain, item, known)
    return found


def _add(
    found: Signatures,
    called: str,
    envelope: Envelope,
    chain: str,
    item: Mapping[str, Any],
    known: list[Key],
) -> None:
    file = f"{_FOLDER}/{called}.dsse.json"
    found.files[file] = documents.to_json(envelope.as_json()).encode()
    if isinstance(item.get("bundle"), str):
        found.files[f"{_FOLDER}/{called}.sigstore.json"] = item["bundle"].encode("utf-8", "replace")
    certified = None
    if chain:
        chain_file = f"{_FOLDER}/{called}.chain.pem"
        found.files[chain_file] = chain.encode("utf-8", "replace")
        certified = _certified(chain, chain_file)
    message = envelopes.pae(envelope.payload_type, envelope.payload)
    roots = tuple(sorted(name for name in found.files if name.endswith(".roots.pem")))
    checks = []
    for number, signature in enumerate(envelope.signatures, 1):
        key = next((one for one in known if _verifies(found.files[one.file], signature.value, message)), None)
        by_certificate = (
            key is None and certified is not None and certified[1].verifies(signature.value, message)
        )
        if by_certificate and certified is not None:
            checks.append(Check(number, certified[0], certified[0].file, roots))
        else:
            checks.append(Check(number, key))
    digest = f"sha256:{hashlib.sha256(envelope.payload).hexdigest()}"
    found.signed.append(Signed(called, file, digest, tuple(checks)))


def _read(item: Any) -> tuple[Envelope, str]:  # noqa: ANN401 - whatever JSON has there
    """Return the envelope of an attestation, and the certificates beside it in PEM."""
    if "bundle" in item:
        bundle = bundles.read(item["bundle"], "bundle")
        return bundle.envelope, "".join(map(_pem, bundle.certificates))
    chain = item.get("chain")
    return envelopes.read(item["envelope"], "envelope"), chain if isinstance(chain, str) else ""


def _pem(der: bytes) -> str:
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode("ascii"), 64))
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"


def _keys(policies: Iterable[Policy], found: Signatures) -> Iterator[Key]:
    """Yield the keys of all authorities, and add them and the roots as files."""
    from actgate.attestations import keys

    for policy in policies:
        for number, authority in enumerate(policy.spec.evidence.authorities, 1):
            called = authority.name if is_object_name(authority.name) else f"authority-{number}"
            stem = f"keys/{policy.name}.{called}"
            if authority.certificate is not None:
                found.files[f"{stem}.roots.pem"] = authority.certificate.roots.encode()
            if authority.key is None:
                continue
            try:
                key = keys.from_pem(authority.key.data)
            except AttestationError:
                continue  # The policy's own findings say so.
            found.files[f"{stem}.pem"] = authority.key.data.encode()
            one = Key(f"{stem}.pem", key.kind, key.fingerprint)
            found.keys.append(one)
            yield one


def _certified(chain: str, file: str) -> "tuple[Key, Any] | None":
    from actgate.attestations import certificates, keys

    try:
        key = keys.wrap(certificates.from_pem(chain)[0].public_key())
    except (AttestationError, ValueError):
        return None
    return Key(file, key.kind, key.fingerprint), key


def _verifies(pem: bytes, signature: bytes, message: bytes) -> bool:
    from actgate.attestations import keys

    return keys.from_pem(pem.decode()).verifies(signature, message)
