from __future__ import annotations

from typing import Any

import pytest

from actgate_sandbox.schema import check_crd
from tests.sandbox.schema.crd_cases import BASE, CASES, Case, patched


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_crds_earn_the_complaints_of_the_api_server(case: Case) -> None:
    """Each defect of a CRD is refused in the words of the real API server, and nothing else is."""
    found = sorted(f"{e.path}: {e.message}" for e in check_crd(patched(BASE, case.patch)))
    assert len(found) == len(case.complaints)
    for given, expected in zip(found, sorted(case.complaints), strict=True):
        assert given.startswith(expected)


def test_several_versions_are_told_apart() -> None:
    """With more than one version, a defect is reported at its own version."""
    first: dict[str, Any] = BASE["spec"]["versions"][0]
    second = {**first, "name": "v2", "storage": False, "schema": {"openAPIV3Schema": {"type": "string"}}}
    (error,) = check_crd(patched(BASE, {"spec": {"versions": [first, second]}}))
    assert error.path == "spec.versions[1].schema.openAPIV3Schema.type"


@pytest.mark.parametrize("storage", [False, True])
def test_exactly_one_version_is_stored(storage: bool) -> None:
    """No storage version, or two of them, are refused."""
    first: dict[str, Any] = {**BASE["spec"]["versions"][0], "storage": storage}
    found = check_crd(patched(BASE, {"spec": {"versions": [first, {**first, "name": "v2"}]}}))
    assert [error.path for error in found] == ["spec.versions"]
    assert "must have exactly one version marked as storage version" in found[0].message


@pytest.mark.parametrize(
    ("patch", "what"),
    [
        ({"spec": {"conversion": {"strategy": "Webhook"}}}, "conversion webhooks"),
        (
            {
                "spec": {
                    "versions": {
                        "schema": {"openAPIV3Schema": {"additionalProperties": True, "properties": None}}
                    }
                }
            },
            "not a boolean",
        ),
    ],
)
def test_what_the_sandbox_cannot_do_is_refused(patch: dict[str, Any], what: str) -> None:
    """A CRD that the real API server would serve otherwise is not accepted at all."""
    assert any(what in error.message for error in check_crd(patched(BASE, patch)))
