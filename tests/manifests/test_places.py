"""Regions are taken out of free text, and nothing that the text says is dropped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate.decision import Subject
from actgate.decision.manifest import Region
from actgate.decision.regions import locate
from actgate.decision.residency_text import read
from actgate.manifests import read_document
from actgate.manifests.places import regions_in
from tests.decision.build import judge, policy
from tests.decision.residency_samples import LANGUAGES, REGIONS, REMARKS, UNDERSTOOD


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
        ("eu-west-3 eastus", [("eu-west-3", None), ("eastus", None)]),
        ("Paris, eu-west-3, France", [("eu-west-3", None)]),
        ("eu-west-3 / Frankfurt", [("eu-west-3", None), ("Frankfurt", None)]),
        ("eu-west-3, not", [("eu-west-3", None), ("not", None)]),
        ("eu-west-3 +", [("eu-west-3", None), ("+", None)]),
        ("mars-west-1, Paris", [("mars-west-1", None), ("Paris", None)]),
        ("West Europe", [("West Europe", None)]),
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


@given(st.text(max_size=200))
def test_text_with_words_names_at_least_one_region(text: str) -> None:
    """Whatever a text says, something of it remains to be judged, unless it says nothing."""
    if any(character.isalnum() for character in text):
        assert regions_in(text) or not text.casefold().replace("and", "").strip(" ,;\n&+|/()")


def v0(text: object) -> dict[str, object]:
    """Return a pipeline's file that passes but for what it says of regions."""
    return {
        "model_name": "LoanScorer-v2",
        "risk_category": "HIGH_RISK",
        "training_timestamp": "2026-11-01T10:00:00Z",
        "human_oversight_enabled": True,
        "training_data_sovereignty": text,
        "bias_metrics": {"demographic_parity_diff": 0.03, "threshold": 0.05, "compliant": True},
    }


def refused(text: object) -> bool:
    """Return whether the baseline refuses a text's regions, and so the file; it has no other fault."""
    failed = judge(read_document(v0(text)), Subject.of_manifest(read_document(v0(text)))).failed_rules
    assert set(failed) <= {"residency/training", "manifest/invalid"}
    return bool(failed)


def test_a_text_that_is_not_understood_is_refused() -> None:
    """`residency/training` fails in v0 whatever else the text says beside a region."""
    assert [text for text in REMARKS if not refused(text)] == []


def test_a_text_that_says_only_allowed_regions_passes_without_a_doubt() -> None:
    """Provider, town, country and neutral words beside a code raise neither refusal nor warning."""
    for text in UNDERSTOOD:
        document = read_document(v0(text))
        findings = judge(document, Subject.of_manifest(document)).findings
        assert [item for item in findings if item.rule.startswith("residency")] == [], text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_is_understood_in_every_language_of_the_eu(language: str) -> None:
    """Code, town and country, separated by brackets, commas, slashes or lines."""
    for (provider, code), text in zip(REGIONS, LANGUAGES[language], strict=True):
        for form in ("{} {} ({})", "{} {}, {}", "{} {} / {}", "{} {}\n{}", "{} {}: {}"):
            assert not refused(form.format(provider, code, text)), form.format(provider, code, text)


def test_both_of_two_codes_must_be_allowed() -> None:
    """Two regions in one text are two regions; where both are allowed, so is the text."""
    assert refused("eu-west-3 eastus")
    assert refused("eastus eu-west-3")
    assert not refused("eu-west-3 eu-central-1")
    assert not refused("eu-west-3 (Paris), eu-central-1 (Frankfurt)")


def test_the_seeds_own_text_passes_with_its_warning() -> None:
    """`EU-WEST-3 (Paris/Frankfurt)`: another town in an allowed country is a doubt, nothing more."""
    document = read_document(v0("EU-WEST-3 (Paris/Frankfurt)"))
    verdict = judge(document, Subject.of_manifest(document))
    assert verdict.allowed
    (doubt,) = (item for item in verdict.findings if item.rule == "residency/training")
    assert doubt.effect == "Warn"
    assert "also names Frankfurt, DE" in doubt.message


@given(st.text(max_size=200) | st.text(st.characters(), max_size=1100))
def test_no_text_raises_and_none_passes_by_chance(text: str) -> None:
    """Any text is read; without an allowed region's code in it, it is refused."""
    if not refused(text):
        assert not text.strip() or any(locate(region.code, region.provider) for region in regions_in(text))


@given(
    st.sampled_from(["eu-west-3", "aws eu-west-3 (Paris)"]),
    st.text(st.characters(categories=["L"]), min_size=1),
)
def test_a_word_more_is_refused_or_is_a_name(text: str, word: str) -> None:
    """A word beside a region is explained, or names a place, or refuses the text."""
    reading = read(word, locate("eu-west-3", "aws"))
    if reading.unexplained:
        assert refused(f"{text} {word}")
        assert refused(f"{word} {text}")
        assert refused(f"{text}, {word}")


def test_a_policy_of_another_continent_reads_its_own_regions() -> None:
    """`countries: [US]`: us-east-1 passes with its display name, and Paris does not."""
    american = policy(residency={"countries": ["US"], "serving": "Ignore"})
    for text, allowed in [("aws us-east-1 (US East, N. Virginia)", True), ("aws eu-west-3", False)]:
        document = read_document(v0(text))
        assert judge(document, Subject.of_manifest(document), american).allowed is allowed
