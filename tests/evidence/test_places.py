"""Regions are taken out of free text, and nothing that the text says is dropped."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actgate.evidence.places import regions_in
from actgate.policy.evidence import Region


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("EU-WEST-3 (Paris/Frankfurt)", [("eu-west-3", None)]),
        ("eu-west-3", [("eu-west-3", None)]),
        ("eu-west-3a", [("eu-west-3a", None)]),
        ("AWS eu-west-1", [("eu-west-1", "aws")]),
        ("Azure: westeurope", [("westeurope", "azure")]),
        ("ovhcloud GRA", [("gra", "ovhcloud")]),
        ("DE/FRA", [("de/fra", None)]),
        ("eu-west-3, eu-central-1", [("eu-west-3", None), ("eu-central-1", None)]),
        (
            "eu-west-3; europe-west9 and fr-par",
            [("eu-west-3", None), ("europe-west9", None), ("fr-par", None)],
        ),
        ("eu-west-3/eu-central-1", [("eu-west-3", None), ("eu-central-1", None)]),
        ("EU (eu-west-3, us-east-1)", [("eu-west-3", None), ("us-east-1", None)]),
        ("eu-west-3 and London", [("eu-west-3", None), ("London", None)]),
        ("eu-west-3, mars-west-1", [("eu-west-3", None), ("mars-west-1", None)]),
        ("eu-west-3 / Mumbai", [("eu-west-3", None), ("Mumbai", None)]),
        ("Frankfurt (DE)", [("Frankfurt (DE)", None)]),
        ("the European Union", [("the European Union", None)]),
        ("EU", [("EU", None)]),
    ],
)
def test_codes_are_found_and_the_rest_is_kept(text: str, codes: list[tuple[str, str | None]]) -> None:
    """Known codes and what looks like one; a part without a code is a region of that name."""
    assert [(region.code, region.provider) for region in regions_in(text)] == codes


def test_the_words_around_a_code_are_its_statement() -> None:
    """They stay, so that the rules can hold them against the region; a bare code states nothing more."""
    assert regions_in("EU-WEST-3 (Paris/Frankfurt)") == (
        Region("eu-west-3", None, "EU-WEST-3 (Paris/Frankfurt)"),
    )
    assert regions_in("EU-WEST-3") == (Region("eu-west-3"),)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_text_with_words_names_at_least_one_region(text: str) -> None:
    """Whatever a text says, something of it remains to be judged, unless it says nothing."""
    if any(character.isalnum() for character in text):
        assert regions_in(text) or not text.casefold().replace("and", "").strip(" ,;\n&+|/()")
