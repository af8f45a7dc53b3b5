"""Envelopes that were changed: nothing is raised, and nothing but what was signed is accepted.

The mutations know the structure: bytes are flipped within the base64, signatures are swapped between
envelopes, payloads are edited as JSON. ``HYPOTHESIS_PROFILE=thorough`` tries 3,000 of them,
``ACTGATE_MUTATIONS=50000`` as many as one likes.
"""

from __future__ import annotations

import base64
import copy
import json
import os
from collections.abc import Callable
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from actgate.attestations import Anchors, SignatureCache, Verifier
from tests.attestations import pki
from tests.attestations.build import anchors
from tests.support.attested import (
    APPROVAL,
    BIAS_AUDIT,
    MODEL,
    Json,
    Party,
    attestation,
    covered,
    ed25519_key,
    evidence,
    p384,
    payload_digest,
    rsa_pss,
    signed,
)

MOST: Final = int(os.environ.get("ACTGATE_MUTATIONS", "0")) or min(settings().max_examples, 200)

TRAINING, RISK = Party("training"), Party("risk", p384())
AUDIT, OFFICE = Party("audit", ed25519_key()), Party("office", rsa_pss())
ROOT = pki.root()
ISSUING = pki.under(ROOT, "Issuing")
MEMBER, CERTIFICATE = pki.signer(ISSUING)


def _originals() -> Json:
    spec = signed(evidence(), TRAINING, RISK)
    audit = attestation("audit", BIAS_AUDIT, {"bias": spec["bias"]}, AUDIT, OFFICE)
    approval = attestation("approval", APPROVAL, {"approves": {"digest": MODEL}}, MEMBER)
    approval["chain"] = pki.chain(CERTIFICATE, ISSUING)
    plain = attestation("bundled", BIAS_AUDIT, {"bias": spec["bias"]}, TRAINING)
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": TRAINING.anchor}},
        "dsseEnvelope": plain["envelope"],
    }
    return {
        **spec,
        "attestations": [
            *spec["attestations"],
            audit,
            approval,
            {"name": "bundled", "bundle": json.dumps(bundle)},
        ],
    }


SPEC: Final = _originals()
TRUSTED: Final[Anchors] = anchors(TRAINING, RISK, AUDIT, OFFICE, pki.trusting_roots(ROOT))
FACTS: Final = Verifier(TRUSTED).read(SPEC["attestations"], covered(SPEC))
KNOWN: Final = SignatureCache()
"""Shared by all examples, as by all manifests of a cluster."""
SIGNED: Final = {
    (fact.payload_digest, fact.predicate_type, signer.anchor, signer.name)
    for fact in FACTS
    for signer in fact.signers
}
"""All that was ever signed: nothing else may come out of any mutation."""


def test_the_originals_are_accepted() -> None:
    """What the mutations begin with."""
    assert [len(fact.signers) for fact in FACTS] == [2, 2, 1, 1]
    assert all(fact.unreadable is None and fact.mismatch is None for fact in FACTS)


JUNK: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["\ud800", "=" * 8, "A" * 170_000, "sha256:" + "0" * 64]),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)


