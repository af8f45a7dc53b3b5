"""Every word of a residency text is explained by its region, named as another place, or handed back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate.decision.data import country_groups, place_names, region_rows
from actgate.decision.manifest import Region
from actgate.decision.place_names import fold, names, words_of
from actgate.decision.regions import Place, every_place, locate
from actgate.decision.residency_text import read
from actgate.decision.verdict import Finding
from tests.decision.build import found, judge, manifest
from tests.decision.residency_samples import LANGUAGES, REGIONS

PARIS = locate("eu-west-3", "aws")
NAMES = place_names()
ALLOWED = [place for place in every_place() if place.country in country_groups()["EU"]]
ABROAD = [place for place in every_place() if place.country not in country_groups()["EU"]]


def findings(statement: str, place: Place) -> list[Finding]:
    """Return what `residency/training` finds under the baseline in a statement beside a region."""
    region = Region(place.region, place.provider, statement)
    return found(judge(manifest(training_regions=(region,))), "residency/training")


def names_of(place: Place) -> list[str]:
    """Return everything by which a text may call a place: code, provider, towns, countries, areas."""
    return [
        place.region,
        place.region.upper(),
        *NAMES["providers"][place.provider],
        *place.names,
        *(NAMES["cities"].get(place.town, ()) if place.names_a_town else ()),
        *NAMES["countries"][place.country].values(),
        *NAMES["other_names"].get(place.country, ()),
        *NAMES["areas"]["EU"]["names"],
        *NAMES["areas"]["Europe"]["names"],
        *NAMES["neutral"],
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_towns_and_countries_are_understood_in_every_language_of_the_eu(language: str) -> None:
    """The same regions, called in each of the 24 languages, with and without capitals."""
    for (provider, code), text in zip(REGIONS, LANGUAGES[language], strict=True):
        for spelt in (text, text.upper(), text.lower(), f"{code} ({text})"):
            assert read(spelt, locate(code, provider)).is_clean, spelt


@pytest.mark.parametrize("language", LANGUAGES)
def test_another_town_in_an_allowed_country_is_named_in_every_language(language: str) -> None:
    """Frankfurt beside eu-west-3 is a doubt, whatever it is called."""
    reading = read(f"eu-west-3 ({LANGUAGES[language][1]})", PARIS)
    assert {countries for _, countries in reading.others} == {("DE",)}
    assert reading.unexplained == ()


@given(st.data())
def test_any_text_of_understood_words_passes(data: st.DataObject) -> None:
    """For any allowed region: its code, its provider, its names and neutral words, in any order.

    Signs stand between them. A blank or a line break does not end a name, so that a longer one could be read:
    the "European Union" of "European, Union européenne" without its comma, which leaves a word over.
    """
    place = data.draw(st.sampled_from(ALLOWED))
    words = data.draw(st.lists(st.sampled_from(names_of(place)), min_size=1, max_size=8))
    separators = st.sampled_from([", ", " / ", "; ", " (", ") ", ",\n", ": ", " - "])
    text = "".join(word + data.draw(separators) for word in words)
    assert findings(text, place) == [], text


@pytest.mark.parametrize("text", ["Paris\nFrance", "eu-west-3\nUnion\neuropéenne", "EU\n(Paris)"])
def test_a_line_break_is_a_blank(text: str) -> None:
    """Also within a name, as a text that was wrapped has it."""
    assert read(text, PARIS).is_clean


unknown_words = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12) | st.sampled_from(
    [
        "not",
        "or",
        "failover",
        "backup",
        "kein",
        "sauf",
        "wherever",
        "eu-west-9",
        "?",
        "->",
        "\u200b",
        "%",
        "...",
    ]
)


@given(st.data(), unknown_words)
def test_any_other_word_makes_it_fail(data: st.DataObject, word: str) -> None:
    """One word that nothing explains, anywhere in a text that passes, refuses it."""
    place = data.draw(st.sampled_from(ALLOWED))
    reading = read(word, (place,))
    if not reading.unexplained:
        return  # It happens to be a name.
    words = data.draw(st.lists(st.sampled_from(names_of(place)), max_size=5))
    words.insert(data.draw(st.integers(0, len(words))), word)
    denying = [item for item in findings(" , ".join(words), place) if item.effect == "Deny"]
    assert denying
    assert "cannot be understood as region" in denying[0].message


@given(st.data())
def test_any_place_that_is_not_allowed_makes_it_fail(data: st.DataObject) -> None:
    """A town, a country or a code of a country that the policy does not allow, in any language."""
    place, other = data.draw(st.sampled_from(ALLOWED)), data.draw(st.sampled_from(ABROAD))
    name = data.draw(
        st.sampled_from(
            [
                *other.names,
                *(NAMES["cities"].get(other.town, ()) if other.names_a_town else ()),
                *NAMES["countries"][other.country].values(),
                *(() if locate(other.region, place.provider) else (other.region,)),
            ]
        )
    )
    text = f"{place.region} ({name})"
    assert [item for item in findings(text, place) if item.effect == "Deny"], text


@given(st.text() | st.text(st.characters()), st.sampled_from(list(every_place())))
def test_no_text_raises(text: str, place: Place) -> None:
    """Surrogates, controls, marks without letters: every text is read, and what it shows is printable."""
    assert all(item.message.isascii() for item in findings(text, place))


@pytest.mark.parametrize(
    "word",
    [
        *("not", "no", "non", "nicht", "kein", "keine", "ohne", "pas", "sans", "sauf", "except", "but"),
        *("ne", "nie", "nem", "nincs", "ei", "nav", "nu", "não", "sem", "niet", "geen", "ikke", "inte", "ej"),
        *("не", "без", "δεν", "όχι", "χωρίς", "ní", "níl", "mhux", "bez", "brez", "nera", "nėra", "nisu"),
        *("or", "oder", "ou", "o", "lub", "nebo", "alebo", "vagy", "tai", "eller", "of", "sau", "ili", "ali"),
        *(
            "või",
            "vai",
            "ή",
            "или",
            "nó",
            "jew",
            "arba",
            "to",
            "from",
            "via",
            "until",
            "before",
            "was",
            "will",
        ),
        *("failover", "backup", "replica", "mostly", "partly", "etc", "outside", "near", "formerly", "only"),
    ],
)
def test_no_word_that_turns_the_sense_is_a_name(word: str) -> None:
    """Negations, alternatives and exceptions of the EU's languages are no place, provider or filler."""
    for spelt in (word, word.upper(), word.capitalize()):
        for place in every_place():
            reading = read(spelt, (place,))
            assert reading.unexplained == (spelt,), (spelt, place)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "eu-west-3?",
            "eu-west-3 !",
            "!eu-west-3",
            "eu-west-3*",
            "<eu-west-3>",
            "~eu-west-3",
            "eu-west-3 %",
        ),
        *("eu-west-3 ->", "eu-west-3 \u2192", "-eu-west-3", "\u2260eu-west-3", "eu-west-3...", "eu-west-3 +"),
        *(
            "eu-west-3\u200b",
            "\ufeffeu-west-3",
            "eu-west-3\u202e",
            "eu-west-3\x00",
            "eu-west-3\u2028",
            "a\x1fb",
        ),
        *("eu-west-3_", "eu-west-3 \U0001f1fa\U0001f1f8", "eu-west-3 \u0301", "eu-west-3 \ud800"),
    ],
)
def test_a_symbol_that_may_mean_something_is_handed_back(text: str) -> None:
    """Arrows, doubts, exclusions, marks and what cannot be seen are no punctuation."""
    assert read(text, PARIS).unexplained != ()
    assert [item.effect for item in findings(text, PARIS[0])] == ["Deny"]


