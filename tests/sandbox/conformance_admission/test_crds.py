from __future__ import annotations

import pytest

from actgate_sandbox.rest import CRDS, Rest
from tests.sandbox.conformance_admission.crds import complaints
from tests.sandbox.schema.crd_cases import BASE, CASES, Case, patched


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_crds_earn_these_complaints(rest: Rest, case: Case) -> None:
    """The engine refuses a defect in a CRD with this sentence, and complains of nothing else."""
    found = complaints(rest("POST", CRDS, patched(BASE, case.patch), dryRun="All"))
    assert len(found) == len(case.complaints)
    for given, expected in zip(found, sorted(case.complaints), strict=True):
        assert given.startswith(expected)
