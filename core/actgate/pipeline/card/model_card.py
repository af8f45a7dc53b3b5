"""The model card: what was measured of a model, where it comes from, and what is not stated yet.

Sections as in "Model Cards for Model Reporting" (Mitchell et al. 2019), filled from evidence alone.
"""

from collections.abc import Sequence
from typing import Final

from actgate.api.predicates import APPROVAL
from actgate.api.quoting import counted
from actgate.decision.limits import BiasOutcome
from actgate.pipeline.card import annex_iv, bias_blocks, proof, statements, svg
from actgate.pipeline.card.annex_iv import open_items
from actgate.pipeline.card.calibration import Curve
from actgate.pipeline.card.content import (
    Block,
    Drawing,
    Inline,
    OpenItems,
    Page,
    Paragraph,
    Section,
    Table,
    Words,
    number,
    rounded,
    share,
)
from actgate.pipeline.card.escape import plain
from actgate.pipeline.card.evidence import Evidence
from actgate.pipeline.card.measurements import measured
from actgate.pipeline.card.owners import DEFAULT, Owners

_POINTS: Final = frozenset({"1(a)", "2(a)", "2(d)", "2(g)", "2(h)", "3(a)", "3(b)", "3(c)", "3(d)", "4"})
"""Open items of Annex IV that a reader of a card misses; the rest stands in the technical documentation."""
_MOST_CURVES: Final = 8


def page(
    found: Evidence,
    owners: Owners = DEFAULT,
    previous: Evidence | None = None,
    curves: Sequence[Curve] = (),
    files: Sequence[tuple[str, str]] = (),
) -> Page:
    """Return the card of a model.

    Args:
        found: The evidence.
        owners: Who closes open items.
        previous: The evidence of the previous version.
        curves: Calibration, where the evaluation has some.
        files: Name and SHA-256 of each file of the run.
    """
    items = [one for one in open_items(found, owners, compared=previous is not None) if one.point in _POINTS]
    stated = found.spec.model
    title: tuple[str, ...] = (Words("Model card: "), stated.name)
    if stated.version is not None:
        title = (*title, Words(", version "), stated.version)
    sections = [
        Section(Words("At a glance"), (*_glance(found), *proof.contradictions(found), _lineage(found))),
        Section(Words("Model"), (*statements.model(found), *statements.classification(found))),
        _measured_section("Bias", (*bias_blocks.summary(found), *bias_blocks.of_groups(found)), "Bias was"),
        _measured_section(
            "Accuracy, robustness and cybersecurity",
            statements.evaluations(found),
            "Accuracy, robustness and cybersecurity were",
        ),
        _measured_section("Calibration", _calibration(curves), "Calibration was"),
        _measured_section("Data sets", statements.datasets(found), "No data set is", "stated"),
        _measured_section("Data quality", statements.data_quality(found), "Data quality was"),
        _measured_section("Training and lineage", statements.development(found), "Nothing is", "stated"),
        _measured_section("Human oversight", statements.oversight(found), "Human oversight is", "stated"),
        _measured_section(
            "Approvals", (*statements.approvals(found), *proof.approvals(found)), "No approval is", "stated"
        ),
        *(
            [Section(Words("Changes since the previous version"), annex_iv.compared(previous, found))]
            if previous
            else []
        ),
        Section(Words("Open items"), (OpenItems(tuple(items)),)),
        proof.section(found),
        Section(
            Words("Identity of the evidence"), (*statements.validity(found), *statements.run_files(files))
        ),
    ]
    return Page(title, proof.verified(found.verification), tuple(sections))


def _measured_section(title: str, blocks: tuple[Block, ...], what: str, verb: str = "measured") -> Section:
    """Return a section; what is not there is stated."""
    negated = what.startswith("No")
    missing = Paragraph(Words(f"{what} {'' if negated else 'not '}{verb}."), "note")
    return Section(Words(title), blocks or (missing,))


def _glance(found: Evidence) -> tuple[Block, ...]:
    category = found.spec.risk_category
    rows = [
        (
            Words("Risk category"),
            Words("not stated, judged as HighRisk" if category is None else category.value),
        ),
        (Words("Bias"), Words(_bias_words(found))),
        (Words("Tests"), Words(_test_words(found))),
        (Words("Data quality"), Words(_quality_words(found))),
        (Words("Human oversight"), Words(_oversight_words(found))),
        (Words("Signatures"), proof.verified(found.verification)),
    ]
    return (Table((Words("Evidence"), Words("State")), tuple(rows)),)


def _bias_words(found: Evidence) -> str:
    rows = [*measured(found)]
    if not rows:
        return "not measured"
    names = {
        BiasOutcome.PASS: "within the limit",
        BiasOutcome.INCONCLUSIVE: "inconclusive",
        BiasOutcome.FAIL: "beyond the limit",
        None: "without a limit",
    }
    counts = [(name, sum(row.outcome is outcome for row in rows)) for outcome, name in names.items()]
    return f"{counted(len(rows), 'measurement')}: " + ", ".join(
        f"{count} {name}" for name, count in counts if count
    )


