"""Statements: the payload is read by one strict reader, and says the same as ``spec`` or is refused."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from actgate.api import predicates
from actgate.attestations import statement as statements
from actgate.attestations.coverage import covered as fields_of
from actgate.decision.attestation import Attestation, PlannedMeasurement, PlannedTest
from tests.attestations.build import names, read_one
from tests.support.attested import (
    COMPLIANCE_MANIFEST,
    MODEL,
    Json,
    Party,
    attestation,
    covered,
    envelope,
    evidence,
    statement,
)

PARTY = Party("training")


def judged(payload: bytes, spec: Json | None = None) -> Attestation:
    """Return the facts about a payload that is signed as it is."""
    return read_one({"name": "a", "envelope": envelope(payload, PARTY)}, spec or evidence(), PARTY)


def text(**changes: Any) -> str:  # noqa: ANN401 - fields of a statement
    """Return a statement that covers the spec, with other fields."""
    value = {**json.loads(statement(COMPLIANCE_MANIFEST, covered(evidence()))), **changes}
    return json.dumps(value)


def test_a_statement_that_is_built_is_read() -> None:
    payload = statements.build([("model", MODEL)], COMPLIANCE_MANIFEST, covered(evidence()))
    found = judged(payload)
    assert names(found, PARTY) == ["training"]
    assert found.subjects == {MODEL}
    assert (found.unreadable, found.mismatch) == (None, None)


UNREADABLE = {
    "a key twice": (text()[:-1] + ', "predicate": {}}', 'Invalid value: duplicate key "predicate"'),
    "a key twice, deep within": (
        text().replace('"enabled": true', '"enabled": false, "enabled": true'),
        'Invalid value: duplicate key "enabled"',
    ),
    "a key twice, once escaped": (
        text().replace('"enabled": true', '"\\u0065nabled": false, "enabled": true'),
        'Invalid value: duplicate key "enabled"',
    ),
    "something after the end": (text() + " {}", "Invalid value: invalid JSON: unexpected content"),
    "another document": (text() + "\n---\n" + text(), "Invalid value: invalid JSON: unexpected content"),
    "NaN": (text().replace("0.03125", "NaN"), "Invalid value: invalid JSON: unexpected character"),
    "an infinity": (text().replace("0.03125", "-Infinity"), "Invalid value: invalid JSON: "),
    "a number that no double holds": (text().replace("0.03125", "1e999"), "Invalid value: invalid JSON: "),
    "a comment": (text() + "// it passed", "Invalid value: invalid JSON: unexpected content"),
    "a trailing comma": (text()[:-1] + ",}", "Invalid value: invalid JSON: "),
    "a byte order mark": ("\ufeff" + text(), "Invalid value: invalid JSON: "),
    "YAML": ("_type: https://in-toto.io/Statement/v1", "Invalid value: invalid JSON: "),
    "a lone surrogate": (text(predicate={"a": "\ud800"}), "Invalid value: invalid JSON: no low surrogate"),
    "nesting": (
        text(predicate=json.loads("[" * 32 + "]" * 32)),
        "Invalid value: must not be nested deeper than 32 levels",
    ),
    "much nesting": ('{"a":' * 900 + "1" + "}" * 900, "Invalid value: must not be nested deeper"),
    "more nesting than a reader takes": ("[" * 100_000, "Invalid value: "),
    "nothing": (" ", "Invalid value: invalid JSON: "),
    "a list": ("[]", "Invalid value: a list of 0 items: must be a Statement"),
    "another type": (
        text(_type="https://in-toto.io/Link/v1"),
        '_type: Invalid value: "https://in-toto.io/Link/v1": must be https://in-toto.io/Statement/v1',
    ),
    "no type": (text(_type=None), "_type: Required value: must be https://in-toto.io/Statement/v1"),
    "a type that is a list": (text(_type=[]), "_type: Invalid value: a list of 0 items"),
    "no predicate type": (text(predicateType=None), "predicateType: Required value: must be a URI"),
    "no subject": (
        text(subject=[]),
        "subject: Invalid value: a list of 0 items: must be a list of 1 to 1024",
    ),
    "a subject without digest": (
        text(subject=[{"name": "model"}]),
        "subject[0].digest: Required value: must be an object with sha256",
    ),
    "a digest in capitals": (
        text(subject=[{"digest": {"sha256": "A" * 64}}]),
        f'subject[0].digest.sha256: Invalid value: "{"A" * 64}": must be 64 hexadecimal digits in',
    ),
    "no predicate": (text(predicate=None), "predicate: Required value: must be an object"),
    "a field that is not of a spec": (
        text(predicate={**covered(evidence()), "verdict": "Pass"}),
        'predicate: Unsupported value: "verdict": must have ',
    ),
    "attestations within": (
        text(predicate={**covered(evidence()), "attestations": []}),
        'predicate: Unsupported value: "attestations": must have ',
    ),
}


@pytest.mark.parametrize(("payload", "message"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_payload_that_readers_may_differ_in_is_refused(payload: str, message: str) -> None:
    found = judged(payload.encode("utf-8"))
    assert found.signers == ()
    assert found.unreadable is not None
    assert found.unreadable.path == "envelope.payload"
    assert found.unreadable.message.startswith(message)
    assert found.payload_digest is not None


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig", "latin-1"])
def test_a_payload_in_another_encoding_is_refused(encoding: str) -> None:
    """Python's JSON reader would guess it."""
    found = judged(text(predicateType="https://example.com/é").replace("\\u00e9", "é").encode(encoding))
    assert found.unreadable is not None


