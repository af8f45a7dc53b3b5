"""The public API: listed in full, and nothing of it goes without being noticed."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

import actgate
from actgate.api import names
from tests.tools.conftest import ROOT
from tools import public_api

PAGE = ROOT / "docs" / "public-api.md"
OF_KUBERNETES = {
    "CrashLoopBackOff",
    "FailedGetResourceMetric",
    "ImagePullBackOff",
    "Unschedulable",
}
"""Reasons that are passed on as Kubernetes has them."""


def literals(folder: Path) -> set[str]:
    """Return every text that stands in the code of a package."""
    trees = (ast.parse(path.read_text("utf-8")) for path in folder.rglob("*.py"))
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {node.value for node in nodes if isinstance(node.value, str)}


@pytest.mark.parametrize("module", public_api.PYTHON)
def test_every_name_that_a_module_offers_is_there_and_listed(module: str) -> None:
    """``__all__`` says what is public; what is imported on demand must be found as well."""
    loaded = importlib.import_module(module)
    section = PAGE.read_text("utf-8").split(f"### {module}\n", 1)[1].split("\n#", 1)[0]
    listed = set(re.findall(r"^\| `(\w+)[(`]", section, re.MULTILINE))
    assert listed == set(loaded.__all__)
    assert [name for name in loaded.__all__ if getattr(loaded, name, None) is None] == []
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        loaded.absent  # noqa: B018 - is asked for


def test_a_name_that_is_removed_makes_the_page_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that `make lint` fails, and the change of the page is seen by who reviews it."""
    assert public_api.reference() == PAGE.read_text("utf-8")
    monkeypatch.setattr(actgate, "__all__", ["EUAIActGovernanceLogger", "__version__"])
    assert public_api.reference() != PAGE.read_text("utf-8")


def test_a_parameter_that_is_renamed_changes_the_page() -> None:
    """Pipelines name their arguments: a parameter is as public as its function."""

    def of(value: float, *, limit: float = 0.05) -> bool:
        return value < limit

    def renamed(value: float, *, threshold: float = 0.05) -> bool:
        return value < threshold

    assert public_api.signature(of) == "(value, *, limit=0.05)"
    assert public_api.signature(renamed) != public_api.signature(of)


def test_every_label_and_annotation_that_is_read_is_listed() -> None:
    """But what the operator keeps for itself."""
    keys = {
        value
        for name, value in vars(names).items()
        if name.endswith(("_LABEL", "_ANNOTATION")) and str(value).startswith(f"{names.GROUP}/")
    }
    text = PAGE.read_text("utf-8")
    assert len(keys) > 5
    assert [key for key in keys if f"| `{key}` |" not in text] == []


def test_every_reason_of_a_condition_or_event_is_given_by_the_operator() -> None:
    """People alert on them: a reason that the page names and the code no longer gives is a broken promise."""
    page = (ROOT / "docs" / "operator.md").read_text("utf-8")
    section = page.split("\n## Conditions and Events\n", 1)[1].split("\n## ", 1)[0]
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-zA-Z]+)+)`", section)) - OF_KUBERNETES
    assert len(named) > 20
    assert named - literals(ROOT / "operator" / "actgate_operator") == set()
