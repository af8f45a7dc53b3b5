"""A region that is nearly right is suggested, and stays refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate.decision.manifest import Region
from actgate.decision.regions import PROVIDERS, every_place, locate
from actgate.decision.suggestions import did_you_mean, in_words
from tests.decision.build import judge, manifest


@pytest.mark.parametrize(
    ("text", "provider", "first"),
    [
        ("West Europe", None, "westeurope"),
        ("West Europe", "azure", "westeurope"),
        ("West Europe", " Azure ", "westeurope"),
        ("North Europe", None, "northeurope"),
        ("UK South", "azure", "uksouth"),
        ("South Central US", None, "southcentralus"),
        ("eu west 3", None, "eu-west-3"),
        ("eu_west_3", "aws", "eu-west-3"),
        ("eu\u2013west\u20133", None, "eu-west-3"),
        ("EuWest3", "aws", "eu-west-3"),
        ("eu-wset-3", "aws", "eu-west-3"),
        ("francecentral1", None, "francecentral"),
        ("frencecentral", "azure", "francecentral"),
        ("Europe (Paris)", "aws", "eu-west-3"),
        ("EU (Ireland)", "aws", "eu-west-1"),
        ("Asia Pacific (Tokyo)", "aws", "ap-northeast-1"),
        ("US East (N. Virginia)", "aws", "us-east-1"),
        ("Warschau, Polen", "gcp", "europe-central2"),
        ("eu-west-3 (Paris)", "aws", "eu-west-3"),
    ],
)
def test_display_names_and_slips_lead_to_the_code(text: str, provider: str | None, first: str) -> None:
    """Consoles show names, people make slips: the remediation names the code that the provider writes."""
    meant = did_you_mean(text, provider)
    assert meant[0].region == first
    assert in_words(meant).startswith(f"did you mean {first} (")
    assert locate(text, provider) == ()


@pytest.mark.parametrize(
    ("text", "provider"),
    [
        ("eu-central-9", "aws"),
        ("eu-west", None),
        ("nowhere", None),
        ("", None),
        ("Europe", None),
        ("EU", "aws"),
        ("eu-west-3 or London", None),
        ("not eu-west-3", None),
        ("West Europe", "aws"),
        ("West Europe", "no-such-cloud"),
        ("x" * 2000, None),
    ],
)
def test_what_is_like_nothing_gets_no_suggestion(text: str, provider: str | None) -> None:
    """Another number is another region, a remark is no display name, and another provider's code no help."""
    assert did_you_mean(text, provider) == ()
    assert in_words(()) == ""


@given(st.text(max_size=100), st.none() | st.sampled_from(sorted(PROVIDERS)) | st.text(max_size=10))
def test_a_suggestion_never_allows(text: str, provider: str | None) -> None:
    """Whatever is suggested, a text that is no code of the table is refused."""
    for place in did_you_mean(text, provider):
        assert place in set(every_place())
    if not locate(text, provider):
        assert not judge(manifest(training_regions=(Region(text, provider),))).allowed
