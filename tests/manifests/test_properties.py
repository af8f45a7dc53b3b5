"""Claims about reading that hold for any input."""

from __future__ import annotations

import contextlib
import json
import random
from dataclasses import replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from actgate.decision import Outcome
from actgate.documents import load, to_json, to_yaml
from actgate.manifests import (
    DigestError,
    EvidenceError,
    convert,
    digest,
    is_v0,
    origins,
    read_document,
    read_manifest,
    read_policy,
)
from actgate.manifests.digests import without_nulls
from tests.manifests.build import judged, manifest_object
from tests.manifests.strategies import damaged, documents, json_values, specs, v0_documents


@given(documents)
def test_reading_and_judging_never_raise(document: Any) -> None:  # noqa: ANN401 - any JSON value
    """Whatever a document holds, it is read and judged; and an object that is no evidence never passes."""
    for manifest in (read_document(document), read_manifest(document)):
        verdict = judged(manifest)
        if manifest.problems:
            assert verdict.outcome is Outcome.FAIL
    assert isinstance(origins(document), dict)


@given(documents)
def test_converting_and_reading_policies_raise_evidence_errors_only(document: Any) -> None:  # noqa: ANN401
    """A user who converts gets a sentence, never a stack trace of a library."""
    for action in (convert, read_policy):
        with contextlib.suppress(EvidenceError):
            action(document)


@given(damaged())
def test_damage_never_makes_evidence_pass(document: dict[str, Any]) -> None:
    """Cutting out what cannot be read turns no verdict into a better one."""
    manifest = read_manifest(document)
    assert not (judged(manifest).allowed and manifest.problems)
    document["spec"]["humanOversight"] = {"enabled": False}
    assert judged(read_manifest(document)).outcome is Outcome.FAIL


@given(v0_documents)
def test_a_v0_file_and_its_conversion_are_the_same_evidence(document: dict[str, Any]) -> None:
    """What convert accepts is read alike on both ways; what it refuses has problems when it is read."""
    read = read_document(document)
    try:
        converted = read_manifest(convert(document).manifest)
    except EvidenceError:
        assert read.problems or not is_v0(document)
        return
    assert replace(read, stated_category=None) == converted
    assert read.digest == digest(convert(document).manifest["spec"])
    assert judged(read).outcome is judged(converted).outcome


@given(v0_documents)
def test_nothing_of_a_v0_file_is_lost_silently(document: dict[str, Any]) -> None:
    """Every field is in the manifest, or among the weaknesses of the conversion."""
    try:
        conversion = convert(document)
    except EvidenceError:
        return
    reported = {weakness.path for weakness in conversion.weaknesses} | set(conversion.origins.values())
    for name, value in document.items():
        if value is not None and name != "assumed_defaults":
            assert name in reported


@given(specs, st.randoms(use_true_random=False))
def test_key_order_and_nulls_do_not_change_a_digest(spec: dict[str, Any], luck: random.Random) -> None:
    """The same evidence has the same digest, however it was written down."""
    try:
        expected = digest(spec)
    except DigestError:
        assume(False)
    assert digest(_shuffled(spec, luck)) == expected
    assert digest(json.loads(json.dumps(spec))) == expected


@given(json_values)
def test_what_is_written_is_read_again(value: Any) -> None:  # noqa: ANN401 - any JSON value
    """YAML and JSON of ours, read as Kubernetes reads it, hold the same values of the same types."""
    try:
        document: Any = without_nulls({"value": value})
        expected = digest(document)
    except DigestError:
        assume(False)
    for text in (to_yaml(document), to_json(document)):
        (found,) = load(text, "written")
        assert isinstance(found.value, dict)
        assert digest(found.value) == expected


def _shuffled(value: Any, luck: random.Random) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        items = [(key, _shuffled(item, luck)) for key, item in value.items()]
        items += [(f"null-{luck.random()}", None)]
        luck.shuffle(items)
        return dict(items)
    return [_shuffled(item, luck) for item in value] if isinstance(value, list) else value


def test_the_base_of_these_claims_passes() -> None:
    """The manifest that is damaged above passes when it is whole."""
    assert judged(read_manifest(manifest_object())).outcome is not Outcome.FAIL