def test_a_group_of_countries_is_understood_only_where_it_is_true() -> None:
    """Membership beside London is wrong, even where a policy allows London."""
    assert read("EU, Europe", PARIS).is_clean
    assert read("EU", locate("eu-west-2", "aws")).unexplained == ("EU",)
    assert read("Europe (London)", locate("eu-west-2", "aws")).is_clean
    assert read("Europe", locate("us-east-1", "aws")).unexplained == ("Europe",)


@pytest.mark.parametrize(
    ("provider", "code", "text"),
    [
        ("aws", "us-east-1", "US East (N. Virginia)"),
        ("aws", "ca-central-1", "Canada (Central)"),
        ("aws", "ap-northeast-1", "Asia Pacific (Tokyo)"),
        ("azure", "westeurope", "West Europe"),
        ("azure", "eastus2", "East US 2"),
        ("azure", "germanywestcentral", "Germany West Central"),
        ("gcp", "europe-west9", "europe-west9, Europe West 9, Paris"),
        ("otc", "eu-de", "Biere, Germany"),
    ],
)
def test_a_region_is_understood_by_its_display_name(provider: str, code: str, text: str) -> None:
    """What the provider's console calls a region is that region."""
    assert read(text, locate(code, provider)).is_clean


@pytest.mark.parametrize(
    ("text", "countries"),
    [
        ("East US", ("US",)),
        ("uksouth", ("GB",)),
        ("UK South", ("GB",)),
        ("us-east-1", ("US",)),
        ("asia-southeast1-a", ("SG",)),
        ("eu-west-1", ("GB", "IE")),
        ("germanywestcentral", ("DE",)),
    ],
)
def test_another_region_is_a_place_by_code_and_by_display_name(text: str, countries: tuple[str, ...]) -> None:
    """A code without its provider may lie wherever one of them has it."""
    ((_, meant),) = read(f"eu-west-3 ({text})", PARIS).others
    assert meant == countries


def test_every_region_explains_its_own_row() -> None:
    """Code, city and country of the table, and a zone's name, are understood for each region."""
    for place in every_place():
        country = NAMES["countries"][place.country]["en"]
        text = f"{NAMES['providers'][place.provider][0]} {place.region} ({', '.join(place.names)}, {country})"
        assert read(text, (place,)).is_clean, read(text, (place,))


def test_names_are_complete_for_every_country_and_town_of_the_table() -> None:
    """24 languages for each country; an entry for each town; a name for each provider; ISO codes."""
    rows = region_rows()
    assert NAMES["languages"] == sorted(LANGUAGES)
    wanted = {row["country"] for row in rows} | country_groups()["EEA"]
    assert set(NAMES["countries"]) == set(NAMES["country_codes"]) == wanted
    for country, called in NAMES["countries"].items():
        assert sorted(called) == NAMES["languages"], country
        assert all(called.values())
    assert set(NAMES["cities"]) == {place.town for place in every_place()}
    assert set(NAMES["providers"]) == {row["provider"] for row in rows}


def test_every_name_survives_folding() -> None:
    """No name folds to nothing, and letters of one script never become those of another."""
    assert all(words and all(words) for words in (*names().places, *names().areas, *names().providers))
    assert fold("Łódź Ærø Straße ΠΑΡΊΣΙ") == "lodz aero strasse παρισι"
    assert fold("\u0430") != fold("a")
    assert words_of("St. Ghislain") == ("st", "ghislain")


def test_every_name_of_a_place_can_be_read_as_it_is_written() -> None:
    """A name with a mark that ends a part of a text would never be understood."""
    for town, called in NAMES["cities"].items():
        for name in called:
            assert not set(name) & set("/;:()[],\n"), (town, name)