SAME = {
    "numbers with zeros": ("0.03125", "0.031250"),
    "numbers with exponents": ("0.03125", "3125e-5"),
    "whole numbers with a point": ("4096", "4096.0"),
    "escaped text": ("gender", "\\u0067ender"),
    "spaces": (", ", " ,\n\t "),
    "a null": ('"enabled": true', '"enabled": true, "role": null'),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME.keys())
def test_what_an_api_server_writes_otherwise_is_the_same(one: str, other: str) -> None:
    """Canonical JSON (RFC 8785) does not know the difference, and an object loses it on its way."""
    payload = text().replace(one, other)
    assert payload != text()
    found = judged(payload.encode("utf-8"))
    assert (found.unreadable, found.mismatch) == (None, None)
    assert names(found, PARTY) == ["training"]


def test_minus_zero_is_zero() -> None:
    spec = evidence()
    spec["bias"][0]["value"] = 0
    found = judged(text().replace("0.03125", "-0.0").encode(), spec)
    assert (found.unreadable, found.mismatch) == (None, None)


DIFFERENT: dict[str, tuple[tuple[Any, ...], Any, str]] = {
    "a number": (("bias", 0, "value"), 0.03, "Invalid value: 0.03: the signed payload has 0.03125"),
    "the last bit of a number": (
        ("bias", 0, "value"),
        0.03125000000000001,
        "Invalid value: 0.03125000000000001: the signed payload has 0.03125",
    ),
    "a number for a text": (("model", "version"), 2, 'Invalid value: 2: the signed payload has "2"'),
    "a number for a boolean": (
        ("humanOversight", "enabled"),
        1,
        "Invalid value: 1: the signed payload has true",
    ),
    "a composed character": (
        ("model", "name"),
        "CreditRiskScore\u0301r",
        'Invalid value: "CreditRiskScore\\u0301r": the signed payload has "CreditRiskScorer"',
    ),
    "a field that is not signed": (
        ("humanOversight", "role"),
        "another",
        'Invalid value: "another": the signed payload does not have it',
    ),
    "a part that is not signed": (
        ("validity",),
        {"notAfter": "2030-01-01T00:00:00Z"},
        "Invalid value: an object of 1 field: the signed payload does not have it",
    ),
    "another type": (
        ("bias", 0, "groups"),
        {},
        "Invalid value: an object of 0 fields: the signed payload has",
    ),
    "NaN": (("bias", 0, "value"), float("nan"), "Invalid value: nan: the signed payload has 0.03125"),
}