def _places(value: object, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return where each part of a JSON value is, the value itself excluded."""
    items: Any = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [place for key, item in items for place in ((*at, key), *_places(item, (*at, key)))]


def _at(value: Any, place: tuple[Any, ...]) -> Any:  # noqa: ANN401 - JSON
    for step in place:
        value = value[step]
    return value


def _replace(draw: st.DrawFn, value: Any, change: Callable[[Any], Any]) -> None:  # noqa: ANN401 - JSON
    places = _places(value)
    if places:
        place = draw(st.sampled_from(places))
        _at(value, place[:-1])[place[-1]] = change(_at(value, place))


def _opened(draw: st.DrawFn, item: Json) -> tuple[Json, Callable[[], None]]:
    """Return the envelope of an item, and what writes it back where it is in a bundle."""
    if not isinstance(item.get("bundle"), str):
        return item.get("envelope", {}), lambda: None
    try:
        bundle = json.loads(item["bundle"])
    except ValueError:
        return {}, lambda: None
    if draw(st.booleans()):
        _replace(draw, bundle, lambda _: draw(JUNK))

    def close() -> None:
        item["bundle"] = json.dumps(bundle)

    return bundle.get("dsseEnvelope", {}) if isinstance(bundle, dict) else {}, close


def _flip(draw: st.DrawFn, text: object) -> object:
    """Change one bit of what a base64 text holds, cut it, or write it otherwise."""
    if not isinstance(text, str) or not text:
        return draw(JUNK)
    try:
        raw = bytearray(base64.b64decode(text, validate=True))
    except ValueError:
        raw = bytearray()
    if not raw:
        return draw(JUNK)
    raw[draw(st.integers(0, len(raw) - 1))] ^= 1 << draw(st.integers(0, 7))
    flipped = base64.b64encode(bytes(raw)).decode()
    cut = text[: draw(st.integers(0, len(text)))]
    spelled = (text.rstrip("="), text + "\n", base64.urlsafe_b64encode(bytes(raw)).decode())
    return draw(st.sampled_from([flipped, flipped, cut, *spelled]))


def _edited(draw: st.DrawFn, payload: object) -> object:
    """Edit a payload as JSON, or as text: a key twice, something behind it, a value of another type."""
    try:
        statement = json.loads(base64.b64decode(str(payload), validate=True))
    except (ValueError, RecursionError):
        return payload
    text = json.dumps(statement)
    match draw(st.integers(0, 5)):
        case 0:
            _replace(draw, statement, lambda _: draw(JUNK))
            text = json.dumps(statement)
        case 1:
            text = text[:-1] + ', "predicateType": "https://actgate.dev/other"}'
        case 2:
            text += draw(st.sampled_from([" ", "{}", "\0", "\n---\n{}"]))
        case 3:
            text = "[" * draw(st.integers(1, 2000)) + text
        case 4:
            text = text.replace("0.03125", draw(st.sampled_from(["NaN", "-0", "1e999", "3e-2"])))
        case 5:
            text = json.dumps(statement, sort_keys=True, separators=(",", ":"))
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()


def _mutate_envelope(draw: st.DrawFn, envelope: Json, others: list[Json]) -> None:
    signatures = envelope.get("signatures")
    listed: list[Any] = signatures if isinstance(signatures, list) else []
    single = draw(st.sampled_from(listed)) if listed else {}
    other = draw(st.sampled_from(others))
    match draw(st.integers(0, 9)):
        case 0:
            envelope["payload"] = _flip(draw, envelope.get("payload"))
        case 1:
            envelope["payload"] = _edited(draw, envelope.get("payload"))
        case 2 if isinstance(single, dict):
            single["sig"] = _flip(draw, single.get("sig"))
        case 3 if isinstance(single, dict):
            known = [party.anchor for party in (TRAINING, RISK, AUDIT)]
            single["keyid"] = draw(st.sampled_from([*known, "", "x" * 300, None, 7]))
        case 4:
            envelope["signatures"] = [*listed, *copy.deepcopy(other["signatures"])]
        case 5:
            envelope["signatures"] = listed * draw(st.integers(0, 5))
        case 6:
            envelope["signatures"] = listed[::-1][draw(st.integers(0, 1)) :]
        case 7:
            envelope["payload"] = other["payload"]
        case 8:
            envelope["payloadType"] = draw(st.sampled_from(["application/json", "", "DSSEv1 1", "é"]))
        case _:
            _replace(draw, envelope, lambda _: draw(JUNK))


@st.composite
def _flipped_chain(draw: st.DrawFn) -> str:
    """Return the chain with some bits of its certificates flipped: their parsers meet what is wrong."""
    text = ""
    for issuer in (CERTIFICATE, ISSUING):
        raw = bytearray(issuer.certificate.public_bytes(Encoding.DER))
        for _ in range(draw(st.integers(0, 3))):
            raw[draw(st.integers(0, len(raw) - 1))] ^= 1 << draw(st.integers(0, 7))
        body = base64.b64encode(bytes(raw)).decode()
        text += f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
    return text


@st.composite
def mutated(draw: st.DrawFn) -> Json:
    """Return the attestations after one to four changes."""
    spec = copy.deepcopy(SPEC)
    others = [item["envelope"] for item in SPEC["attestations"] if "envelope" in item]
    for _ in range(draw(st.integers(1, 4))):
        items = spec["attestations"]
        item = draw(st.sampled_from(items))
        match draw(st.integers(0, 8)):
            case 0:
                _replace(draw, spec["attestations"], lambda _: draw(JUNK))
            case 1 if isinstance(item, dict):
                chains = [pki.chain(CERTIFICATE), pki.chain(ISSUING, CERTIFICATE), ROOT.pem, "", 7]
                item["chain"] = draw(st.one_of(st.sampled_from(chains), _flipped_chain()))
            case 2:
                spec["attestations"] = draw(st.permutations(items))
            case 3:
                spec["attestations"] = [*items, copy.deepcopy(item)]
            case _ if isinstance(item, dict):
                envelope, close = _opened(draw, item)
                if isinstance(envelope, dict):
                    _mutate_envelope(draw, envelope, others)
                close()
            case _:
                pass
    return spec


@settings(max_examples=MOST)
@given(mutated())
def test_a_mutation_crashes_nothing_and_proves_nothing_new(spec: Json) -> None:
    found = Verifier(TRUSTED, KNOWN).read(spec["attestations"], covered(spec))
    for fact in found:
        for signer in fact.signers:
            assert (fact.payload_digest, fact.predicate_type, signer.anchor, signer.name) in SIGNED
            assert fact.unreadable is None
    digests = {payload_digest(item) for item in SPEC["attestations"] if "envelope" in item}
    for fact in found:
        if fact.payload_digest not in {*digests, FACTS[3].payload_digest}:
            assert fact.signers == ()


@settings(max_examples=MOST)
@given(st.lists(JUNK, max_size=10))
def test_any_json_is_a_list_of_facts(items: list[object]) -> None:
    found = Verifier(TRUSTED).read(items, covered(SPEC))
    assert all(fact.unreadable is not None for fact in found)
    assert len(found) == min(len(items), 9)


@settings(max_examples=MOST)
@given(st.data())
def test_a_changed_spec_is_a_mismatch_at_the_place_of_the_change(data: st.DataObject) -> None:
    """Whatever is changed in what a payload covers, the difference is found."""
    spec = copy.deepcopy(covered(SPEC))
    place = data.draw(st.sampled_from(_places(spec)))
    value, old = data.draw(JUNK), _at(spec, place)
    _at(spec, place[:-1])[place[-1]] = value
    found = Verifier(TRUSTED).read(SPEC["attestations"][:1], spec)[0]
    same = value == old and isinstance(value, bool) == isinstance(old, bool)
    assert (found.mismatch is None) == same
    assert found.mismatch is None or found.mismatch.path.startswith(f"spec.{place[0]}")
