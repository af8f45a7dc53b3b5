"""Names of objects are made from any model name, and keep different models apart."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate.manifests.naming import LONGEST, object_name, split_version

_RFC_1123 = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


@pytest.mark.parametrize(
    ("stated", "name", "version"),
    [
        ("CreditRiskScorer-v2", "CreditRiskScorer", "2"),
        ("fraud_v1.2.3", "fraud", "1.2.3"),
        ("fraud-V10", "fraud", "10"),
        ("x-v2-v3", "x-v2", "3"),
        ("fraud-v", "fraud-v", None),
        ("fraud-v2beta", "fraud-v2beta", None),
        ("v2", "v2", None),
        ("-v2", "-v2", None),
    ],
)
def test_a_version_at_the_end_is_split_off(stated: str, name: str, version: str | None) -> None:
    """Only a number after -v or _v at the very end is a version."""
    assert split_version(stated) == (name, version)


@pytest.mark.parametrize(
    ("stated", "name"),
    [
        ("CreditRiskScorer-v2", "credit-risk-scorer-v2"),
        ("credit risk", "credit-risk"),
        ("XGBoostModel_v1.2", "xg-boost-model-v1.2"),
        ("simple", "simple"),
    ],
)
def test_a_plain_name_is_spelled_the_kubernetes_way(stated: str, name: str) -> None:
    """Words become lower case, with hyphens between."""
    assert object_name(stated) == name


@given(st.text(max_size=300))
def test_any_text_has_a_valid_name(text: str) -> None:
    """RFC 1123, and short enough for a label."""
    name = object_name(text)
    assert _RFC_1123.fullmatch(name)
    assert len(name) <= LONGEST


def test_names_that_lose_letters_stay_different() -> None:
    """Two models are not made one by the alphabet of object names or by their length."""
    assert object_name("模型甲") != object_name("模型乙")
    assert object_name("x" * 100) != object_name("x" * 101)
    assert object_name("Modèle").startswith("modele-")
