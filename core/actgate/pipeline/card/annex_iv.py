"""Technical documentation by Annex IV of Regulation (EU) 2024/1689: each point from evidence, or open."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from actgate.pipeline.card import proof, statements
from actgate.pipeline.card.annex_points import MEASURABLE, POINTS, Part, Point
from actgate.pipeline.card.changes import Change, changes
from actgate.pipeline.card.content import (
    Block,
    OpenItem,
    OpenItems,
    Page,
    Paragraph,
    Section,
    Table,
    Words,
)
from actgate.pipeline.card.evidence import Evidence
from actgate.pipeline.card.owners import DEFAULT, Owners

PRESENT: Final = Words("evidence present")
PARTLY: Final = Words("evidence partly present")
MISSING: Final = Words("evidence missing")
CONTRADICTORY: Final = Words("evidence contradictory")
TITLE: Final = Words("Technical documentation by Annex IV")


_NO_PREVIOUS: Final = (
    "State the relevant changes; give the manifest of the previous version with --previous, or say that "
    "there is none."
)
_SUBSTANTIAL: Final = "Say whether the changes are a substantial modification (Art. 3(23))."


def open_items(found: Evidence, owners: Owners = DEFAULT, *, compared: bool = False) -> tuple[OpenItem, ...]:
    """Return every open item of the nine points, in their order."""
    return tuple(
        item
        for point in POINTS
        for part in point.parts
        for item in _open(part, found, owners, compared=compared)
    )


def page(
    found: Evidence,
    owners: Owners = DEFAULT,
    previous: Evidence | None = None,
    files: Sequence[tuple[str, str]] = (),
) -> Page:
    """Return the documentation of one manifest, with the changes since the previous one where given."""
    sections = tuple(_point(point, found, owners, previous) for point in POINTS)
    items = open_items(found, owners, compared=previous is not None)
    coverage = Table(
        tuple(map(Words, ("Point", "Asked for", "Evidence"))),
        tuple(
            (Words(point.number), Words(point.title), section.status)
            for point, section in zip(POINTS, sections, strict=True)
        ),
    )
    return Page(
        (TITLE, Words(": "), *_called(found)),
        Words(
            "Regulation (EU) 2024/1689, Annex IV, in short words of ours; the law's own text is authentic."
        ),
        (
            Section(Words("Coverage"), (coverage,)),
            proof.section(found),
            *sections,
            Section(Words("All open items"), (OpenItems(items),)),
            Section(
                Words("Identity of the evidence"),
                (
                    *statements.validity(found),
                    *statements.approvals(found),
                    *proof.approvals(found),
                    *statements.run_files(files),
                ),
            ),
        ),
    )


def _called(found: Evidence) -> tuple[str, ...]:
    stated = found.spec.model
    return (stated.name,) if stated.version is None else (stated.name, Words(", version "), stated.version)


def _point(point: Point, found: Evidence, owners: Owners, previous: Evidence | None) -> Section:
    parts = [_part(part, found, owners, previous) for part in point.parts]
    title = Words(f"{point.number}. {point.title}")
    if len(parts) == 1:
        return Section(title, parts[0].blocks, status=parts[0].status)
    return Section(title, (), tuple(parts), _together([part.status for part in parts]))


def _together(states: list[str]) -> Words:
    if CONTRADICTORY in states:
        return CONTRADICTORY
    if all(state == PRESENT for state in states):
        return PRESENT
    return MISSING if all(state == MISSING for state in states) else PARTLY


def _part(part: Part, found: Evidence, owners: Owners, previous: Evidence | None) -> Section:
    blocks = _evidence(part, found, previous)
    items = tuple(_open(part, found, owners, compared=previous is not None))
    contradictory = any(found.contradicted(f"spec.{field}") for field in part.fields)
    status = CONTRADICTORY if contradictory else MISSING if not blocks else PARTLY if items else PRESENT
    title, _, more = part.asks.partition(":")
    asked = (Paragraph(Words(f"Asked for: {part.asks}.")),) if more or not part.point.endswith(")") else ()
    shown = (*asked, *blocks)
    if items:
        shown = (*shown, OpenItems(items))
    return Section(Words(f"{part.point} {title}"), shown, status=status)


def _evidence(part: Part, found: Evidence, previous: Evidence | None) -> tuple[Block, ...]:
    if part.point == "6":
        return () if previous is None else compared(previous, found)
    return tuple(block for build in part.builders for block in build(found))


def _open(part: Part, found: Evidence, owners: Owners, *, compared: bool) -> Iterator[OpenItem]:
    texts = list(part.open)
    if part.point == "6":
        texts = [_SUBSTANTIAL if compared else _NO_PREVIOUS]
    elif part.absent and not any(build(found) for build in part.builders):
        texts.append(part.absent)
    for text in (*texts, *_not_measured(part, found.value)):
        yield OpenItem(Words(part.point), Words(text), owners.of(part.point, part.role))


def _not_measured(part: Part, spec: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a manifest could state of a part, and does not."""
    for field, text in MEASURABLE.get(part.point, ()):
        if not spec.get(field):
            yield text


def compared(previous: Evidence, found: Evidence) -> tuple[Block, ...]:
    """Return what changed since the previous manifest."""
    rows: tuple[Change, ...] = changes(previous.value, found.value)
    since = (
        Words("Compared with the manifest of the previous version, evidence "),
        Words(previous.digest),
        Words("."),
    )
    if not rows:
        return (Paragraph((*since, Words(" Nothing changed."))),)
    none = Words("not stated")
    table = Table(
        tuple(map(Words, ("Field", "Before", "Now"))),
        tuple((row.path, row.before or none, row.after or none) for row in rows),
    )
    return (Paragraph(since), table)
