"""The facts that decisions rest on: pinned to the ruleset id, and consistent in themselves."""

from __future__ import annotations

import csv
import hashlib
import re
from datetime import date
from importlib.resources import files

import pytest

from actgate.decision.data import RULESET, ai_act, country_groups, region_rows
from actgate.decision.regions import locate

PINNED = {
    "2026-11-23": {
        "ai_act.json": "43b4d816d0382d091fcd3b75c0fdd8b4d212742e237b68d55b6e965982ac3558",
        "countries.json": "a5344f581805182cbc4102033c3958d472254d23d717dffc0476b8a573fc0d95",
        "regions.csv": "46f4ca7a82c9aae3bd24d602e5fe70527cd58794fe4cc813a8e48a616e4c0f12",
    },
    "2026-11-26": {
        "ai_act.json": "d49941ef924cb0eff0ffe4e839292082d291a9cfbb7ff86d0b138fe8c6fb8d0a",
        "countries.json": "a5344f581805182cbc4102033c3958d472254d23d717dffc0476b8a573fc0d95",
        "place_names.json": "fe6caa773d1d1b2ab238439ea281d73ef4d8f38c29f9bb2962494ab7413e21a4",
        "regions.csv": "f67ea1d79a8ccf940288e999157eee363ecbbd75408ba87bde0ce0041b0fcd9b",
    },
    "2026-11-27": {
        "ai_act.json": "c672b99b587007569ce62a55f3533e106b61040d1617f494461c11af8838d2b0",
        "countries.json": "a5344f581805182cbc4102033c3958d472254d23d717dffc0476b8a573fc0d95",
        "place_names.json": "fe6caa773d1d1b2ab238439ea281d73ef4d8f38c29f9bb2962494ab7413e21a4",
        "regions.csv": "f67ea1d79a8ccf940288e999157eee363ecbbd75408ba87bde0ce0041b0fcd9b",
    },
}
"""Digests of the data files per ruleset: a change of a fact sets a new RULESET and adds it here."""

ROWS = region_rows()


@pytest.mark.parametrize("name", ["ai_act.json", "countries.json", "place_names.json", "regions.csv"])
def test_a_change_of_facts_is_a_new_ruleset(name: str) -> None:
    """Every verdict names its ruleset, so the same id must always mean the same facts."""
    found = hashlib.sha256((files("actgate.decision.data") / name).read_bytes()).hexdigest()
    assert PINNED[RULESET][name] == found, f"{name} changed: set a new RULESET and pin it here"


def test_every_data_file_is_pinned() -> None:
    """No fact can be added beside the pinned files."""
    names = {
        file.name for file in files("actgate.decision.data").iterdir() if file.name.endswith(("csv", "json"))
    }
    assert names == set(PINNED[RULESET])


def test_the_act_and_the_ruleset_carry_the_same_version() -> None:
    """The file of the Act repeats the ruleset that it belongs to."""
    assert ai_act()["ruleset_version"] == RULESET


def test_a_region_row_agrees_with_the_groups_of_countries() -> None:
    """Country, EU and EEA flags say the same; the code finds its own row; the source is a known one."""
    groups = country_groups()
    for row in ROWS:
        assert re.fullmatch(r"[A-Z]{2}", row["country"]), row
        assert (row["eu_member"], row["eea_member"]) == (
            str(row["country"] in groups["EU"]).lower(),
            str(row["country"] in groups["EEA"]).lower(),
        ), row
        assert row["source"] in {"doc", "memory"}, row
        (place,) = locate(row["region"], row["provider"])
        assert (place.country, place.city) == (row["country"], row["city"]), row
        assert place.town, row


def test_no_provider_has_a_region_twice() -> None:
    """Two rows for one code would be a question of order."""
    keys = [(row["provider"], row["region"].lower()) for row in ROWS]
    assert len(keys) == len(set(keys))


def test_no_region_code_is_a_zone_abroad_at_another_provider() -> None:
    """Exact codes hide zone endings, which is safe only while no zone of that name is abroad."""
    for row in ROWS:
        others = {place.provider for place in locate(row["region"])} | {row["provider"]}
        zones = [
            place
            for provider in {other["provider"] for other in ROWS} - others
            for place in locate(row["region"], provider)
        ]
        assert all(place.country == row["country"] for place in zones), row


def test_the_european_groups_are_what_the_treaties_say() -> None:
    """27 members of the EU; the EEA adds Iceland, Liechtenstein and Norway; GB, CH and RS are in neither."""
    groups = country_groups()
    assert len(groups["EU"]) == 27
    assert groups["EEA"] - groups["EU"] == {"IS", "LI", "NO"}
    assert groups["EU"] < groups["EEA"]
    assert not {"GB", "CH", "RS", "UK"} & groups["EEA"]


def test_prohibitions_begin_on_the_dates_of_the_act() -> None:
    """Art. 5 counts from 2025-02-02; the points that the Digital Omnibus added from 2026-12-02."""
    starts = {entry["id"]: date.fromisoformat(entry["from"]) for entry in ai_act()["art5_prohibited"]}
    late = {point for point, start in starts.items() if start == date(2026, 12, 2)}
    assert late == {"5.1.ba", "5.1.bb"}
    assert {starts[point] for point in starts.keys() - late} == {date(2025, 2, 2)}


def test_annex_iii_has_its_eight_areas() -> None:
    """25 uses in eight areas, each cited as Annex III numbers it."""
    uses = ai_act()["annex_iii"]
    assert len({use["id"] for use in uses}) == len(uses) == 25
    assert {use["id"].split(".")[1] for use in uses} == set("12345678")
    assert all(use["cite"].startswith("Annex III point ") for use in uses)


def test_the_region_table_is_plain_csv() -> None:
    """Every row has exactly the eight columns, and only the note may be empty."""
    text = (files("actgate.decision.data") / "regions.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines())
    assert header == ["provider", "region", "city", "country", "eu_member", "eea_member", "source", "note"]
    assert all(len(row) == 8 and all(cell == cell.strip() for cell in row) and all(row[:7]) for row in rows)


def test_a_city_holds_names_and_no_remark() -> None:
    """Every word of the column explains a residency text, so "not London" stands in the note."""
    forbidden = {"not", "restricted", "legacy", "closed", "only", "pair", "realm"}
    for row in ROWS:
        assert forbidden.isdisjoint(re.findall(r"[a-z]+", row["city"].lower())), row


@pytest.mark.parametrize(
    ("code", "countries"),
    [
        *(("eu-west-3", {"FR"}), ("eu-central-1", {"DE"}), ("eu-north-1", {"SE"}), ("eu-south-1", {"IT"})),
        *(("francecentral", {"FR"}), ("europe-west9", {"FR"}), ("eu-de", {"DE"}), ("fr-par", {"FR"})),
        *(("eu-west-1", {"IE", "GB"}), ("eu-west-2", {"GB", "FR"})),
    ],
)
def test_the_regions_of_the_world_make_no_european_code_ambiguous(code: str, countries: set[str]) -> None:
    """A code that named one country before the table grew still does."""
    assert {place.country for place in locate(code)} == countries


@pytest.mark.parametrize("provider", ["aws", "azure", "gcp", "oci", "alibaba", "ibm"])
def test_the_large_clouds_are_known_on_every_continent(provider: str) -> None:
    """Each has regions in the United States, Japan and Australia or Singapore."""
    known = {row["country"] for row in ROWS if row["provider"] == provider}
    assert {"US", "JP"} <= known
    assert {"AU", "SG"} & known
