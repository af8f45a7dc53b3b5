"""``actgate log verify``: whether a decision log is what was written, and what that does not prove."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from actgate.api.quoting import printable
from actgate.cli import streams
from actgate.cli.exits import Exit, UnusableError
from actgate.cli.files import STDIN
from actgate.records.lines import Found, read
from actgate.records.verify import Fault, Proof, Seen, Verifier

_SHOWN: Final = 50
"""Faults that are listed one by one; a log that was mangled as a whole has as many as lines."""


def verified(
    names: Iterable[str],
    heads: Iterable[str],
    *,
    strict: bool,
    taken: Callable[[str, Found], None] = lambda _source, _found: None,
) -> Proof:
    """Verify files of decision logs, in the order in which they were written.

    Args:
        names: The files; ``-`` for standard input.
        heads: Hashes that were kept elsewhere; each has to be in the log.
        strict: Whether other lines, lost decisions and an open end count as faults.
        taken: Called with each line, and the name of its file.

    Raises:
        UnusableError: A file cannot be read, or no line of a decision log is in them.
    """
    verifier = Verifier(heads, strict=strict)
    for name in names:
        for found in read(_lines(name)):
            source = "stdin" if name == STDIN else name
            verifier.add(source, found)
            taken(source, found)
    proof = verifier.finish()
    if not proof.chains and len(proof.faults) <= (proof.others if strict else 0):
        raise UnusableError("no line of a decision log was found, so nothing was proven")
    return proof


def exit_code(proof: Proof) -> Exit:
    """Return what the exit code says of a proof."""
    return Exit.DENIED if proof.faults else Exit.PASSED


def report(proof: Proof) -> Iterator[str]:
    """Yield the lines of a report on a proof."""
    yield from map(_fault, proof.faults[:_SHOWN])
    if len(proof.faults) > _SHOWN:
        yield f"and {len(proof.faults) - _SHOWN} more faults"
    yield from map(_chain, proof.chains)
    if proof.others:
        yield f"{_count(proof.others, 'other line')} skipped"
    yield from _callers(proof)
    yield "BROKEN: this is not the log that was written" if proof.faults else _proven(proof)


def document(proof: Proof) -> dict[str, Any]:
    """Return a proof as ``-o json`` writes it; docs/decision-log.md describes the fields."""
    return {
        "proven": not proof.faults,
        "decisions": _counts(proof),
        "otherLines": proof.others,
        "chains": [
            {
                "id": seen.id,
                "replica": seen.replica,
                "first": seen.first,
                "last": seen.last,
                "head": seen.head,
                "decisions": _counts(seen),
                "lost": seen.lost,
                "stopped": seen.stopped,
                "broken": seen.broken,
            }
            for seen in proof.chains
        ],
        "faults": [
            {"file": fault.source, "line": fault.number, "message": fault.sentence} for fault in proof.faults
        ],
    }


def _counts(counted: Proof | Seen) -> dict[str, int]:
    known = counted.decisions - counted.unauthenticated - counted.unstated
    return {
        "total": counted.decisions,
        "authenticated": known,
        "notAuthenticated": counted.unauthenticated,
        "notStated": counted.unstated,
    }


def _callers(proof: Proof) -> Iterator[str]:
    """Yield what a sound log still does not prove: that the API server asked."""
    doubtful = proof.unauthenticated + proof.unstated
    if doubtful:
        yield (
            f"{doubtful} of {_count(proof.decisions, 'decision')} came from callers that were not "
            "authenticated: they prove only that the webhook answered, not that the API server asked"
        )
    if proof.unstated:
        say = "says" if proof.unstated == 1 else "say"
        yield f"{_count(proof.unstated, 'decision')} of these {say} nothing of their caller: an older version"


def _proven(proof: Proof) -> str:
    proven = (
        f"PROVEN: {_count(proof.decisions, 'decision')} in {_count(len(proof.chains), 'chain')}, "
        "none changed, dropped or reordered"
    )
    return proven if all(seen.stopped for seen in proof.chains) else f"{proven} up to the open end"


def _chain(seen: Seen) -> str:
    parts = [
        f"chain {printable(seen.id)} of {printable(seen.replica) or 'an unknown replica'}: "
        f"{_count(seen.decisions, 'decision')}, {printable(seen.first)} to {printable(seen.last)}, "
        f"head {printable(str(seen.head))}"
    ]
    if seen.broken:
        parts.append("broken, see above")
    if seen.lost:
        parts.append(f"{_count(seen.lost, 'decision')} could not be written and are stated as lost")
    if not seen.stopped:
        parts.append(
            "no stop: the process runs, was killed, or the end was cut off; only a hash kept elsewhere "
            "proves its end (--head)"
        )
    return "; ".join(parts)


def _fault(fault: Fault) -> str:
    place = f"{fault.source}:{fault.number}: " if fault.source else ""
    return printable(f"{place}{fault.sentence}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _lines(name: str) -> Iterator[str]:
    try:
        with _opened(name) as file:
            for line in file:
                # A changed byte may be no UTF-8: that is a finding, and no reason to stop.
                yield line.decode("utf-8", "backslashreplace")
    except OSError as error:
        called = "standard input" if name == STDIN else name
        raise UnusableError(f"{called} cannot be read: {streams.reason(error)}") from None


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    if name == STDIN:
        yield streams.standard_input()
    else:
        with Path(name).open("rb") as file:
            yield file