def _test_words(found: Evidence) -> str:
    tests = found.spec.evaluations or []
    if not tests:
        return "accuracy, robustness and cybersecurity were not measured"
    held = [one.met for one in tests]
    words = [
        (held.count(True), "met"),
        (held.count(False), "not met"),
        (held.count(None), "without a threshold"),
    ]
    return f"{counted(len(tests), 'test')}: " + ", ".join(f"{count} {name}" for count, name in words if count)


def _quality_words(found: Evidence) -> str:
    checks = found.spec.data_quality or []
    if not checks:
        return "not measured"
    held = [statements.accepted(one) for one in checks]
    words = [(held.count(True), "accepted"), (held.count(False), "beyond what was accepted")]
    words.append((held.count(None), "without a threshold"))
    return f"{counted(len(checks), 'check')}: " + ", ".join(
        f"{count} {name}" for count, name in words if count
    )


def _oversight_words(found: Evidence) -> str:
    stated = found.spec.human_oversight
    if stated is None:
        return "not stated"
    if not stated.enabled:
        return "stated as not in place"
    missing = [name for name in ("role", "contact", "override", "stop") if not getattr(stated, name)]
    return "stated" + (
        f", without {', '.join(missing)}" if missing else " with role, contact, override and stop"
    )


def _lineage(found: Evidence) -> Drawing:
    spec = found.spec
    training, lineage = spec.training, spec.lineage
    run = (
        []
        if lineage is None
        else [
            f"{name} {value}"
            for name, value in (("commit", lineage.code_commit), ("run", lineage.run_id))
            if value
        ]
    )
    run += [] if lineage is None else [f"from {name}" for name in (lineage.base_models or [])[:2]]
    run += [f"in {place.region}" for place in (training.regions or [] if training else [])[:3]]
    tests = [f"{one.kind}: {one.metric or 'no metric'}" for one in (spec.evaluations or [])[:3]]
    bias = [
        f"{row.stated.attribute or 'no attribute'}: {row.stated.metric.value}"
        for row in [*measured(found)][:3]
    ]
    accepted = [one for one in found.verification.attestations if one.authority]
    approved = [f"{one.role}: {one.by}" for one in (spec.approvals or [])[:3]]
    approved += [f"signed for {one.authority}" for one in accepted if one.predicate_type == APPROVAL]
    nodes = [
        svg.Node("Data sets", [_short(one.name, one.digest) for one in (spec.datasets or [])[:4]]),
        svg.Node("Training", run),
        svg.Node(
            "Model", [_short(f"{spec.model.name} {spec.model.version or ''}".strip(), spec.model.digest)]
        ),
        svg.Node("Bias audit", bias),
        svg.Node("Evaluation", tests),
        svg.Node("Approval", approved),
        svg.Node("Accepted signatures", [f"{one.name} for {one.authority}" for one in accepted[:4]]),
    ]
    words = (
        "Lineage from the data sets to the signatures; a dashed frame is a step of which nothing is known."
    )
    return Drawing(svg.lineage(nodes, words), Words(words), _chain(nodes))


def _chain(nodes: Sequence[svg.Node]) -> Inline:
    """Return a lineage in one line."""
    found: list[str] = []
    for node in nodes:
        found.append(Words(f"{', then ' if found else 'Lineage: '}{node.title.lower()} ("))
        for index, line in enumerate(node.lines or [statements.NOT_STATED]):
            found += [Words("; "), line] if index else [line]
        found.append(Words(")"))
    return (*found, Words("."))


def _short(name: str, digest: str | None) -> str:
    known = plain(name)
    known = known if len(known) <= 30 else f"{known[:29]}…"
    return f"{known}, {digest[:19]}…" if digest else f"{known}, no digest"


def _calibration(curves: Sequence[Curve]) -> tuple[Block, ...]:
    blocks: list[Block] = []
    for curve in curves[:_MOST_CURVES]:
        name = Words("all persons") if curve.group is None else curve.group
        points = [
            svg.Point(one.predicted, one.positives / one.count, one.count) for one in curve.bins if one.count
        ]
        words = f"expected calibration error {curve.error:.4g}; on the dashed diagonal both are the same."
        drawing = svg.calibration(points, f"Calibration of {plain(name)}: {words}")
        blocks.append(Drawing(drawing, (Words("Calibration of "), name, Words(f": {words}"))))
        rows = tuple(
            (
                Words(f"{one.low:g} to {one.high:g}"),
                number(one.count),
                rounded(one.predicted),
                share(one.positives, one.count),
            )
            for one in curve.bins
        )
        header = ("Score", "Persons", "Mean score", "Observed")
        source = " From evaluation.json of the run."
        blocks.append(
            Table(tuple(map(Words, header)), rows, frozenset({1, 2, 3}), (name, Words(f".{source}")))
        )
    if len(curves) > _MOST_CURVES:
        blocks.append(
            Paragraph(Words(f"{len(curves) - _MOST_CURVES} more groups are left out here."), "note")
        )
    return tuple(blocks)
