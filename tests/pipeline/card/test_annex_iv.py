import pytest

from actgate.api.compliance_policy import AssuranceLevel
from actgate.pipeline import card
from actgate.pipeline.card import Format, annex_iv, owners
from actgate.pipeline.card.annex_points import NUMBERS, POINTS
from actgate.pipeline.card.changes import changes
from actgate.pipeline.card.content import Facts, Section, Table
from actgate.pipeline.card.owners import Owners, OwnersError
from tests.pipeline.card.manifests import document, evidence, hostile, little, rendered


def sections(section: Section) -> list[Section]:
    """Return a section and all below it."""
    return [section, *(found for below in section.sections for found in sections(below))]


def test_all_nine_points_are_there() -> None:
    """Exporters that leave points out make readers believe that nothing is missing."""
    assert [point.number for point in POINTS] == list(range(1, 10))
    assert {part.point for point in POINTS for part in point.parts} == NUMBERS
    text = rendered(little(), Format.ANNEX_IV)
    for point in POINTS:
        assert f"\n## {point.number}. {point.title} (evidence " in text


@pytest.mark.parametrize("value", [document(), little(), hostile(2)])
def test_each_part_has_evidence_or_an_open_item_with_an_owner(value: dict[str, object]) -> None:
    """Nothing is left blank, and nothing is open without an owner."""
    found = evidence(value)
    items = annex_iv.open_items(found)
    assert all(item.owner and item.what for item in items)
    open_points = {item.point for item in items}
    page = annex_iv.page(found)
    stated = {
        section.title.partition(" ")[0].rstrip(".")
        for top in page.sections
        for section in sections(top)
        if any(isinstance(block, (Facts, Table)) for block in section.blocks)
    }
    assert open_points | stated >= NUMBERS


def test_a_manifest_that_states_little_has_its_gaps_named() -> None:
    """Not measured is said aloud."""
    text = rendered(little(), Format.ANNEX_IV)
    for words in (
        "potentially discriminatory impacts were not measured",
        "neither was measured",
        "data quality was not measured",
        "no data set is stated",
        "Record who oversees the system",
    ):
        assert words in text
    assert "More Information Needed" not in text
    assert "TODO" not in text


def test_no_document_says_that_the_law_is_met() -> None:
    """A tool sees evidence; whether a requirement is met is for persons to say."""
    for wanted in Format:
        assert "compliant" not in rendered(document(), wanted).casefold().replace("compliance", "")


def test_evidence_that_contradicts_itself_is_called_contradictory() -> None:
    """A value that its own counts refute is neither present nor missing."""
    measured = {**document()["spec"]["bias"][0], "value": 0.01}
    found = evidence(document(bias=[measured]))
    judged = contradicted(found.value)
    page = annex_iv.page(judged)
    states = {section.title[:2]: section.status for section in page.sections}
    assert states["2."] == "evidence contradictory"
    assert states["9."] == "evidence missing"


def contradicted(spec: object) -> card.evidence.Evidence:
    """Return evidence with what the rules find of it."""
    from datetime import UTC, datetime

    from actgate.decision import BASELINE
    from actgate.decision.decide import appraise

    value = document() | {"spec": spec}
    found = evidence(value)
    moment = datetime(2026, 11, 27, tzinfo=UTC)
    findings = appraise(found.manifest, (BASELINE,), moment).findings
    return evidence(value, card.Verification(findings=findings))


def test_every_value_has_its_field_and_its_level() -> None:
    """A number without its source cannot be checked."""
    page = annex_iv.page(evidence())
    facts = [
        fact
        for top in page.sections
        for section in sections(top)
        for block in section.blocks
        if isinstance(block, Facts)
        for fact in block.facts
    ]
    sourced = [fact for fact in facts if fact.source is not None]
    assert len(sourced) >= 20
    assert all(fact.source.path.startswith("spec.") for fact in sourced if fact.source)
    assert {fact.label for fact in facts if fact.source is None} == {"Digest of the evidence"}


