"""``actgate trace verify``: whether inference logs are what was written, and what that does not prove."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from actgate.api.quoting import counted, printable
from actgate.cli import streams, trace_logs
from actgate.cli.exits import Exit, UnusableError
from actgate.trace import checkpoint
from actgate.trace.faults import Fault
from actgate.trace.note import Key, NoteError
from actgate.trace.proof import Proven
from actgate.trace.verify import LogVerifier, Proof, Stated

_SHOWN: Final = 50


def verify(options: Namespace) -> Exit:
    """Verify the logs of directories, and report.

    Raises:
        UnusableError: Something that was named cannot be read.
    """
    packed = [Path(path) for path in options.paths if Path(path).is_file()]
    if packed:
        return _verify_proofs(packed, options)
    logs = trace_logs.find(options.paths)
    key = trace_logs.given_key(options.key)
    kept = [_kept(name) for name in options.checkpoint]
    proofs, faults = [], []
    for log in logs:
        known, bad = trace_logs.checkpoints(log)
        faults += [Fault(log.name, file, None, f"the checkpoint {problem}") for file, problem in bad]
        origins = {stated.checkpoint.origin for stated in known}
        ours = [stated for stated in kept if stated.checkpoint.origin in origins or _is_of(stated, log.path)]
        verifier = LogVerifier(log.name, [*known, *ours], key)
        for part in trace_logs.parts(log):
            verifier.add(part)
        proofs.append(verifier.finish())
    faults = [*faults, *(fault for proof in proofs for fault in proof.faults)]
    faults += _between(proofs, alone=len(logs) == 1 and logs[0].path in map(Path, options.paths))
    faults += [
        Fault("", stated.source, None, f"there is no log {printable(stated.checkpoint.origin)}")
        for stated in kept
        if stated.checkpoint.origin not in {proof.origin for proof in proofs}
    ]
    faults += _expected(proofs, options.expected)
    lines = _document(proofs, faults) if options.output == "json" else _report(proofs, faults, key)
    streams.write(lambda: sys.stdout.writelines(f"{line}\n" for line in lines))
    if not any(proof.size for proof in proofs) and not faults:
        streams.note(["no record of an inference log was found, so nothing was verified"], "error")
        return Exit.NOTHING
    return Exit.DENIED if faults else Exit.PASSED


def _verify_proofs(paths: list[Path], options: Namespace) -> Exit:
    """Verify files of proofs, and print the records that they prove."""
    if len(paths) < len(options.paths):
        raise UnusableError("name directories of logs or files of proofs, not both")
    from actgate.cli import trace_export

    printed: list[str] = []
    denied = False
    for path in paths:
        shown, faults = trace_export.verified_file(path, options.key)
        denied = denied or bool(faults)
        if options.output == "json":
            records = [
                {"log": origin, "seq": found.seq, "time": found.time, "event": found.event, **found.record}
                for origin, found in shown.records
            ]
            document = {
                "verified": not faults,
                "decision": shown.decision,
                "records": records,
                "faults": faults,
            }
            lines = [json.dumps(document, indent=2)]
        else:
            lines = [printable(f"{path}: {fault}") for fault in faults]
            lines += [
                printable(f"{origin} record {found.seq}: {found.event} at {found.time}")
                for origin, found in shown.records
            ]
            lines.append(_judged(shown, faults, pinned=options.key is not None))
        printed += lines
    streams.write(lambda: sys.stdout.writelines(f"{line}\n" for line in printed))
    return Exit.DENIED if denied else Exit.PASSED


def _judged(shown: Proven, faults: list[str], *, pinned: bool) -> str:
    if faults:
        return f"NOT PROVEN: the records of {printable(shown.decision)} are not those of a log"
    whose = "the key that was given" if pinned else f"the key that the log names, {', '.join(shown.keys)}"
    return printable(f"PROVEN: the records of {shown.decision} are in a log that is signed by {whose}")


def _kept(name: str) -> Stated:
    try:
        return Stated(name, *checkpoint.parse(trace_logs.read(Path(name))))
    except NoteError as error:
        raise UnusableError(f"{name} {error}") from None


def _is_of(stated: Stated, folder: Path) -> bool:
    return stated.checkpoint.origin.rpartition("/")[2] == folder.name


def _between(proofs: list[Proof], *, alone: bool) -> Iterator[Fault]:
    """Compare each log with what the next one of that name says of it."""
    by_origin = {proof.origin: proof for proof in proofs}
    for proof in proofs:
        previous = proof.start.get("previous")
        if not isinstance(previous, dict):
            continue
        origin = f"{proof.origin.rpartition('/')[0]}/{previous.get('log')}"
        before = by_origin.get(origin)
        if before is None:
            if not alone:
                yield Fault(proof.log, "", None, f"the log before it is missing: {printable(origin)}")
            continue
        size, root = previous.get("size"), previous.get("root")
        if before.size != size:
            yield Fault(
                before.log,
                "",
                None,
                f"has {before.size} records, and the log after it says that it had {size}",
            )
        elif root and before.root and before.root != root:
            yield Fault(
                before.log,
                "",
                before.size - 1,
                f"the log after it states another root: record {before.size - 1} or one after the last "
                "checkpoint was changed",
            )


def _expected(proofs: list[Proof], expected: int | None) -> Iterator[Fault]:
    uses = sum(proof.uses for proof in proofs)
    if expected is not None and uses < expected:
        yield Fault("", "", None, f"{counted(expected - uses, 'use')} without a record: {uses} of {expected}")


def _report(proofs: list[Proof], faults: list[Fault], key: Key | None) -> Iterator[str]:
    for fault in faults[:_SHOWN]:
        place = "/".join(part for part in (fault.log, fault.file) if part)
        yield printable(f"{place}: {fault.sentence}" if place else fault.sentence)
    if len(faults) > _SHOWN:
        yield f"and {len(faults) - _SHOWN} more faults"
    for proof in proofs:
        yield printable(_summary(proof))
    if not faults and proofs:
        uses = sum(proof.uses for proof in proofs)
        yield (
            f"VERIFIED: {counted(uses, 'use')} in {counted(len(proofs), 'log')}: no record changed, dropped, "
            "doubled or moved"
        )
        if key is None:
            yield (
                "the keys are those that the logs name: only a checkpoint or a key kept elsewhere shows that "
                "not all of it was written anew (--checkpoint, --key)"
            )
    elif faults:
        yield "ALTERED OR INCOMPLETE: this is not the log that was written"


def _summary(proof: Proof) -> str:
    parts = [
        f"log {proof.log}: {counted(proof.size, 'record')}, {counted(proof.uses, 'use')}, "
        f"{proof.first_time} to {proof.last_time}"
    ]
    if proof.size > proof.signed:
        behind = counted(proof.size - proof.signed, "record")
        parts.append(f"{behind} behind the last checkpoint, which its links alone hold together")
    if proof.lost:
        parts.append(f"states that {counted(proof.lost, 'answer')} left without a record")
    if proof.unwritten:
        parts.append(f"states that {counted(proof.unwritten, 'record')} could not be written at first")
    if proof.deleted:
        parts.append(f"{counted(proof.deleted, 'record')} deleted, the checkpoints around them fit")
    if not proof.stopped:
        parts.append("no stop: it is written, or was interrupted")
    return "; ".join(parts)


def _document(proofs: list[Proof], faults: list[Fault]) -> Iterator[str]:
    document: dict[str, Any] = {
        "verified": bool(proofs) and not faults,
        "uses": sum(proof.uses for proof in proofs),
        "logs": [
            {
                "log": proof.log,
                "origin": proof.origin,
                "key": proof.key,
                "records": proof.size,
                "uses": proof.uses,
                "lost": proof.lost,
                "unwritten": proof.unwritten,
                "signed": proof.signed,
                "deleted": proof.deleted,
                "stopped": proof.stopped,
                "first": proof.first_time,
                "last": proof.last_time,
                "root": proof.root,
            }
            for proof in proofs
        ],
        "faults": [
            {"log": fault.log, "file": fault.file, "record": fault.record, "message": fault.sentence}
            for fault in faults
        ],
    }
    yield json.dumps(document, indent=2)
