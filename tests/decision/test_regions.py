"""Where codes lead: the traps of cloud region names, one by one."""

from __future__ import annotations

import pytest

from actgate.decision.regions import PROVIDERS, locate


def countries(code: str, provider: str | None = None) -> set[str]:
    """Return the countries that a code can mean."""
    return {place.country for place in locate(code, provider)}


@pytest.mark.parametrize(
    ("provider", "code", "country"),
    [
        ("aws", "eu-west-2", "GB"),
        ("aws", "eu-central-2", "CH"),
        ("gcp", "europe-west2", "GB"),
        ("gcp", "europe-west6", "CH"),
        ("azure", "norwayeast", "NO"),
        ("ibm", "eu-gb", "GB"),
        ("oci", "eu-zurich-1", "CH"),
        ("oci", "eu-jovanovac-1", "RS"),
        ("otc", "eu-ch2", "CH"),
        ("ovhcloud", "EU-WEST-LZ-ZRH", "CH"),
        ("ovhcloud", "EU-WEST-LZ-MNC", "GB"),
        ("ovhcloud", "EU-NORTH-LZ-OSL", "NO"),
        ("ovhcloud", "EU-WEST-ERI", "GB"),
        ("alibaba", "eu-west-1", "GB"),
    ],
)
def test_eu_in_a_code_proves_nothing(provider: str, code: str, country: str) -> None:
    """Codes with "eu" or "europe" in them lie in London, Zurich, Oslo and Serbia."""
    assert countries(code, provider) == {country}


@pytest.mark.parametrize(
    ("code", "meant"),
    [("eu-west-1", {"IE", "GB"}), ("eu-west-2", {"GB", "FR"}), ("eu-central-1", {"DE"}), ("eu-de", {"DE"})],
)
def test_the_same_code_means_several_places(code: str, meant: set[str]) -> None:
    """Without a provider every provider that has the code counts."""
    assert countries(code) == meant
    assert len(locate(code)) == 2


@pytest.mark.parametrize(
    ("provider", "zone", "region"),
    [
        ("aws", "eu-west-3a", "eu-west-3"),
        ("aws-eusc", "eusc-de-east-1a", "eusc-de-east-1"),
        ("gcp", "europe-west9-b", "europe-west9"),
        ("gcp", "europe-west12-c", "europe-west12"),
        ("s3ns", "u-france-east1-a", "u-france-east1"),
        ("azure", "westeurope-1", "westeurope"),
        ("scaleway", "fr-par-1", "fr-par"),
        ("ibm", "eu-de-2", "eu-de"),
        ("otc", "eu-de-01", "eu-de"),
        ("stackit", "eu01-1", "eu01"),
        ("hetzner", "fsn1-dc14", "fsn1"),
        ("ovhcloud", "GRA3", "GRA"),
        ("ovhcloud", "eu-west-par-a", "EU-WEST-PAR"),
        ("outscale", "eu-west-2b", "eu-west-2"),
        ("aws", "us-gov-west-1a", "us-gov-west-1"),
        ("aws", "cn-northwest-1c", "cn-northwest-1"),
        ("gcp", "us-central1-f", "us-central1"),
        ("azure", "eastus2-3", "eastus2"),
        ("alibaba", "cn-hongkong-b", "cn-hongkong"),
        ("alibaba", "ap-southeast-5a", "ap-southeast-5"),
        ("ibm", "us-south-2", "us-south"),
        ("ovhcloud", "BHS5", "BHS5"),
        ("ovhcloud", "SGP2", "SGP"),
        ("hetzner", "ash-dc1", "ash"),
    ],
)
def test_a_zone_resolves_to_its_region(provider: str, zone: str, region: str) -> None:
    """Each provider's way of naming zones leads back to the region, and only that provider's way."""
    (place,) = locate(zone, provider)
    assert (place.provider, place.region) == (provider, region)


@pytest.mark.parametrize(
    ("provider", "code"),
    [
        ("aws", "eu-west-3-cmn-wlz-1a"),
        ("aws", "eu-west-3-cmn-wlz-1"),
        ("aws", "eu-central-1-waw-1a"),
        ("aws", "eu-west-3-1"),
        ("aws", "eu-west-3aa"),
        ("aws", "eu-west-4"),
        ("aws", "us-east-9"),
        ("aws", "europe-west9"),
        ("gcp", "europe-west9b"),
        ("gcp", "europe-west9-bb"),
        ("azure", "westeurope-123"),
        ("azure", "0"),
        ("ovhcloud", "nova"),
        ("amazon", "eu-west-3"),
        ("", "eu-west-3"),
        (None, "eu"),
        (None, "EU-WEST"),
        (None, "Paris"),
        (None, "global"),
        (None, ""),
        (None, "eu-west-3\x00"),
        (None, "\u0435u-west-3"),
        (None, "eu-west-\u0663"),
        ("ovhcloud", "gra\u0663"),
        ("azure", "westeurope-\u0661"),
        ("azure", "u\u212asouth"),
    ],
)
def test_what_the_table_does_not_hold_is_unknown(provider: str | None, code: str) -> None:
    """Wavelength zones (Casablanca under eu-west-3), typing errors and other continents lead nowhere."""
    assert locate(code, provider) == ()


def test_letter_case_and_blanks_around_do_not_matter() -> None:
    """Pipelines write EU-WEST-3 where the provider writes eu-west-3."""
    assert locate(" EU-West-3\n", "AWS ") == locate("eu-west-3", "aws")
    assert countries("gra11", "OVHcloud") == {"FR"}


def test_zones_without_a_provider_count_for_every_provider_that_names_zones_so() -> None:
    """`eu-west-1a` is Dublin at AWS and London at Alibaba."""
    assert countries("eu-west-1a") == {"IE", "GB"}
    assert countries("eu-west-3a") == {"FR"}


def test_every_provider_of_the_table_can_be_asked_by_name() -> None:
    """Provider names are lower case, as `locate` compares them."""
    assert all(provider == provider.lower().strip() for provider in PROVIDERS)
