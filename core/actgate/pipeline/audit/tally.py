"""Counts per group: what an audit knows of the data, wherever it was counted. Counts add up.

The policy for values that are missing: nulls, NaN and blanks in the label, the prediction or a group are
refused with their number. ``DROP`` leaves such rows out of what they cannot be counted in, and the evidence
says how many. A value that is neither class is always refused.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from actgate.api.quoting import counted, quoted
from actgate.decision import groups as names
from actgate.pipeline.audit.errors import AuditError

REFUSE: Final = "refuse"
DROP: Final = "drop"
MOST_GROUPS: Final = 64
"""Groups that a measurement of a manifest can have."""
LONGEST_NAME: Final = 253
Grouping = tuple[str, ...]
"""Columns that groups are made of: one attribute, or several for their intersection."""


class Counts(NamedTuple):
    """What all metrics are computed from, for one group."""

    persons: int
    selected: int
    positives: int
    true_positives: int

    @property
    def false_positives(self) -> int:
        """Selected persons for whom it was not the right result."""
        return self.selected - self.true_positives


@dataclass(slots=True)
class Tally:
    """The counts of one or several sets of rows."""

    groupings: tuple[Grouping, ...]
    rows: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    """Rows without a value, by column."""
    other: Counter[str] = field(default_factory=Counter)
    """Rows whose value is neither of the two classes, by column: label or prediction."""
    groups: dict[Grouping, dict[tuple[str, ...], Counts]] = field(default_factory=dict)

    def add(self, grouping: Grouping, values: tuple[str, ...], counts: Counts) -> None:
        """Add persons to a group."""
        known = self.groups.setdefault(grouping, {})
        before = known.get(values)
        known[values] = counts if before is None else Counts(*map(sum, zip(before, counts, strict=True)))

    def merge(self, other: "Tally") -> None:
        """Add another site's counts."""
        self.rows += other.rows
        self.missing.update(other.missing)
        self.other.update(other.other)
        for grouping, groups in other.groups.items():
            for values, counts in groups.items():
                self.add(grouping, values, counts)


def attribute(grouping: Grouping) -> str:
    """Return the name of an attribute or intersection, as measurements have it: ``sex`` or ``sex,race``."""
    return ",".join(grouping)


def group_name(values: Sequence[str]) -> str:
    """Return the name of a group: its value, or the values of an intersection with commas."""
    return ", ".join(values)


class Words(NamedTuple):
    """What messages call the arguments that help."""

    drop: str = "--nulls drop"
    positive: str = "--positive"


COMMAND_LINE: Final = Words()


def require_usable(tally: Tally, roles: Mapping[str, str], nulls: str, words: Words = COMMAND_LINE) -> None:
    """Refuse rows that cannot be counted, and groups that are no groups.

    Args:
        tally: The counts.
        roles: What each column is, such as ``label``, for messages.
        nulls: ``REFUSE`` or ``DROP``.
        words: What messages call the arguments that help.

    Raises:
        AuditError: With a line for each column or grouping.
    """
    problems = [*_unusable(tally, roles, nulls, words)]
    if not problems:
        problems = [problem for grouping in tally.groupings for problem in _no_groups(tally, grouping)]
    if problems:
        raise AuditError("\n".join(problems))


def _unusable(tally: Tally, roles: Mapping[str, str], nulls: str, words: Words) -> Iterator[str]:
    if not tally.rows:
        yield "the data has no rows: name data with persons in it"
    for column, role in roles.items():
        called, rows = f"{role} {quoted(column)}", counted(tally.rows, "row")
        if number := tally.other[column]:
            yield (
                f"{called}: {number} of {rows} have a value that is neither 0 or false nor 1 or true: turn "
                f"scores into decisions, or name the favourable value with {words.positive}"
            )
        missing = tally.missing[column]
        if missing and missing == tally.rows:
            yield f"{called}: has no value in any row"
        elif missing and nulls == REFUSE:
            yield (
                f"{called}: {missing} of {rows} have no value (null, NaN or blank): complete them, or leave "
                f"these rows out with {words.drop}, which the evidence records"
            )


def _no_groups(tally: Tally, grouping: Grouping) -> Iterator[str]:
    found, called = tally.groups.get(grouping, {}), quoted(attribute(grouping))
    if len(found) > MOST_GROUPS:
        yield _too_many(called)
    elif len(found) < 2:
        yield (
            f"group {called}: has {counted(len(found), 'group')}, and at least 2 are needed to compare: "
            "audit data of all groups"
        )
    else:
        yield from _one_name(called, [group_name(values) for values in sorted(found)])


def _one_name(called: str, stated: Sequence[str]) -> Iterator[str]:
    """Yield which names the gate would take for one, and which are too long for it."""
    known: dict[str, str] = {}
    for name in stated:
        first = known.setdefault(names.key(name), name)
        if name != first or stated.count(name) > 1:
            yield (
                f"group {called}: {quoted(first)} and {quoted(name)} are one group, as case, white space and "
                "commas in names do not count: write each group in one way"
            )
            return
        if len(name) > LONGEST_NAME:
            yield f"group {called}: a name has more than {LONGEST_NAME} characters: shorten it"


def _too_many(called: str) -> str:
    return (
        f"group {called}: has more than {MOST_GROUPS} groups, and a measurement can have no more: put its "
        "values into classes, such as age bands, or name another column"
    )