def test_a_measurement_with_counts_is_recomputable_and_without_it_is_declared() -> None:
    """The level is that of the value, and not that of the file."""
    found = evidence()
    assert found.source("bias[0].value").level is AssuranceLevel.RECOMPUTABLE
    assert found.source("bias[0].threshold").level is AssuranceLevel.DECLARED
    assert found.source("evaluations[0].value").level is AssuranceLevel.DECLARED
    bare = {key: value for key, value in document()["spec"]["bias"][0].items() if key != "groups"}
    assert evidence(document(bias=[bare])).source("bias[0].value").level is AssuranceLevel.DECLARED


def test_changes_since_the_previous_version_are_listed_by_what_they_are_about() -> None:
    """Moved items are no change, and signatures are none either."""
    spec = document()["spec"]
    bias = [*spec["bias"], {"attribute": "age", "metric": "disparate_impact", "value": 0.91}]
    before = evidence(document(bias=bias[::-1], model={**spec["model"], "version": "1"}))
    after = evidence(document(bias=[{**bias[0], "value": 0.0198}, bias[1]]))
    found = {change.path: (change.before, change.after) for change in changes(before.value, after.value)}
    assert found == {
        "spec.model.version": ("1", "2"),
        'spec.bias["sex / demographic_parity_difference"].value': ("0.0199", "0.0198"),
    }
    text = card.render(card.Request(after, previous=before), Format.ANNEX_IV)
    assert "## 6. Changes through the lifecycle (evidence partly present)" in text
    assert "substantial modification (Art. 3(23))" in text
    assert f"evidence `{before.digest}`" in text or before.digest in text


def test_what_is_new_or_gone_is_one_change() -> None:
    """A measurement that was dropped must not hide among the fields that it had."""
    before, after = (evidence(document(**changed)).value for changed in ({}, {"bias": None, "lineage": None}))
    found = {change.path: (change.before, change.after) for change in changes(before, after)}
    measured = (
        "attribute sex; metric demographic_parity_difference; value 0.0199; threshold 0.05; groups 2 items; "
        f"dataset digest sha256:{'b' * 64}"
    )
    assert found == {
        'spec.bias["sex / demographic_parity_difference"]': (measured, None),
        "spec.lineage": ("codeCommit 4b825dc642cb6eb9; runId run 42; baseModels 0 items", None),
    }
    assert changes(after, after) == ()
    assert [change.after for change in changes(after, before)] == [value for value, _ in found.values()]


def test_a_file_names_the_owners_of_roles_and_points() -> None:
    """An open item of a role that does not exist stays open for ever."""
    found = owners.read({"roles": {"security": "Security desk"}, "items": {"2(b)": "J. Doe"}}, NUMBERS)
    items = {str(item.point): item.owner for item in annex_iv.open_items(evidence(), found)}
    assert (items["2(h)"], items["2(b)"], items["2(c)"]) == ("Security desk", "J. Doe", "Lead engineer")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "Invalid value: a list of 0 items: must be an object"),
        ({"roles": {"boss": "A"}}, 'roles.boss: Unsupported value: "boss": supported values: compliance, '),
        ({"items": {"12": "A"}}, 'Unsupported value: "12": supported values: 1(a), '),
        ({"roles": {"risk": "   "}}, "must be a name, not blank"),
        ({"roles": {"risk": "x" * 10_000}}, "must be text of at most 253 characters"),
        ({"people": {}}, "people: Invalid value: an object of 0 fields: unknown field"),
    ],
)
def test_owners_that_cannot_be_used_are_refused_in_a_sentence(value: object, words: str) -> None:
    """A misspelt role would leave its items with the default owner, in silence."""
    with pytest.raises(OwnersError) as refused:
        owners.read(value, NUMBERS)
    assert words in str(refused.value)


def test_an_owner_is_shown_as_text() -> None:
    """The file of owners is input, too."""
    found = Owners({**owners.ROLES, "product": "[x](http://evil.example)"}, {})
    text = card.render(card.Request(evidence(), found), Format.ANNEX_IV)
    assert "Owner: `[x](http://evil.example)`" in text
