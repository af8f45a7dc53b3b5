"""Logs as the writer makes them, in memory, and what verification says of them."""

from __future__ import annotations

from collections.abc import Iterator

from actgate.trace import checkpoint, line, merkle, note, record
from actgate.trace.checkpoint import Checkpoint
from actgate.trace.verify import LogVerifier, Part, Proof, Stated

PART = 8192
ORIGIN = "actgate.dev/inference-log/test/000001-00000000"
SIGNER = note.new_signer(ORIGIN)


def log(uses: int, signer: note.Signer = SIGNER) -> list[bytes]:
    """Return the lines of a log: a start, that many uses, a stop; a second between each."""
    events: list[dict[str, object]] = [
        {"event": "start", "format": record.FORMAT, "log_key": signer.key.text},
        *({"event": "inference", "id": f"{number:04}", "status": 200} for number in range(uses)),
        {"event": "stop"},
    ]
    lines, prev = [], line.FIRST
    for seq, event in enumerate(events):
        time = f"2026-11-27T{seq // 3600:02}:{seq // 60 % 60:02}:{seq % 60:02}.000000Z"
        lines.append(line.compose(*record.encode(event), seq, prev, time))
        prev = line.link(merkle.leaf_hash(lines[-1]))
    return lines


def stated(lines: list[bytes], source: str = "checkpoint", signer: note.Signer = SIGNER) -> Stated:
    """Return the signed checkpoint of lines."""
    root = merkle.root_of([merkle.leaf_hash(raw) for raw in lines])
    return Stated(source, *checkpoint.parse(checkpoint.sign(Checkpoint(ORIGIN, len(lines), root), signer)))


def verified(lines: list[bytes], *checkpoints: Stated, cut: bytes = b"") -> Proof:
    """Return what is known of lines in one segment, with ``cut`` behind the last line break."""
    verifier = LogVerifier("test", checkpoints)
    content = b"".join(raw + b"\n" for raw in lines) + cut
    verifier.add(Part("segment", 0, None, content, "", None))
    return verifier.finish()


def in_parts(lines: list[bytes]) -> Iterator[Part]:
    """Yield lines as sealed segments of ``PART`` records."""
    tree = merkle.Tree()
    for first in range(0, len(lines), PART):
        held = lines[first : first + PART]
        tree.extend([merkle.leaf_hash(raw) for raw in held])
        content = b"".join(raw + b"\n" for raw in held)
        yield Part(f"segment-{first}", first, first + len(held) - 1, content, "", tree.copy())


def verified_parts(parts: list[Part], *checkpoints: Stated) -> Proof:
    """Return what is known of segments."""
    verifier = LogVerifier("test", checkpoints)
    for part in parts:
        verifier.add(part)
    return verifier.finish()


def named(proof: Proof) -> set[int]:
    """Return the numbers of the records that faults name."""
    return {fault.record for fault in proof.faults if fault.record is not None}
