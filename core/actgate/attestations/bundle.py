"""Sigstore bundles v0.1, v0.2 and v0.3: an envelope, and what its signature is verified with.

Source: https://github.com/sigstore/protobuf-specs, ``sigstore_bundle.proto`` and ``sigstore_common.proto``,
in their JSON form. Entries of a transparency log and timestamps are neither verified nor used: a time that
nothing here verified is a claim. A verified timestamp (RFC 3161, Rekor) will become
``Attestation.signed_by``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from actgate.api.compliance_manifest import MOST_PAYLOAD
from actgate.api.quoting import invalid
from actgate.attestations import envelope, strict_json
from actgate.attestations.envelope import Envelope
from actgate.attestations.errors import UnreadableError

MEDIA_TYPES: Final = frozenset(
    {
        "application/vnd.dev.sigstore.bundle+json;version=0.1",
        "application/vnd.dev.sigstore.bundle+json;version=0.2",
        "application/vnd.dev.sigstore.bundle+json;version=0.3",
        "application/vnd.dev.sigstore.bundle.v0.3+json",
    }
)
_MOST_CERTIFICATES: Final = 8
_MOST_CERTIFICATE: Final = 16_384
_MOST_HINT: Final = 256
_WRITE: Final = "write the bundle as `cosign attest-blob --bundle` made it, unchanged"


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle holds, as far as it is used."""

    envelope: Envelope
    hint: str = ""
    """At the public key; empty where a certificate signed."""
    certificates: tuple[bytes, ...] = ()
    """The signer's certificate and the intermediate ones, DER."""


def read(text: object, path: str) -> Bundle:
    """Read a Sigstore bundle.

    Args:
        text: The bundle, JSON.
        path: Where it stands within the attestation, for messages.

    Raises:
        UnreadableError: It is no bundle of a known version, or holds no DSSE envelope.
    """
    if not isinstance(text, str) or len(text) > MOST_PAYLOAD:
        message = invalid(text, f"text of at most {MOST_PAYLOAD} characters")
        raise UnreadableError(path, message, _WRITE)
    try:
        value = strict_json.loads(text.encode("utf-8"))
    except ValueError as error:  # UnicodeEncodeError as well
        raise UnreadableError(path, f"Invalid value: {error}", _WRITE) from None
    bundle = _object(value, path)
    media_type = bundle.get("mediaType")
    if not isinstance(media_type, str) or media_type not in MEDIA_TYPES:
        message = invalid(media_type, "the media type of a Sigstore bundle v0.1, v0.2 or v0.3")
        raise UnreadableError(f"{path}.mediaType", message, _WRITE)
    if "dsseEnvelope" not in bundle:
        message = (
            "Required value: must hold a DSSE envelope; a message signature names no model and no evidence"
        )
        raise UnreadableError(f"{path}.dsseEnvelope", message, "sign a statement: `cosign attest-blob`")
    signed = envelope.read(bundle["dsseEnvelope"], f"{path}.dsseEnvelope")
    if len(signed.signatures) != 1:
        message = invalid(list(signed.signatures), "one signature, as in every bundle")
        raise UnreadableError(f"{path}.dsseEnvelope.signatures", message, _WRITE)
    material = _object(bundle.get("verificationMaterial"), f"{path}.verificationMaterial")
    return _with_material(signed, material, f"{path}.verificationMaterial")


def _with_material(signed: Envelope, material: Mapping[str, Any], path: str) -> Bundle:
    kinds = [kind for kind in ("publicKey", "x509CertificateChain", "certificate") if kind in material]
    if len(kinds) != 1:
        message = "Required value: must have one of publicKey, x509CertificateChain, certificate"
        raise UnreadableError(path, message, _WRITE)
    value = _object(material[kinds[0]], f"{path}.{kinds[0]}")
    if kinds[0] == "publicKey":
        hint = value.get("hint")
        known = isinstance(hint, str) and len(hint) <= _MOST_HINT
        return Bundle(signed, hint if known and isinstance(hint, str) else "")
    if kinds[0] == "certificate":
        return Bundle(signed, certificates=(_certificate(value, f"{path}.certificate"),))
    listed = value.get("certificates")
    at = f"{path}.x509CertificateChain.certificates"
    if not isinstance(listed, list) or not 1 <= len(listed) <= _MOST_CERTIFICATES:
        raise UnreadableError(
            at, invalid(listed, f"a list of 1 to {_MOST_CERTIFICATES} certificates"), _WRITE
        )
    certificates = (_certificate(item, f"{at}[{index}]") for index, item in enumerate(listed))
    return Bundle(signed, certificates=tuple(certificates))


def _certificate(value: object, path: str) -> bytes:
    raw = _object(value, path).get("rawBytes")
    return envelope.decode(raw, f"{path}.rawBytes", _MOST_CERTIFICATE)


def _object(value: object, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UnreadableError(path, invalid(value, "an object"), _WRITE)
    return value
