"""DSSE envelopes and Sigstore bundles: what is read, and what is refused with one sentence."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from actgate.attestations import envelope
from actgate.attestations.envelope import Envelope, Signature, pae
from tests.attestations.build import names, read, read_one
from tests.support.attested import COMPLIANCE_MANIFEST, Json, Party, covered, evidence, signed, statement
from tests.support.attested import envelope as sealed

PARTY = Party("training")
Change = Callable[[Json], object]


def item() -> Json:
    """Return an attestation that is fine."""
    attestation: Json = signed(evidence(), PARTY)["attestations"][0]
    return attestation


def bundled(**changes: Any) -> Json:  # noqa: ANN401 - parts of a bundle
    """Return an attestation whose envelope is in a bundle."""
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": ""}, "tlogEntries": []},
        "dsseEnvelope": item()["envelope"],
        **changes,
    }
    given = {key: value for key, value in bundle.items() if value is not None}
    return {"name": "training", "bundle": json.dumps(given)}


def test_what_is_written_is_read_again() -> None:
    written = Envelope("type", b"\x00payload\xff", (Signature(b"\xfb\xff", "id"), Signature(b"s")))
    assert envelope.read(written.as_json(), "envelope") == written


def test_the_encoding_counts_bytes() -> None:
    """DSSE protocol.md: LEN is the length in bytes, and the type is UTF-8."""
    assert pae("é", b"\xc3\xa9") == b"DSSEv1 2 \xc3\xa9 2 \xc3\xa9"


def test_type_and_payload_cannot_be_shifted_into_each_other() -> None:
    assert pae("a", b"b 1 c") != pae("a 5 b", b"c")


def test_url_safe_base64_is_read_too() -> None:
    """DSSE protocol.md: verifiers must accept either."""
    given = item()
    for part, key in ((given["envelope"], "payload"), (given["envelope"]["signatures"][0], "sig")):
        part[key] = part[key].replace("+", "-").replace("/", "_")
    assert names(read_one(given, evidence(), PARTY), PARTY) == ["training"]


BASE64 = {
    "padding left out": "YQ",
    "padding too long": "YQ===",
    "spare bits": "YR==",
    "a line end": "YWFh\n",
    "a space": "YW Fh",
    "both alphabets": "-_+/",
    "no base64": "a*b=",
    "no ASCII": "YWFé",
    "a lone surrogate": "YWF\ud800",
    "nothing": "",
    "padding alone": "====",
    "text after the padding": "YQ==YQ==",
    "a NUL": "YWFh\0",
}


@pytest.mark.parametrize("text", BASE64.values(), ids=BASE64.keys())
@pytest.mark.parametrize("field", ["payload", "sig"])
def test_base64_has_one_spelling(text: str, field: str) -> None:
    """Lenient decoders skip what they do not know, so that one text says two things."""
    given = item()
    part = given["envelope"] if field == "payload" else given["envelope"]["signatures"][0]
    part[field] = text
    found = read_one(given, evidence(), PARTY)
    assert found.signers == ()
    assert found.unreadable is not None
    assert found.unreadable.path.endswith(field)


SHAPES: dict[str, tuple[Change, str]] = {
    "no envelope": (lambda one: one.pop("envelope"), ""),
    "both": (lambda one: one.update(bundle="{}"), ""),
    "an envelope that is text": (lambda one: one.update(envelope="{}"), "envelope"),
    "a list": (lambda one: one.update(envelope=[]), "envelope"),
    "no type": (lambda one: one["envelope"].pop("payloadType"), "envelope.payloadType"),
    "a long type": (lambda one: one["envelope"].update(payloadType="a" * 129), "envelope.payloadType"),
    "a payload that is decoded": (lambda one: one["envelope"].update(payload={}), "envelope.payload"),
    "no payload": (lambda one: one["envelope"].pop("payload"), "envelope.payload"),
    "no signatures": (lambda one: one["envelope"].pop("signatures"), "envelope.signatures"),
    "none": (lambda one: one["envelope"].update(signatures=[]), "envelope.signatures"),
    "nine": (lambda one: one["envelope"].update(signatures=[{"sig": "YQ=="}] * 9), "envelope.signatures"),
    "text for one": (lambda one: one["envelope"].update(signatures=["YQ=="]), "envelope.signatures[0]"),
    "no sig": (lambda one: one["envelope"].update(signatures=[{}]), "envelope.signatures[0].sig"),
    "a number for the key id": (
        lambda one: one["envelope"]["signatures"][0].update(keyid=7),
        "envelope.signatures[0].keyid",
    ),
    "a long key id": (
        lambda one: one["envelope"]["signatures"][0].update(keyid="k" * 257),
        "envelope.signatures[0].keyid",
    ),
    "a chain that is a list": (lambda one: one.update(chain=[]), "chain"),
}


@pytest.mark.parametrize(("change", "path"), SHAPES.values(), ids=SHAPES.keys())
def test_another_shape_is_a_fact_with_its_place(change: Change, path: str) -> None:
    given = item()
    change(given)
    found = read_one(given, evidence(), PARTY)
    assert found.signers == ()
    assert found.unreadable is not None
    assert found.unreadable.path == path
    assert found.unreadable.remediation


@pytest.mark.parametrize(
    "given", [None, 1, "text", [], {}, {"name": 1}, {"name": "a" * 1000, "envelope": None}]
)
def test_an_item_of_any_type_is_a_fact(given: object) -> None:
    assert read_one(given, evidence(), PARTY).unreadable is not None


@pytest.mark.parametrize(
    "payload_type", ["application/json", "APPLICATION/VND.IN-TOTO+JSON", "text/\ud800", "é"]
)
def test_a_payload_of_another_type_is_refused_although_it_is_signed(payload_type: str) -> None:
    """A signature for another protocol, over bytes that happen to be a statement, is none over evidence."""
    spec = evidence()
    sign_as = payload_type if payload_type.isprintable() else "text/x"
    given = sealed(statement(COMPLIANCE_MANIFEST, covered(spec)), PARTY, payload_type=sign_as)
    found = read_one({"name": "a", "envelope": {**given, "payloadType": payload_type}}, spec, PARTY)
    assert found.signers == ()
    assert found.unreadable is not None
    assert found.unreadable.path == "envelope.payloadType"
    assert found.payload_digest is not None


def test_a_type_that_was_changed_after_signing_is_not_signed() -> None:
    spec = evidence()
    given = sealed(statement(COMPLIANCE_MANIFEST, covered(spec)), PARTY, payload_type="text/x")
    given["payloadType"] = "application/vnd.in-toto+json"
    found = read_one({"name": "a", "envelope": given}, spec, PARTY)
    assert (found.signers, found.unverified) == ((), ("no key id",))


def test_a_huge_payload_is_refused_before_it_is_decoded() -> None:
    given = item()
    given["envelope"]["payload"] = "A" * 163_844
    found = read_one(given, evidence(), PARTY)
    assert found.unreadable is not None
    assert found.unreadable.message == "Too long: all payloads together must have at most 163840 characters"


def test_payloads_together_are_bounded() -> None:
    """What is within the bound is read; what is beyond it is a fact for each."""
    large = {"name": "large", "bundle": " " * 163_000}
    found = read({**evidence(), "attestations": [item(), large, {**item(), "name": "last"}]}, PARTY)
    assert found[0].signers != ()
    assert [one.unreadable is not None for one in found] == [False, True, True]


def test_the_ninth_attestation_says_that_they_are_too_many() -> None:
    items = [{**item(), "name": f"a{number}"} for number in range(1000)]
    found = read({**evidence(), "attestations": items}, PARTY)
    assert [len(one.signers) for one in found] == [1] * 8 + [0]
    assert found[-1].unreadable is not None
    assert found[-1].unreadable.message == "Too many: 1000: must have at most 8 items"


def test_a_name_twice_is_a_fact() -> None:
    found = read({**evidence(), "attestations": [item(), item()]}, PARTY)
    assert found[0].unreadable is None
    assert found[1].unreadable is not None
    assert found[1].unreadable.message == 'Duplicate value: "training"'


def test_unknown_fields_of_an_envelope_are_ignored() -> None:
    """DSSE envelope.md: "Consumers MUST ignore unrecognized fields"."""
    given = item()
    given["envelope"]["further"] = given["envelope"]["signatures"][0]["extension"] = {"a": 1}
    assert names(read_one(given, evidence(), PARTY), PARTY) == ["training"]


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.dev.sigstore.bundle+json;version=0.1",
        "application/vnd.dev.sigstore.bundle+json;version=0.2",
        "application/vnd.dev.sigstore.bundle+json;version=0.3",
        "application/vnd.dev.sigstore.bundle.v0.3+json",
    ],
)
def test_a_bundle_of_each_version_is_verified_with_a_key(media_type: str) -> None:
    assert names(read_one(bundled(mediaType=media_type), evidence(), PARTY), PARTY) == ["training"]


def test_the_hint_of_a_bundle_decides_nothing() -> None:
    material = {"publicKey": {"hint": Party("other").anchor}}
    found = read_one(bundled(verificationMaterial=material), evidence(), PARTY)
    assert names(found, PARTY) == ["training"]


def test_log_entries_and_timestamps_of_a_bundle_are_not_used() -> None:
    """What is not verified proves no time; it does no harm either."""
    material = {
        "publicKey": {"hint": ""},
        "tlogEntries": [{"integratedTime": "1"}, None],
        "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": "AAAA"}]},
    }
    found = read_one(bundled(verificationMaterial=material), evidence(), PARTY)
    assert names(found, PARTY) == ["training"]
    assert found.signed_by is None


BUNDLES: dict[str, tuple[Json, str, str]] = {
    "a message signature": (
        {"dsseEnvelope": None, "messageSignature": {"signature": "YQ=="}},
        "bundle.dsseEnvelope",
        "Required value: must hold a DSSE envelope; a message signature names no model and no evidence",
    ),
    "another version": (
        {"mediaType": "application/vnd.dev.sigstore.bundle.v0.4+json"},
        "bundle.mediaType",
        'Invalid value: "application/vnd.dev.sigstore.bundle.v0.4+json": must be the media type of a Sigstore'
        " bundle v0.1, v0.2 or v0.3",
    ),
    "a version that is a list": (
        {"mediaType": []},
        "bundle.mediaType",
        "Invalid value: a list of 0 items: must be the media type of a Sigstore bundle v0.1, v0.2 or v0.3",
    ),
    "no material": (
        {"verificationMaterial": None},
        "bundle.verificationMaterial",
        "Required value: must be an object",
    ),
    "material of no kind": (
        {"verificationMaterial": {}},
        "bundle.verificationMaterial",
        "Required value: must have one of publicKey, x509CertificateChain, certificate",
    ),
    "material of two kinds": (
        {"verificationMaterial": {"publicKey": {}, "certificate": {}}},
        "bundle.verificationMaterial",
        "Required value: must have one of publicKey, x509CertificateChain, certificate",
    ),
    "no certificates": (
        {"verificationMaterial": {"x509CertificateChain": {"certificates": []}}},
        "bundle.verificationMaterial.x509CertificateChain.certificates",
        "Invalid value: a list of 0 items: must be a list of 1 to 8 certificates",
    ),
    "a certificate that is none": (
        {"verificationMaterial": {"certificate": {"rawBytes": base64.b64encode(b"none").decode()}}},
        "bundle.verificationMaterial",
        "Invalid value: must be a certificate in DER",
    ),
    "two signatures": (
        {"dsseEnvelope": {**item()["envelope"], "signatures": [{"sig": "YQ=="}, {"sig": "YQ=="}]}},
        "bundle.dsseEnvelope.signatures",
        "Invalid value: a list of 2 items: must be one signature, as in every bundle",
    ),
}


@pytest.mark.parametrize(("changes", "path", "message"), BUNDLES.values(), ids=BUNDLES.keys())
def test_a_bundle_that_is_not_understood_says_why(changes: Json, path: str, message: str) -> None:
    found = read_one(bundled(**changes), evidence(), PARTY)
    assert found.signers == ()
    assert found.unreadable is not None
    assert (found.unreadable.path, found.unreadable.message) == (path, message)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"mediaType": 1, "mediaType": 1}', "\ud800", "{}{}", 1]
)
def test_a_bundle_that_is_no_object_is_a_fact(text: object) -> None:
    found = read_one({"name": "a", "bundle": text}, evidence(), PARTY)
    assert found.unreadable is not None
    assert found.unreadable.path.startswith("bundle")
