"""The digest of evidence: RFC 8785's own vectors, and what does and does not change a digest."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

import pytest

from actgate.manifests import DigestError, convert, digest, read_document, read_manifest
from tests.manifests.build import manifest_object, v0
from tests.support.attested import Party, evidence, signed


def of(canonical: str) -> str:
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def test_the_sample_of_section_3_2_2() -> None:
    """Numbers, escapes and literals are written as RFC 8785 section 3.2.2 shows."""
    sample = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    canonical = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert digest(sample) == of(canonical)


def test_keys_are_sorted_by_utf_16_code_units() -> None:
    """The order of RFC 8785 section 3.2.3, in which an emoji comes before U+FB33."""
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    ordered = ["\\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    canonical = "{" + ",".join(f'"{key}":1' for key in ordered) + "}"
    assert digest(dict.fromkeys(keys, 1)) == of(canonical)


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555555", "333333333.3333333"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
    ],
)
def test_numbers_of_appendix_b(bits: str, text: str) -> None:
    """Doubles are written as ECMAScript does, by the samples of RFC 8785 appendix B."""
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert digest({"n": number}) == of(f'{{"n":{text}}}')


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (0, -0.0), (0.5, 5e-1), (100, 1e2)])
def test_spellings_of_a_number_do_not_count(one: float, other: float) -> None:
    """1 and 1.0 are one number in JSON, and evidence that holds either is the same evidence."""
    assert digest({"value": one}) == digest({"value": other})


def test_a_boolean_is_no_number() -> None:
    """Python holds True and 1 for equal; evidence does not."""
    assert digest({"value": True}) != digest({"value": 1})


def test_nulls_of_objects_do_not_count() -> None:
    """The API server drops them, so a file and the object made of it have one digest."""
    assert digest({"a": 1, "b": None, "c": {"d": None}}) == digest({"a": 1, "c": {}})
    assert digest({"a": [None]}) != digest({"a": []})


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (float("nan"), "spec.a[1].b"),
        (float("-inf"), "spec.a[1].b"),
        (2**53, "spec.a[1].b"),
        pytest.param(10**5000, "spec.a[1].b", id="enormous"),
        ("\ud800", "spec.a[1].b"),
        ({"\ud800": 1}, "spec.a[1].b"),
        ({1: 1}, "spec.a[1].b"),
        (b"x", "spec.a[1].b"),
    ],
)
def test_what_has_no_canonical_form_is_named(value: Any, path: str) -> None:  # noqa: ANN401 - any value
    """The error says which field holds it."""
    with pytest.raises(DigestError) as caught:
        digest({"a": [1, {"b": value}]})
    assert caught.value.path == path


def test_file_conversion_and_object_have_one_digest() -> None:
    """The v0 file, its conversion and what the API server stores of it are the same evidence."""
    conversion = convert(v0())
    stored = {
        **conversion.manifest,
        "metadata": {"name": "credit-risk-scorer-v2", "namespace": "credit", "uid": "1"},
    }
    expected = digest(conversion.manifest["spec"])
    assert read_document(v0()).digest == read_manifest(stored).digest == expected


def test_attestations_are_not_in_the_digest() -> None:
    """They are about the rest of the spec: a new signature is no new evidence, and restarts no pod."""
    bare = evidence()
    once = signed(bare, Party("training"))
    twice = signed(once, Party("model-risk"), name="review")
    assert digest(bare) == digest(once) == digest(twice)
    objects = [{**manifest_object(), "spec": spec} for spec in (bare, once, twice)]
    assert {read_manifest(obj).digest for obj in objects} == {digest(bare)}


def test_another_value_is_another_digest() -> None:
    """Evidence that says anything else has another digest."""
    changed = manifest_object()
    changed["spec"]["bias"][0]["value"] = 0.030000000000000002
    assert read_manifest(changed).digest != read_manifest(manifest_object()).digest
