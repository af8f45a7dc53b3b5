"""What an object loads is part of the model's identity: ``link/model`` over URIs, arguments and variables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actgate.api.compliance_policy import Enforcement
from actgate.decision import Subject
from actgate.decision.rules.references import speaks_of
from actgate.decision.subject import ModelReference
from tests.decision.build import ASKING, MODEL, PASSING, judge, policy

ASSESSED = "s3://models/credit/3"
LISTING = replace(PASSING, uris=(ASSESSED, "gs://models/credit/", "hf://bank/credit"))


def loading(*values: str) -> Subject:
    """Return the subject that passes, as it loads these."""
    references = (ModelReference(f"spec.uris[{place}]", value) for place, value in enumerate(values))
    return replace(ASKING, references=tuple(references))


@pytest.mark.parametrize(
    ("value", "covered"),
    [
        (ASSESSED, True),
        ("s3://models/credit/3/", False),
        ("s3://models/credit/30", False),
        ("gs://models/credit/weights.bin", True),
        ("gs://models/credit/", True),
        ("gs://models/credit", False),
        ("gs://models/credit/../fraud/weights.bin", False),
        ("gs://models/credit/%2e%2e/fraud", False),
        ("gs://models/credit/./x", False),
        ("bank/credit", True),
        ("hf://bank/credit", True),
        ("hf://bank/credit-2", False),
        ("https://huggingface.co/bank/credit/resolve/main/w.bin", True),
        ("https://hf.co/bank/credit", True),
        ("https://hf.co/bank/credit-2", False),
        ("https://hf.co/bank/credit/../other", False),
        ("https://hf.co/bank/credit/%2e%2e/other", False),
        ("https://hf.co.example/bank/credit", False),
        ("S3://models/credit/3", False),
        (MODEL.name, True),
    ],
)
def test_a_uri_is_covered_by_itself_or_by_a_folder_above_it(value: str, covered: bool) -> None:
    """A prefix is no folder, and a path that leads out of the folder is not below it."""
    assert speaks_of(LISTING, value) is covered


def test_another_uri_than_those_assessed_is_refused() -> None:
    verdict = judge(LISTING, loading(ASSESSED, "s3://models/fraud/1"), policy())
    assert verdict.failed_rules == ("link/model",)
    (found,) = verdict.findings
    assert found.path == "spec.uris[1]"


def test_without_uris_in_the_manifest_a_reference_is_a_recommendation() -> None:
    """What passed before the field existed passes still, and the user sees what is missing."""
    verdict = judge(PASSING, loading("s3://models/fraud/1"), policy())
    assert verdict.allowed
    (found,) = [item for item in verdict.findings if item.path == "spec.uris[0]"]
    assert found.effect is Enforcement.WARN


def test_a_policy_can_require_uris() -> None:
    demanding = policy(evidence={"requireUris": True})
    assert judge(LISTING, loading(ASSESSED), demanding).allowed
    verdict = judge(PASSING, loading(ASSESSED), demanding)
    assert {item.path for item in verdict.findings if item.effect is Enforcement.DENY} == {
        "spec.model.uris",
        "spec.uris[0]",
    }


def test_what_another_object_states_is_recorded_as_not_stated_here() -> None:
    """It is unknown and not fine; admission sees no ConfigMap, so it cannot be refused either."""
    verdict = judge(PASSING, replace(ASKING, unstated=("spec.env[0]",)), policy())
    assert verdict.allowed
    (found,) = [item for item in verdict.findings if item.path == "spec.env[0]"]
    assert (found.rule, found.effect) == ("link/model", Enforcement.AUDIT)
