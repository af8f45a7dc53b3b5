"""``actgate trace export --id``: the proof of one decision, in a file that verifies offline."""

import json
import sys
from argparse import Namespace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NamedTuple

from actgate import manifests
from actgate.api.canonical import sha256
from actgate.api.quoting import counted, printable, quoted
from actgate.cli import evidence, streams, trace_logs
from actgate.cli.exits import Exit, UnusableError
from actgate.cli.trace_logs import Log
from actgate.documents.writing import to_yaml, write_whole
from actgate.pipeline import archive, pack
from actgate.trace import line, merkle, proof, segments

PROOF: Final = "proof.json"
_README: Final = """\
# Proof of one decision

This archive proves that the records of the decision `{decision}` are in the inference log that its
recorder wrote, and were not changed since. It can be checked without a network and without actgate, by any
Python from 3.9 on:

```sh
sha256sum --check --strict --quiet SHA256SUMS
python3 verify.py < proof.json
```

| file | what it is |
|---|---|
| `proof.json` | the records as they stand in the log, the hashes from each to the root, the checkpoint |
| `decision.json` | the same records to read |
| `verify.py` | what verifies them: a hundred lines, of the standard library alone |
| `evidence/` | the manifest under which the model was admitted, where it was packed |

The log's own start names its key. That this is the key of the recorder, and not one by which all of it was
written anew, a key from another source shows: `python3 verify.py KEY < proof.json`. The proof does not show
that what the records say is true, nor that no other record is about the decision.
"""


def decision(options: Namespace) -> Exit:
    """Write the proof of a decision.

    Raises:
        UnusableError: A log cannot be read or proves nothing of it, or the file cannot be written.
    """
    logs = trace_logs.find(options.paths)
    parts = [part for log in logs if (part := _of(log, logs, options.id)) is not None]
    content = proof.document(options.id, parts)
    shown = proof.verify(content)
    if not any(found.record.get("id") == options.id for _, found in shown.records):
        streams.note([f"no record has the id {quoted(options.id)}"], "error")
        return Exit.NOTHING
    if shown.faults:
        streams.note([*shown.faults, "the log was altered: see actgate trace verify"], "error")
        return Exit.DENIED
    packed = {
        "README.md": _README.format(decision=options.id).encode(),
        PROOF: content,
        "decision.json": _readable(shown),
        "verify.py": files("actgate.trace").joinpath("standalone.py").read_bytes(),
        **_evidence(options.manifest, shown),
    }
    try:
        data = pack.seal(packed)
        write_whole(Path(options.output_file), data)
    except archive.ArchiveError as error:
        raise UnusableError(f"the proof {error}") from None
    except OSError as error:
        raise UnusableError(f"{options.output_file} cannot be written: {streams.reason(error)}") from None
    records = counted(sum(found.seq > 0 for _, found in shown.records), "record")
    text = f"{sha256(data)}  {options.output_file}\nproves {records} of {printable(options.id)}\n"
    streams.write(lambda: sys.stdout.write(text))
    return Exit.PASSED


def verified_file(path: Path, key: str | None) -> tuple[proof.Proven, list[str]]:
    """Verify a file that ``decision`` wrote; return what it shows, and all faults.

    Raises:
        UnusableError: It is none, or cannot be read.
    """
    try:
        found = pack.unseal(trace_logs.read(path))
        if PROOF not in found.files:
            raise UnusableError(f"{path} holds no {PROOF}: it is no proof of a decision")
        shown = proof.verify(found.files[PROOF], trace_logs.given_key(key))
    except (archive.ArchiveError, proof.ProofError) as error:
        raise UnusableError(f"{path} {error}") from None
    return shown, [*(f"{fault.name}: {fault.message}" for fault in found.faults), *shown.faults]


class _Read(NamedTuple):
    """A log as it was read."""

    leaves: list[bytes]
    start: bytes
    wanted: list[tuple[int, bytes]]
    """Number and line of each record that is about the decision."""
    gone: str
    """Records that are not here, in words."""


