"""Versioned facts: cloud regions, names of places, country groups, and the lists and dates of the AI Act.

The ruleset id names the facts and the rules together, and stands in every verdict: a change of
either is a new id. ``tests/decision/test_facts.py`` holds the files' digests against it.
"""

import csv
import json
from importlib.resources import files
from typing import Any, Final

RULESET: Final = "2026-11-27"
"""Version of the rules and of the facts that they rest on."""


def region_rows() -> list[dict[str, str]]:
    """Return the region table, one row per provider and region code.

    Columns: provider, region, city (other names of the place in brackets), country (ISO 3166-1 alpha-2),
    eu_member, eea_member, source (``doc``: a provider's documentation or SDK; ``memory``: not yet checked
    against one), and a note, mostly empty.
    """
    text = (files(__name__) / "regions.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def country_groups() -> dict[str, frozenset[str]]:
    """Return the member countries of EU and EEA as ISO 3166-1 alpha-2 codes."""
    return {name: frozenset(group["members"]) for name, group in _load("countries.json").items()}


def place_names() -> dict[str, Any]:
    """Return names of countries, towns and providers, and the neutral words of a residency text.

    Countries in the 24 official languages of the EU, from Unicode CLDR; towns of the region table in
    the spellings of those languages; see its ``source``.
    """
    return _load("place_names.json")


def ai_act() -> dict[str, Any]:
    """Return dates, prohibited practices (Art. 5) and high-risk uses (Annex III) of the AI Act.

    Source: Regulation (EU) 2024/1689 as amended by Regulation (EU) 2026/1744, consolidated text
    CELEX 02024R1689-20260727.
    """
    return _load("ai_act.json")


def _load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((files(__name__) / name).read_text(encoding="utf-8"))
    return loaded
