from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from actgate.records.lines import read
from tests.records.build import chain, prove, sentences


def cri(line: str) -> str:
    """Return a line as container runtimes keep it."""
    return f"2026-11-23T12:00:00.000000001Z stdout F {line}"


def pieces(line: str) -> str:
    """Return a line as container runtimes cut a long one, with another stream between."""
    time = "2026-11-23T12:00:00.000000001Z"
    return (
        f"{time} stdout P {line[:50]}\n{time} stderr F other\n"
        f"{time} stdout P {line[50:80]}\n{time} stdout F {line[80:]}"
    )


WRAPPINGS: dict[str, Callable[[str], str]] = {
    "as written": lambda line: line,
    "kubectl logs --timestamps": lambda line: f"2026-11-23T12:00:00.000000001Z {line}",
    "kubectl logs --prefix": lambda line: f"[pod/actgate-webhook-1/webhook] {line}",
    "container runtime": cri,
    "container runtime, cut": pieces,
    "docker": lambda line: json.dumps({"log": line, "stream": "stdout", "time": "now"}) + "\n",
    "fluent bit": lambda line: (
        json.dumps({"date": 1763899200.5, "log": line.strip(), "kubernetes": {}}) + "\n"
    ),
    "nested object": lambda line: json.dumps({"message": json.loads(line)}) + "\n",
    "wrapped twice": lambda line: json.dumps({"body": cri(line)}) + "\n",
    "other key order": lambda line: json.dumps(dict(sorted(json.loads(line).items(), reverse=True))) + "\n",
}


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS)
def test_lines_are_found_in_what_collectors_keep(wrap: Callable[[str], str]) -> None:
    """Prefixes and wrappings come off, and the proof is the same."""
    kept = "".join(wrap(line) for line in chain())
    proof = prove(kept.splitlines(keepends=True))
    assert sentences(proof) == ""
    assert proof.chains[0].stopped


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS)
def test_a_wrapping_hides_no_change(wrap: Callable[[str], str]) -> None:
    """What was changed inside is found."""
    kept = "".join(wrap(line.replace("uid-2", "uid-7")) for line in chain())
    assert "was changed" in sentences(prove(kept.splitlines(keepends=True)))


@pytest.mark.parametrize(
    "text",
    [
        "INFO started\n",
        '{"level": "INFO"}\n',
        "[1, 2]\n",
        '{"format": "actgate.dev/decision-log/v1", "format": "actgate.dev/decision-log/v1"}\n',
        '{"format": "actgate.dev/decision-log/v1", "a": NaN}\n',
        '{"format": "actgate.dev/decision-log/v1", "a": 1e999}\n',
        '{"a":' * 100_000,
        '{"log": "{\\"log\\": 1}"}\n',
        "2026-11-23T12:00:00Z stdout P {\n",
    ],
)
def test_other_text_is_no_line_of_a_decision_log(text: str) -> None:
    """Logs of other sorts, and JSON that two readers can read in two ways."""
    assert [found.entry for found in read([text])] == [None]


def test_empty_lines_do_not_count() -> None:
    """Line numbers do, since people read them."""
    first, *_ = chain()
    assert [found.number for found in read(["\n", "  \n", first])] == [3]
