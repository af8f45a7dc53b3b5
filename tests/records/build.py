"""Records of decisions, and decision logs as a webhook writes them, line by line, and how to read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from actgate.records.chain import new_chain
from actgate.records.lines import Kind, read
from actgate.records.record import UNKNOWN_CALLER, DecisionRecord, Outcome, RecordedObject, strongest
from actgate.records.verify import Proof, Verifier

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


API_SERVER: Any = {"authenticated": True, "name": "kube-apiserver"}
ANYONE: Any = {"authenticated": False, "name": None}
OLDER: Any = ...
"""Of a line that says nothing of its caller, as versions before the field wrote them."""


def recorded(outcome: Outcome = Outcome.PASS, **fields: Any) -> DecisionRecord:  # noqa: ANN401 - of any field
    """Return the record of a create of a ModelDeployment by an engineer."""
    stated: dict[str, Any] = {
        "uid": "u",
        "caller": UNKNOWN_CALLER,
        "user": "engineer",
        "operation": "CREATE",
        "object": RecordedObject("actgate.dev", "v1alpha1", "ModelDeployment", "credit", "scorer"),
    }
    verdict = fields.get("verdict")
    stated["rules"] = strongest(verdict.findings) if verdict is not None else ()
    return DecisionRecord(**{**stated, **fields}, outcome=outcome)


def chain(
    decisions: int = 4,
    *,
    stop: bool = True,
    replica: str = "webhook-1",
    callers: Sequence[object] = (API_SERVER,),
) -> list[str]:
    """Return the lines of one chain: start, decisions with a checkpoint in their middle, stop.

    The callers take turns.
    """
    lines: list[tuple[Kind, dict[str, Any]]] = [
        (Kind.START, {"replica": replica, "version": "0.1.0", "ruleset": "2026-11"})
    ]
    for number in range(decisions):
        if number == decisions // 2:
            lines.append((Kind.CHECKPOINT, {"decisions": number}))
        caller = callers[number % len(callers)]
        known = {} if caller is OLDER else {"caller": caller}
        lines.append((Kind.DECISION, {"uid": f"uid-{number}", "allowed": number % 2 == 0, **known}))
    if stop:
        lines.append((Kind.STOP, {"decisions": decisions}))
    return _written(lines)


def lost(count: int) -> list[str]:
    """Return a chain that says that decisions could not be written."""
    start = (Kind.START, {"replica": "webhook-1"})
    return _written([start, (Kind.LOST, {"lost": count}), (Kind.STOP, {"decisions": 0})])


def prove(lines: Sequence[str], *heads: str, strict: bool = False) -> Proof:
    """Verify lines as one file."""
    verifier = Verifier(heads, strict=strict)
    for found in read(lines):
        verifier.add("log", found)
    return verifier.finish()


def sentences(proof: Proof) -> str:
    """Return what stands against a proof, in a line each."""
    return "\n".join(f"{fault.source}:{fault.number}: {fault.sentence}" for fault in proof.faults)


def hash_of(line: str) -> str:
    """Return the hash that a line states."""
    stated: str = json.loads(line)["hash"]
    return stated


def interleaved(chains: Iterable[list[str]], order: Iterable[int]) -> list[str]:
    """Return the lines of several chains in one list, each chain's in their order."""
    queues = [list(lines) for lines in chains]
    mixed = []
    for pick in order:
        if queues := [queue for queue in queues if queue]:
            mixed.append(queues[pick % len(queues)].pop(0))
    return mixed + [line for queue in queues for line in queue]


def _written(lines: Iterable[tuple[Kind, dict[str, Any]]]) -> list[str]:
    chain, written = new_chain(), []
    for kind, fields in lines:
        chain = chain.followed_by(kind, START + timedelta(seconds=chain.sequence), fields)
        written.append(chain.line.decode())
    return written