@pytest.mark.parametrize(("place", "value", "message"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_a_spec_that_was_edited_after_signing_names_the_field(
    place: tuple[Any, ...], value: object, message: str
) -> None:
    spec = copy.deepcopy(evidence())
    part: Any = spec
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    found = judged(text().encode(), spec)
    assert found.mismatch is not None
    assert found.mismatch.path == "spec" + "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in place)
    assert found.mismatch.message.startswith(message)
    assert names(found, PARTY) == ["training"]  # it is signed all the same, and the rules say the rest


def test_a_null_in_a_list_is_not_nan() -> None:
    """A fast writer of JSON writes NaN as null."""
    spec = {**evidence(), "datasets": [float("nan")]}
    payload = text(predicate={**covered(evidence()), "datasets": [None]})
    found = judged(payload.encode(), spec)
    assert found.mismatch is not None
    assert found.mismatch.path == "spec.datasets[0]"


def test_whole_numbers_beyond_doubles_are_compared_exactly() -> None:
    """2**53 + 1 and 2**53 are one number to a reader with doubles alone."""
    spec = {**evidence(), "lineage": {"step": 2**53}}
    payload = text(predicate={**covered(spec), "lineage": {"step": 2**53 + 1}})
    found = judged(payload.encode(), spec)
    assert found.mismatch is not None
    assert found.mismatch.path == "spec.lineage.step"


def test_a_measurement_that_was_removed_or_added_is_a_difference() -> None:
    for spec in ({**evidence(), "bias": []}, {**evidence(), "bias": evidence()["bias"] * 2}):
        found = judged(text().encode(), spec)
        assert found.mismatch is not None
        assert found.mismatch.path == "spec.bias"


def test_the_first_difference_by_path_is_reported() -> None:
    spec = {**evidence(), "riskCategory": "MinimalRisk"}
    spec["model"] = {**spec["model"], "version": "3"}
    found = judged(text().encode(), spec)
    assert found.mismatch is not None
    assert found.mismatch.path == "spec.model.version"


PARTS = {
    predicates.BIAS_AUDIT: "bias",
    predicates.EVALUATION: "evaluations",
    predicates.DATA_QUALITY: "dataQuality",
}


@pytest.mark.parametrize(("predicate_type", "field"), PARTS.items())
def test_a_partial_type_covers_its_field_alone(predicate_type: str, field: str) -> None:
    spec = {**evidence(), field: [{"metric": "m", "value": 1}]}
    assert fields_of(predicate_type) == {field}
    fine = judged(statement(predicate_type, {field: spec[field]}), {**spec, "riskCategory": "MinimalRisk"})
    assert (fine.unreadable, fine.mismatch) == (None, None)
    wider = judged(statement(predicate_type, {field: spec[field], "model": spec["model"]}), spec)
    assert wider.unreadable is not None
    assert wider.unreadable.message == f'predicate: Unsupported value: "model": must have {field} only'
    empty = judged(statement(predicate_type, {}), spec)
    assert empty.unreadable is not None
    assert empty.unreadable.message == f"predicate: Required value: must have {field}"
    other = judged(statement(predicate_type, {field: []}), spec)
    assert other.mismatch is not None
    assert other.mismatch.path == f"spec.{field}"


@pytest.mark.parametrize(
    "predicate_type",
    [predicates.PROVENANCE, predicates.TEST_RESULT, predicates.MODEL_SIGNATURE, "https://example.com/other"],
)
def test_a_type_of_others_is_read_and_covers_nothing(predicate_type: str) -> None:
    found = judged(statement(predicate_type, {"anything": [1]}))
    assert names(found, PARTY) == ["training"]
    assert (found.predicate_type, found.unreadable, found.mismatch) == (predicate_type, None, None)
    assert fields_of(predicate_type) == frozenset()


def test_a_subject_without_sha256_is_no_subject() -> None:
    found = judged(
        text(subject=[{"digest": {"sha512": "a" * 128}}, {"digest": {"sha256": MODEL[7:]}}]).encode()
    )
    assert found.subjects == {MODEL}


def test_a_plan_says_what_it_fixes() -> None:
    plan = {
        "bias": [
            {"attribute": "gender", "metric": "demographic_parity_difference", "threshold": 0.05},
            {"metric": "disparate_impact", "threshold": 1},
        ],
        "evaluations": [
            {"kind": "accuracy", "metric": "f1", "comparator": ">=", "threshold": 1, "settings": {"a": 1}},
            {"kind": "robustness"},
        ],
        "seed": 7,
    }
    found = judged(statement(predicates.PLAN, plan))
    assert found.planned == (
        PlannedMeasurement("gender", "demographic_parity_difference", 0.05),
        PlannedMeasurement(None, "disparate_impact", 1.0),
    )
    assert found.planned_tests == (PlannedTest("accuracy", "f1", ">=", 1.0), PlannedTest("robustness"))
    assert judged(statement(predicates.PLAN, {"bias": []})).planned_tests == ()


PLANS: dict[str, Json] = {
    "no measurements": {},
    "too many": {"bias": [{"metric": "m"}] * 65},
    "a text for one": {"bias": ["m"]},
    "no metric": {"bias": [{"attribute": "a"}]},
    "a number for the attribute": {"bias": [{"metric": "m", "attribute": 1}]},
    "a text for the threshold": {"bias": [{"metric": "m", "threshold": "0.05"}]},
    "a boolean for the threshold": {"bias": [{"metric": "m", "threshold": True}]},
    "no list of tests": {"bias": [], "evaluations": {}},
    "too many tests": {"bias": [], "evaluations": [{"kind": "k"}] * 65},
    "a text for a test": {"bias": [], "evaluations": ["k"]},
    "a test of nothing": {"bias": [], "evaluations": [{"metric": "m"}]},
    "a number for the metric": {"bias": [], "evaluations": [{"kind": "k", "metric": 1}]},
    "an unknown comparator": {"bias": [], "evaluations": [{"kind": "k", "comparator": "=<"}]},
    "a list for the comparator": {"bias": [], "evaluations": [{"kind": "k", "comparator": [">="]}]},
    "a text for the limit": {"bias": [], "evaluations": [{"kind": "k", "threshold": "1"}]},
    "a threshold that no double holds": {"bias": [{"metric": "m", "threshold": 10**400}]},
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
def test_a_plan_that_is_not_understood_is_refused(plan: Json) -> None:
    found = judged(statement(predicates.PLAN, plan))
    assert found.unreadable is not None
    assert (found.planned, found.planned_tests, found.signers) == (None, (), ())


def test_an_approval_names_the_payload_that_it_approves() -> None:
    item = attestation("a", predicates.APPROVAL, {"approves": {"digest": MODEL}, "role": "risk"}, PARTY)
    found = read_one(item, evidence(), PARTY)
    assert found.approves == MODEL


@pytest.mark.parametrize("approves", [None, {}, MODEL, {"digest": "sha256:abc"}, {"digest": 1}])
def test_an_approval_of_nothing_is_refused(approves: object) -> None:
    found = judged(statement(predicates.APPROVAL, {"approves": approves}))
    assert found.unreadable is not None
    assert found.approves is None
