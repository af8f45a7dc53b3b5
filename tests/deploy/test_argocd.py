"""What Argo CD and kstatus make of a ModelDeployment's status, fixture by fixture."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from actgate.api.model_deployment import ModelDeployment
from tests.support import argocd, kstatus
from tests.support.kstatus import Verdict

CASES: Final = argocd.SCRIPT.parent / "health_test.yaml"
IN_SYNC: Final = {
    Verdict.CURRENT: {"Healthy"},
    Verdict.FAILED: {"Degraded"},
    Verdict.IN_PROGRESS: {"Progressing", "Suspended"},
    Verdict.TERMINATING: {"Progressing"},
}
"""What Argo CD says where kstatus says this."""

NO_STATUS: Final = "progressing_noStatus"


def cases() -> list[dict[str, Any]]:
    """Return what Argo CD's own test of a customization would read."""
    loaded: list[dict[str, Any]] = yaml.safe_load(CASES.read_text(encoding="utf-8"))["tests"]
    return loaded


def read(path: str) -> dict[str, Any]:
    """Read a fixture."""
    fixture: dict[str, Any] = yaml.safe_load((CASES.parent / path).read_text(encoding="utf-8"))
    return fixture


FIXTURES: Final = [pytest.param(case["inputPath"], id=Path(case["inputPath"]).stem) for case in cases()]


@pytest.mark.parametrize("case", cases(), ids=[Path(case["inputPath"]).stem for case in cases()])
def test_the_health_is_what_the_case_says(case: dict[str, Any]) -> None:
    """Status and message, as Argo CD's own test would compare them."""
    assert argocd.health(read(case["inputPath"])) == tuple(case["healthStatus"].values())


@pytest.mark.parametrize("path", FIXTURES)
def test_kstatus_agrees(path: str) -> None:
    """Who waits with Flux and who waits with Argo CD hear the same."""
    obj = read(path)
    if NO_STATUS in path:
        # The one difference, which the default of the CRD keeps from ever being seen.
        assert (kstatus.verdict(obj), argocd.health(obj).status) == (Verdict.CURRENT, "Progressing")
        return
    assert argocd.health(obj).status in IN_SYNC[kstatus.verdict(obj)]


@pytest.mark.parametrize("path", FIXTURES)
def test_a_fixture_is_a_model_deployment(path: str) -> None:
    """It fits the schema, so it could be in a cluster."""
    ModelDeployment.model_validate(read(path))


def test_every_fixture_is_a_case() -> None:
    """None lies there unread, and every health there is has one."""
    found = {f"testdata/{file.name}" for file in (CASES.parent / "testdata").iterdir()}
    assert found == {case["inputPath"] for case in cases()}
    assert {case["healthStatus"]["status"] for case in cases()} == {
        "Healthy",
        "Progressing",
        "Degraded",
        "Suspended",
    }


def test_the_snippet_for_argocd_cm_is_the_script() -> None:
    """A user who patches argocd-cm gets what is tested here."""
    snippet = yaml.safe_load((argocd.FOLDER / "argocd-cm.yaml").read_text(encoding="utf-8"))
    key = "resource.customizations.health.actgate.dev_ModelDeployment"
    assert snippet == {"data": {key: argocd.SCRIPT.read_text(encoding="utf-8")}}


@pytest.mark.parametrize("status", [{}, {"conditions": []}, {"observedGeneration": 3}, {"conditions": None}])
def test_a_status_that_says_little_is_progressing(status: dict[str, Any]) -> None:
    """The script answers whatever it is given."""
    obj = {**read("testdata/healthy_available.yaml"), "status": status}
    assert argocd.health(obj) == ("Progressing", "Waiting for the actgate operator")
