"""The proof: every chain complete from its start, without a gap, each line as it was written.

What it cannot prove is reported. A chain without a stop may have lost its end: a cut cannot be
distinguished from a crash. A chain that is missing as a whole leaves no trace. And a user who can write the
whole log can write it anew with other hashes. All three are closed by hashes that were kept elsewhere,
``heads``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from actgate.api.canonical import canonical_of_json, sha256
from actgate.records.lines import Found, Kind

_TYPES: Final = (
    ("chain", str, "text"),
    ("sequence", int, "a whole number"),
    ("kind", str, "text"),
    ("hash", str, "text"),
)
_KINDS: Final = frozenset(kind.value for kind in Kind)


class Fault(NamedTuple):
    """Where the log is not what was written, and what is wrong there."""

    source: str
    """Name of the file."""
    number: int
    """Line in it, counted from 1; 0 for what is about the whole input."""
    sentence: str


@dataclass(slots=True)
class Seen:
    """What was read of one chain."""

    id: str
    next: int = 0
    """Sequence number of the line that has to follow."""
    head: str | None = None
    """Hash of the last line."""
    lines: int = 0
    decisions: int = 0
    unauthenticated: int = 0
    """Decisions whose caller showed no certificate: not more than that the webhook answered."""
    unstated: int = 0
    """Decisions of which the line does not say, as versions before this field wrote them."""
    lost: int = 0
    """Decisions of which the chain itself says that they could not be written."""
    replica: str = ""
    first: str = ""
    """Time of the first line."""
    last: str = ""
    """Time of the last line."""
    stopped: bool = False
    broken: bool = False


@dataclass(slots=True)
class Proof:
    """What came out."""

    chains: list[Seen] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    others: int = 0
    """Lines that are not of a decision log."""

    @property
    def decisions(self) -> int:
        """Decisions of all chains."""
        return sum(seen.decisions for seen in self.chains)

    @property
    def unauthenticated(self) -> int:
        """Decisions whose caller was not authenticated."""
        return sum(seen.unauthenticated for seen in self.chains)

    @property
    def unstated(self) -> int:
        """Decisions of which the log does not say whether their caller was authenticated."""
        return sum(seen.unstated for seen in self.chains)


class Verifier:
    """Follows all chains through the lines of one or several files, which come in their order in time."""

    def __init__(self, heads: Iterable[str] = (), *, strict: bool = False) -> None:
        self._missing = dict.fromkeys(heads)
        self._strict = strict
        self._chains: dict[str, Seen] = {}
        self._proof = Proof()
        self._place = ("", 0)

    def add(self, source: str, found: Found) -> None:
        """Take the next line of a file."""
        self._place = (source, found.number)
        if found.entry is None:
            self._proof.others += 1
            if self._strict:
                self._fault("this is not a line of a decision log")
            return
        wrong = _malformed(found.entry)
        if wrong is not None:
            self._fault(wrong)
        elif not _is_as_written(found.entry):
            self._changed(found.entry)
        else:
            self._follow(found.entry)

    def finish(self) -> Proof:
        """Return the proof, or what stands against it."""
        for head in self._missing:
            self._proof.faults.append(
                Fault("", 0, f"no line has the hash {head}: what led to it was cut off, or rewritten")
            )
        self._proof.chains = list(self._chains.values())
        if self._strict:
            self._proof.faults += [fault for seen in self._proof.chains for fault in _weaknesses(seen)]
        return self._proof

    def _changed(self, entry: dict[str, Any]) -> None:
        sequence = entry["sequence"]
        self._fault(f"line {sequence} of chain {entry['chain']} was changed: its hash is of other content")
        seen = self._chains.get(entry["chain"])
        if seen is not None:
            seen.broken = True
            if sequence == seen.next:
                seen.next, seen.head = sequence + 1, entry["hash"]

    def _follow(self, entry: dict[str, Any]) -> None:
        seen = self._chains.setdefault(entry["chain"], Seen(entry["chain"]))
        wrong = _break(seen, entry)
        if wrong is not None:
            self._fault(wrong)
            seen.broken = True
        if entry["sequence"] < seen.next:
            return  # It has been seen, or comes too late: the chain goes on where it was.
        self._missing.pop(entry["hash"], None)
        _take(seen, entry)
        if not seen.broken and (wrong := _miscounted(seen, entry)) is not None:
            self._fault(wrong)
            seen.broken = True

    def _fault(self, sentence: str) -> None:
        self._proof.faults.append(Fault(*self._place, sentence))


def _malformed(entry: dict[str, Any]) -> str | None:
    for name, kind, words in _TYPES:
        if type(entry.get(name)) is not kind:
            return f"this line of a decision log was changed: its {name} is not {words}"
    if entry["kind"] not in _KINDS or "previous" not in entry:
        return "this line of a decision log was changed: its kind is unknown, or it has no previous"
    return None


def _is_as_written(entry: dict[str, Any]) -> bool:
    content = {name: value for name, value in entry.items() if name != "hash"}
    try:
        return bool(sha256(canonical_of_json(content)) == entry["hash"])
    except ValueError:
        return False


def _break(seen: Seen, entry: dict[str, Any]) -> str | None:
    """Return why a line, unchanged by itself, does not follow what was read of its chain."""
    sequence, name = entry["sequence"], f"chain {seen.id}"
    if sequence < seen.next:
        return f"line {sequence} of {name} follows line {seen.next - 1}: it was moved or duplicated"
    if seen.stopped:
        return f"line {sequence} of {name} follows its stop"
    if sequence > seen.next:
        return _missing(seen.next, sequence, name)
    if entry["previous"] != seen.head or (entry["kind"] == Kind.START) != (sequence == 0):
        return f"line {sequence} of {name} does not follow the line before it: one of them was replaced"
    return None


def _missing(first: int, found: int, name: str) -> str:
    if found - first == 1:
        return f"line {first} of {name} is missing before line {found}"
    return f"lines {first} to {found - 1} of {name} are missing before line {found}"


def _take(seen: Seen, entry: dict[str, Any]) -> None:
    time = str(entry.get("time", ""))
    seen.first = seen.first or time
    seen.last, seen.head, seen.next = time, entry["hash"], entry["sequence"] + 1
    seen.lines += 1
    match entry["kind"]:
        case Kind.START:
            seen.replica = str(entry.get("replica", ""))
        case Kind.DECISION:
            seen.decisions += 1
            authenticated = _authenticated(entry)
            seen.unauthenticated += authenticated is False
            seen.unstated += authenticated is None
        case Kind.LOST:
            seen.lost += entry["lost"] if type(entry.get("lost")) is int else 0
        case Kind.STOP:
            seen.stopped = True


def _authenticated(entry: dict[str, Any]) -> bool | None:
    """Return whether the line says that its caller was authenticated; None where it does not say."""
    caller = entry.get("caller")
    stated = caller.get("authenticated") if isinstance(caller, dict) else None
    return stated if isinstance(stated, bool) else None


def _miscounted(seen: Seen, entry: dict[str, Any]) -> str | None:
    if entry["kind"] in (Kind.CHECKPOINT, Kind.STOP) and entry.get("decisions") != seen.decisions:
        return (
            f"line {entry['sequence']} of chain {seen.id} counts {entry.get('decisions')} decisions, "
            f"but {seen.decisions} precede it"
        )
    return None


def _weaknesses(seen: Seen) -> Iterable[Fault]:
    if not seen.stopped:
        yield Fault("", 0, f"chain {seen.id} has no stop: its end may be missing")
    if seen.lost:
        yield Fault("", 0, f"chain {seen.id} states that {seen.lost} decisions could not be written")