def _read(log: Log, identifier: str) -> _Read:
    leaves: list[bytes] = []
    wanted: list[tuple[int, bytes]] = []
    text, start, gone = identifier.encode(), b"", ""
    for part in trace_logs.parts(log):
        if part.content is None or part.first != len(leaves):
            gone = gone or f"from {len(leaves)} on"
        for seq, raw in enumerate(segments.split(part.content or b"")[0], part.first):
            start = start or raw
            if text in raw and (found := line.read(raw)) and proof.is_about(found, identifier):
                wanted.append((seq, raw))
            leaves.append(merkle.leaf_hash(raw))
    return _Read(leaves, start, wanted, gone)


def _of(log: Log, logs: list[Log], identifier: str) -> dict[str, Any] | None:
    """Return the part of a proof that concerns one log; None where nothing in it is about a decision.

    Raises:
        UnusableError: Its records are there, and cannot be proven.
    """
    found = _read(log, identifier)
    if not found.wanted:
        if found.gone:
            streams.note(
                [f"{log.name}: the segment with the records {found.gone} is not here to be searched"]
            )
        return None
    first = [] if found.wanted[0][0] == 0 else [(0, found.start)]
    return _part(log, logs, found, [*first, *found.wanted])


def _part(log: Log, logs: list[Log], found: _Read, lines: list[tuple[int, bytes]]) -> dict[str, Any]:
    """Return the proof of some lines of a log; raises like ``_of``."""
    if found.gone:
        raise UnusableError(
            f"{log.name}: the segment with the records {found.gone} is not here, and no record can be proven "
            "without its hashes: name the directory of a whole copy"
        )
    leaves, last = found.leaves, lines[-1][0]
    known = sorted(trace_logs.checkpoints(log)[0], key=lambda stated: stated.checkpoint.size)
    for stated in known:
        size, root = stated.checkpoint.size, stated.checkpoint.root
        if last < size <= len(leaves) and merkle.root_of(leaves[:size]) == root:
            signed = trace_logs.read(log.path / stated.source)
            return proof.of_log(signed, leaves[:size], lines)
    state = (log.path.name, len(leaves), merkle.root_of(leaves).hex())
    for other in (one for one in logs if one.path.parent == log.path.parent and one is not log):
        after = _read(other, "\n")  # Which no line has: of this one the start alone is wanted.
        start = line.read(after.start)
        previous = start.record.get("previous") if start is not None else None
        if isinstance(previous, dict) and state == tuple(map(previous.get, ("log", "size", "root"))):
            return proof.of_interrupted(_part(other, logs, after, [(0, after.start)]), leaves, lines)
    raise UnusableError(
        f"{log.name}: no checkpoint that fits covers record {last}: a log that is written has one a second "
        "later, and one that was killed is proven with the log that follows it, in the same directory"
    )


def _readable(shown: proof.Proven) -> bytes:
    """Return the records to read: what stands once in the start of a log, and each record."""
    records = [
        {"log": origin, "seq": found.seq, "time": found.time, "event": found.event, **found.record}
        for origin, found in shown.records
    ]
    return (json.dumps({"decision": shown.decision, "records": records}, indent=2) + "\n").encode()


def _evidence(manifest: str | None, shown: proof.Proven) -> dict[str, bytes]:
    """Return the manifest to pack, whose digest is the one that a start of a log names.

    Raises:
        UnusableError: It is another one, or cannot be read.
    """
    if manifest is None:
        return {}
    given = evidence.manifest(manifest)
    try:
        digest = manifests.digest(given.value["spec"])
    except manifests.DigestError as error:
        raise UnusableError(f"{given.document.place()}: {error}") from None
    named = {str(found.record.get("manifest_digest")) for _, found in shown.records if found.seq == 0}
    if digest not in named:
        raise UnusableError(
            f"{given.document.place()}: its digest is {digest}, and the log of the decision names "
            f"{', '.join(sorted(named - {'None'})) or 'no manifest'}: pack that one"
        )
    return {"evidence/manifest.yaml": to_yaml(given.value).encode()}
