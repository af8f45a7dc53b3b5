"""``actgate log verify --replay``: what became of each decision that was derived again, and the exit code."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from actgate.api.quoting import counted, printable
from actgate.cli import sources
from actgate.cli.exits import Exit, UnusableError
from actgate.records.lines import Found, Kind
from actgate.records.replay import Kept, Replayed, Result, replay

_SHOWN: Final = 50
"""Decisions that are listed one by one in a report for people."""
_LISTED: Final = frozenset({Result.DIFFERS, Result.NOT_REPLAYED})


class _Line(NamedTuple):
    source: str
    number: int
    entry: dict[str, Any]
    replayed: Replayed


class Replay:
    """Derives the decisions of a log again, line by line.

    Args:
        folder: Name of the folder with objects, manifests and policies.

    Raises:
        UnusableError: A file of it cannot be read.
    """

    def __init__(self, folder: str) -> None:
        documents = [document.value for document in sources.read([folder])]
        self._folder = folder
        self._kept = Kept(value for value in documents if isinstance(value, dict))
        self._lines: list[_Line] = []

    def take(self, source: str, found: Found) -> None:
        """Take the next line of a file."""
        if found.entry is not None and found.entry.get("kind") == Kind.DECISION:
            replayed = replay(found.entry, self._kept)
            self._lines.append(_Line(source, found.number, found.entry, replayed))

    def exit_code(self, *, strict: bool) -> Exit:
        """Return what the exit code says, where the log itself is sound.

        Raises:
            UnusableError: Of the decisions with a verdict none could be replayed.
        """
        counts = self._counts()
        if counts[Result.DIFFERS] or (strict and counts[Result.NOT_REPLAYED]):
            return Exit.DENIED
        if counts[Result.NOT_REPLAYED] and not counts[Result.REPRODUCED]:
            raise UnusableError(f"no decision could be derived again from what is in {self._folder}")
        return Exit.PASSED

    def report(self) -> Iterator[str]:
        """Yield the lines of a report: those that were not reproduced, and how many there are of each."""
        listed = [line for line in self._lines if line.replayed.result in _LISTED]
        for line in listed[:_SHOWN]:
            for reason in line.replayed.reasons:
                yield printable(f"{line.source}:{line.number}: {line.replayed.result}: {reason}")
        if len(listed) > _SHOWN:
            yield f"and {len(listed) - _SHOWN} more decisions"
        counts = self._counts()
        others = (Result.DIFFERS, Result.NOT_REPLAYED, Result.NO_VERDICT)
        rest = [f"{counts[result]} {result}" for result in others if counts[result]]
        word = "DIFFERS" if counts[Result.DIFFERS] else "REPLAYED"
        yield ", ".join([f"{word}: {counted(counts[Result.REPRODUCED], 'decision')} reproduced", *rest])

    def document(self) -> dict[str, Any]:
        """Return the same as ``-o json`` writes it, with every decision."""
        counts = self._counts()
        return {
            "reproduced": counts[Result.REPRODUCED],
            "differs": counts[Result.DIFFERS],
            "notReplayed": counts[Result.NOT_REPLAYED],
            "noVerdict": counts[Result.NO_VERDICT],
            "decisions": [
                {
                    "file": line.source,
                    "line": line.number,
                    "uid": line.entry.get("uid"),
                    "result": line.replayed.result.value,
                    "reasons": list(line.replayed.reasons),
                }
                for line in self._lines
            ],
        }

    def _counts(self) -> Counter[Result]:
        return Counter(line.replayed.result for line in self._lines)
