"""The proof of one decision: its records, and why they are in the log that a checkpoint signs.

It holds the start of each log, which says what model and evidence it is about, the records that have the
decision's id or are about it, and for each the hashes from its leaf to the root (RFC 9162 section 2.1.3).
No other record is in it. Of a log that was killed before a checkpoint covered its end, the start of the next
log states the root. ``standalone`` verifies the same with Python's standard library alone.
"""

import base64
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from actgate.api.quoting import quoted
from actgate.trace import checkpoint, line, merkle
from actgate.trace.checkpoint import Checkpoint
from actgate.trace.note import Key, NoteError

FORMAT: Final = "actgate.dev/inference-proof/v1"
MAX_BYTES: Final = 16 * 1024 * 1024


class ProofError(ValueError):
    """A proof that cannot be read: a clause that says what is wrong."""


class Proven(NamedTuple):
    """What a proof shows."""

    decision: str
    records: tuple[tuple[str, line.Line], ...]
    """Origin of its log, and each record."""
    keys: tuple[str, ...]
    """The key of each log, as its start names it."""
    faults: tuple[str, ...]
    """Why nothing is shown."""


def is_about(found: line.Line, decision: str) -> bool:
    """Return whether a record is the decision with that id, or an event about it."""
    return decision in (found.record.get("id"), found.record.get("decision"))


def of_log(signed: bytes, leaves: Sequence[bytes], lines: Sequence[tuple[int, bytes]]) -> dict[str, Any]:
    """Return the part of a proof that concerns one log.

    Args:
        signed: The checkpoint, as it is written.
        leaves: Hashes of as many leaves as the checkpoint covers.
        lines: Number and line of the start and of each record to prove, all of them covered.
    """
    return {"checkpoint": signed.decode(), "records": _records(leaves, lines)}


def of_interrupted(
    after: dict[str, Any], leaves: Sequence[bytes], lines: Sequence[tuple[int, bytes]]
) -> dict[str, Any]:
    """Return the part that concerns a log whose process was killed before a checkpoint covered its end.

    Args:
        after: The part of the log that follows: its start states size and root of this one, and is signed.
        leaves: Hashes of all leaves.
        lines: As for ``of_log``.
    """
    return {"after": after, "records": _records(leaves, lines)}


def _records(leaves: Sequence[bytes], lines: Sequence[tuple[int, bytes]]) -> list[dict[str, Any]]:
    return [
        {
            "seq": seq,
            "line": raw.decode(),
            "hashes": [base64.b64encode(step).decode() for step in merkle.inclusion_proof(leaves, seq)],
        }
        for seq, raw in lines
    ]


def document(decision: str, logs: Iterable[dict[str, Any]]) -> bytes:
    """Return a proof as it is kept."""
    whole = {"format": FORMAT, "decision": decision, "logs": list(logs)}
    return (json.dumps(whole, indent=2, ensure_ascii=True) + "\n").encode()


def verify(content: bytes, key: Key | None = None) -> Proven:
    """Verify a proof.

    Args:
        content: As ``document`` returns it.
        key: Has to have signed the log; by default the key that the log's start names.

    Raises:
        ProofError: It cannot be read.
    """
    if len(content) > MAX_BYTES:
        raise ProofError(f"must have at most {MAX_BYTES} bytes")
    try:
        whole = json.loads(content)
        stated, decision = str(whole["format"]), str(whole["decision"])
        logs = [_Log(log, key) for log in whole["logs"]] if stated == FORMAT else []
    except ProofError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise ProofError("is not a proof of a decision") from None
    if stated != FORMAT:
        raise ProofError(f"has the format {quoted(stated)}: must be {FORMAT}")
    faults = [fault for log in logs for fault in log.faults]
    records = [(log.origin, record) for log in logs for record in log.records]
    if not any(record.record.get("id") == decision for _, record in records):
        faults.append(f"no record has the id {quoted(decision)}")
    faults += [
        f"record {record.seq} is not about {quoted(decision)}"
        for _, record in records
        if record.seq and not is_about(record, decision)
    ]
    return Proven(decision, tuple(records), tuple(log.key for log in logs), tuple(faults))


class _Log:
    """The part of one log, verified as it is read; raises ProofError and what a wrong shape raises."""

    def __init__(self, given: dict[str, Any], key: Key | None) -> None:
        self.faults: list[str] = []
        self.records: list[line.Line] = []
        self.key = ""
        if "after" in given:
            after = _Log(given["after"], key)
            self.faults += after.faults
            stated, self.key = _before(after), after.key
            self._read(given, stated)
            return
        try:
            stated, note = checkpoint.parse(given["checkpoint"].encode())
        except NoteError as error:
            raise ProofError(f"has a checkpoint that {error}") from None
        if not self._read(given, stated):
            return
        try:
            signer = key or Key.parse(str(self.records[0].record.get("log_key")))
        except NoteError as error:
            self.faults.append(f"record 0: log_key {error}")
            return
        self.key = signer.text
        if not signer.signed(note) or stated.origin != signer.name:
            self.faults.append(f"the checkpoint of {stated.size} records is not signed by {signer.name}")

    def _read(self, given: dict[str, Any], stated: Checkpoint) -> bool:
        """Verify the records; return whether the first one is the start of a log."""
        self.origin = stated.origin
        for item in given["records"]:
            self._add(item, stated)
        if self.records and (self.records[0].event, self.records[0].seq) == ("start", 0):
            return True
        self.faults.append("the first record is not the start of a log, which names its key")
        return False

    def _add(self, item: dict[str, Any], stated: Checkpoint) -> None:
        seq, raw = item["seq"], item["line"].encode()
        hashes = [base64.b64decode(step, validate=True) for step in item["hashes"]]
        found = line.read(raw)
        if type(seq) is not int or found is None:
            raise ProofError("holds a line that is no record")
        self.records.append(found)
        root = merkle.root_from_inclusion(merkle.leaf_hash(raw), seq, stated.size, hashes)
        if root != stated.root or found.seq != seq:
            self.faults.append(f"record {seq} is not in the log that the checkpoint of {stated.origin} signs")


def _before(after: _Log) -> Checkpoint:
    """Return what the start of a log states of the one before it; raises what a wrong shape raises."""
    previous = after.records[0].record["previous"]
    size, root = previous["size"], bytes.fromhex(previous["root"])
    if type(size) is not int or len(root) != merkle.HASH_SIZE:
        raise ProofError("holds a start that does not state the log before it")
    return Checkpoint(f"{after.origin.rpartition('/')[0]}/{previous['log']}", size, root)
