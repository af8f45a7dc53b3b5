"""Sizes and numbers of what is read: each is taken up to its bound, and refused beyond it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from actgate.api.compliance_manifest import MOST_ATTESTATIONS, MOST_PAYLOAD
from actgate.attestations import bundle, envelope, statement, strict_json
from actgate.attestations.cache import SignatureCache
from actgate.attestations.errors import UnreadableError
from tests.attestations.build import read
from tests.support.attested import Json

TYPE = "application/vnd.in-toto+json"
ONE = {"sig": base64.b64encode(b"x" * 64).decode()}


def written(size: int) -> str:
    """Return base64 of so many characters."""
    return base64.b64encode(b"x" * (size // 4 * 3)).decode()


def signed(*signatures: Json, payload: str = "e30=", kind: str = TYPE) -> Json:
    """Return an envelope."""
    return {"payloadType": kind, "payload": payload, "signatures": list(signatures or (ONE,))}


def bundled(material: Json, **changes: Any) -> str:  # noqa: ANN401 - fields of a bundle
    """Return a Sigstore bundle with this verification material."""
    kind = "application/vnd.dev.sigstore.bundle.v0.3+json"
    return json.dumps(
        {"mediaType": kind, "verificationMaterial": material, "dsseEnvelope": signed(), **changes}
    )


def test_an_envelope_is_read_up_to_its_bounds() -> None:
    """Signatures, their sizes, key ids, the type and the payload."""
    for fits, exceeds in (
        (signed(*[ONE] * 8), signed(*[ONE] * 9)),
        (signed({"sig": written(2048)}), signed({"sig": written(2052)})),
        (signed({**ONE, "keyid": "k" * 256}), signed({**ONE, "keyid": "k" * 257})),
        (signed(kind="t" * 128), signed(kind="t" * 129)),
        (signed(payload=written(MOST_PAYLOAD)), signed(payload=written(MOST_PAYLOAD + 4))),
    ):
        envelope.read(fits, "envelope")
        with pytest.raises(UnreadableError):
            envelope.read(exceeds, "envelope")


def test_text_that_is_no_text_is_refused_as_such() -> None:
    """Neither an empty one nor a number has a length that could be compared."""
    for value in ("", 5, None, ["a"]):
        with pytest.raises(UnreadableError, match="must be text that is not empty"):
            envelope.decode(value, "x", 8)


def test_base64_is_of_one_alphabet() -> None:
    """Either one is read, with one of its two signs or with both."""
    for raw in (b"\xfb\xef\xbe", b"\xff\xff\xff", b"\xfb\xff\xbe"):
        assert envelope.decode(base64.b64encode(raw).decode(), "x", 8) == raw
        assert envelope.decode(base64.urlsafe_b64encode(raw).decode(), "x", 8) == raw
    for mixed in ("-+++", "_///", "-/++", "+_++"):
        with pytest.raises(UnreadableError):
            envelope.decode(mixed, "x", 8)


def test_a_bundle_is_read_up_to_its_bounds() -> None:
    """Its certificates, one to eight of them, and its size."""
    held = {"rawBytes": base64.b64encode(b"certificate").decode()}
    for number in (1, 8):
        chain = {"x509CertificateChain": {"certificates": [held] * number}}
        assert bundle.read(bundled(chain), "bundle").certificates == (b"certificate",) * number
    for number in (0, 9):
        with pytest.raises(UnreadableError, match="a list of 1 to 8 certificates"):
            bundle.read(bundled({"x509CertificateChain": {"certificates": [held] * number}}), "bundle")
    material = {"publicKey": {"hint": "h"}}
    padding = MOST_PAYLOAD - len(bundled(material, x=""))
    assert bundle.read(bundled(material, x="p" * padding), "bundle").hint == "h"
    with pytest.raises(UnreadableError, match="text of at most"):
        bundle.read(bundled(material, x="p" * (padding + 1)), "bundle")


def test_a_hint_is_text_that_is_not_too_long() -> None:
    """It decides nothing, so that another one is as good as none."""
    for hint, kept in (("h" * 256, "h" * 256), ("h" * 257, ""), (5, ""), (None, ""), ("", "")):
        assert bundle.read(bundled({"publicKey": {"hint": hint}}), "bundle").hint == kept
    assert bundle.read(bundled({"publicKey": {}}), "bundle").hint == ""


def test_a_statement_is_read_up_to_its_bounds() -> None:
    """One to 1,024 subjects, each with digests; a type that is text."""

    def stated(**changes: Any) -> statement.Statement:  # noqa: ANN401 - fields of a statement
        subject = [{"digest": {"sha256": f"{place:064x}"}} for place in range(1024)]
        fields: Json = {"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": "t"}
        payload = json.dumps({**fields, **changes}).encode()
        return statement.read(envelope.Envelope(TYPE, payload, ()), "envelope")

    assert len(stated().subjects) == 1024
    refused: tuple[Json, ...] = (
        {"subject": [{"digest": {"sha256": "0" * 64}}] * 1025},
        {"subject": []},
        {"subject": ["sha256"]},
        {"subject": [{"digest": {}}]},
        {"subject": [{"digest": "sha256"}]},
        {"predicateType": ""},
        {"predicateType": 5},
    )
    for changes in refused:
        with pytest.raises(UnreadableError):
            stated(**changes)


def test_attestations_are_read_up_to_their_number_and_size() -> None:
    """All payloads together have a bound; those of other forms count for nothing."""
    many = [{"name": f"n{place}", "envelope": {}} for place in range(MOST_ATTESTATIONS + 3)]
    found = read({"attestations": many})
    assert len(found) == MOST_ATTESTATIONS + 1
    problems = [one.unreadable.message for one in found if one.unreadable is not None]
    assert ["Too many" in message for message in problems] == [False] * MOST_ATTESTATIONS + [True]
    half = written(MOST_PAYLOAD // 2)
    items: list[Any] = [5, {"name": "a", "bundle": 5}, {"name": "b", "envelope": signed(payload=half)}]
    for last, exceeds in ((half, False), (f"{half}eHh4", True)):
        given = {"attestations": [*items, {"name": "c", "envelope": signed(payload=last)}]}
        problem = read(given)[-1].unreadable
        assert problem is not None
        assert ("all payloads together" in problem.message) is exceeds


def test_a_chain_is_read_up_to_its_size() -> None:
    """Of more characters nothing is parsed."""
    for size, message in ((32_768, "chain"), (32_769, "at most 32768 characters")):
        item = {"name": "a", "envelope": signed(payload=written(8)), "chain": "c" * size}
        (found,) = read({"attestations": [item]})
        assert found.unreadable is not None
        assert (message in found.unreadable.message) is (size > 32_768)


def test_the_least_recently_used_result_is_dropped() -> None:
    """What was asked for again stays."""
    cache = SignatureCache(2)
    made: list[str] = []

    def get(key: str) -> str:
        def make() -> str:
            made.append(key)
            return key

        return cache.get(key, make)

    for key in ("a", "b", "a", "c", "a", "b"):
        assert get(key) == key
    assert (made, len(cache)) == (["a", "b", "c", "b"], 2)


def test_what_is_written_in_another_way_is_read_alike() -> None:
    """Spaces and escapes change nothing, and a key twice is refused in either form; nor is depth lost."""
    for text in ('{"a":1,"b":[1]}', '{ "a" : 1, "b": [1] }', '{"\\u0061":1,"b":[1]}'):
        assert strict_json.loads(text.encode()) == {"a": 1, "b": [1]}
    for twice in ('{"a":1,"a":1}', '{"a": 1, "a": 2}', '{"x": {"a": 1, "\\u0061": 2}}'):
        with pytest.raises(ValueError, match='duplicate key "a"'):
            strict_json.loads(twice.encode())
    most = strict_json.MAX_DEPTH
    strict_json.loads(b"[" * most + b"]" * most)
    for deeper in (most + 1, 1000):
        with pytest.raises(ValueError, match="nested deeper"):
            strict_json.loads(b"[" * deeper + b"]" * deeper)
