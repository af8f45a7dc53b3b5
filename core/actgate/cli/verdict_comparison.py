"""A recorded verdict beside the one that was derived again: in which findings and fields they differ."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from actgate.api.quoting import got, printable
from actgate.pipeline.archive import Fault


def differing(name: str, recorded: bytes, derived: bytes) -> Iterator[Fault]:
    """Yield in what a recorded verdict is not the one that was derived, finding by finding.

    Args:
        name: What faults are about.
        recorded: Report of ``actgate verify -o json``, as it was kept.
        derived: The same for what was derived now.
    """
    if recorded == derived:
        return
    try:
        theirs, ours = json.loads(recorded), json.loads(derived)
        before, now = (Counter(_findings(verdict)) for verdict in (theirs, ours))
        for words, more in (
            ("recorded and not found again", before - now),
            ("found and not recorded", now - before),
        ):
            for finding in more.elements():
                yield Fault(name, printable(f"finding {' '.join(finding[:3])}: {words}: {finding[3]}"))
        yield from _fields_unlike(name, _without_findings(theirs), _without_findings(ours), "")
    except (AttributeError, LookupError, TypeError, ValueError):
        yield Fault(name, "is not a report of actgate verify")
    yield Fault(name, "is not the verdict that follows from the files of the pack")


def _findings(report: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    for verdict in report["check"]["verdicts"]:
        for one in verdict["findings"]:
            whole = json.dumps(
                one, sort_keys=True
            )  # The message may be the same, and the remediation another.
            yield str(one["effect"]), str(one["rule"]), str(one["path"]), str(one["message"]), whole


def _without_findings(report: Mapping[str, Any]) -> dict[str, Any]:
    verdicts = [{**verdict, "findings": None} for verdict in report["check"]["verdicts"]]
    return {**report, "check": {**report["check"], "verdicts": verdicts}}


def _fields_unlike(name: str, recorded: Any, derived: Any, path: str) -> Iterator[Fault]:  # noqa: ANN401 - JSON
    if isinstance(recorded, dict) and isinstance(derived, dict):
        for key in sorted({*recorded, *derived}):
            yield from _fields_unlike(
                name, recorded.get(key), derived.get(key), f"{path}.{key}" if path else key
            )
    elif isinstance(recorded, list) and isinstance(derived, list) and len(recorded) == len(derived):
        for index, pair in enumerate(zip(recorded, derived, strict=True)):
            yield from _fields_unlike(name, *pair, f"{path}[{index}]")
    elif recorded != derived:
        words = f"{path}: recorded {got(recorded)}, derived {got(derived)}"
        yield Fault(name, printable(words))
