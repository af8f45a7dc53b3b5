"""``actgate log verify --replay``: each decision derived again from a folder, and what the exit code says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from actgate.records.chain import new_chain
from actgate.records.lines import Kind
from tests.cli.support import actgate, write
from tests.decision.build import NOW
from tests.records.deciding import MANIFEST, OBJECT, UNFAIR, Json, decided

UNAVAILABLE: Json = {**decided(), "outcome": "Unavailable", "reason": "connection refused", "rules": []}
FORGED: Json = {**decided(UNFAIR), "outcome": "Pass", "rules": []}


def log_of(folder: Path, *lines: Json) -> str:
    """Write a decision log that is sound as a chain, whatever its lines claim."""
    chain = new_chain().followed_by(Kind.START, NOW, {"replica": "webhook-1"})
    written = [chain.line]
    for line in lines:
        fields = {name: value for name, value in line.items() if name != "time"}
        chain = chain.followed_by(Kind.DECISION, NOW, fields)
        written.append(chain.line)
    written.append(chain.followed_by(Kind.STOP, NOW, {"decisions": len(lines)}).line)
    file = folder / "decisions.log"
    file.write_bytes(b"".join(written))
    return str(file)


def folder_of(folder: Path, *documents: Json) -> str:
    """Write documents into a folder, as YAML and JSON."""
    kept = folder / "kept"
    kept.mkdir()
    write(kept / "objects.yaml", *documents[:1])
    for number, document in enumerate(documents[1:]):
        write(kept / f"{number}.json", document)
    return str(kept)


def test_every_decision_is_reproduced(tmp_path: Path) -> None:
    """Exit code 0; a line without a verdict claims nothing, and is counted."""
    log = log_of(tmp_path, decided(), decided(UNFAIR), UNAVAILABLE)
    kept = folder_of(tmp_path, OBJECT, MANIFEST, UNFAIR)
    done = actgate("log", "verify", "--strict", log, "--replay", kept)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("REPLAYED: 2 decisions reproduced, 1 no verdict\n")


def test_a_decision_that_does_not_follow_is_exit_code_1(tmp_path: Path) -> None:
    """The chain is sound, since a user who can write it can write it anew; the decision does not follow."""
    log = log_of(tmp_path, decided(), FORGED)
    done = actgate("log", "verify", log, "--replay", folder_of(tmp_path, OBJECT, MANIFEST, UNFAIR))
    assert done.returncode == 1
    assert "PROVEN: 2 decisions" in done.stdout
    assert f"{log}:3: differs: the outcome was Pass, and is Fail\n" in done.stdout
    assert f"{log}:3: differs: found now, and not recorded: bias/limit=Deny at spec.bias[0]" in done.stdout
    assert done.stdout.endswith("DIFFERS: 1 decision reproduced, 1 differs\n")


@pytest.mark.parametrize(("flags", "code"), [([], 0), (["--strict"], 1)])
def test_what_is_missing_is_named(tmp_path: Path, flags: list[str], code: int) -> None:
    """Not replayed is not reproduced: it counts as a fault where certainty is asked for."""
    log = log_of(tmp_path, decided(), decided(UNFAIR))
    done = actgate("log", "verify", *flags, log, "--replay", folder_of(tmp_path, OBJECT, MANIFEST))
    assert done.returncode == code
    assert (
        f"{log}:3: not replayed: ComplianceManifest credit/credit-risk-scorer-v2 with digest" in done.stdout
    )
    assert done.stdout.endswith("REPLAYED: 1 decision reproduced, 1 not replayed\n")


def test_where_nothing_can_be_replayed_nothing_is_shown(tmp_path: Path) -> None:
    """The wrong folder is unusable input, and no success."""
    kept = folder_of(tmp_path, MANIFEST)
    done = actgate("log", "verify", log_of(tmp_path, decided()), "--replay", kept)
    assert done.returncode == 2
    assert done.stderr == f"error: no decision could be derived again from what is in {kept}\n"


def test_a_broken_log_stays_broken(tmp_path: Path) -> None:
    """However well its lines follow from the evidence."""
    log = Path(log_of(tmp_path, decided()))
    log.write_text(log.read_text().replace("engineer", "intruder"))
    done = actgate("log", "verify", str(log), "--replay", folder_of(tmp_path, OBJECT, MANIFEST))
    assert done.returncode == 1
    assert "BROKEN" in done.stdout


def test_every_decision_is_in_the_json(tmp_path: Path) -> None:
    """For machines, those that were reproduced too."""
    log = log_of(tmp_path, decided(), FORGED, UNAVAILABLE)
    kept = folder_of(tmp_path, OBJECT, MANIFEST, UNFAIR)
    found = json.loads(actgate("log", "verify", "-o", "json", log, "--replay", kept).stdout)["replay"]
    assert [item["result"] for item in found.pop("decisions")] == ["reproduced", "differs", "no verdict"]
    assert found == {"reproduced": 1, "differs": 1, "notReplayed": 0, "noVerdict": 1}
    assert "replay" not in json.loads(actgate("log", "verify", "-o", "json", log).stdout)


@pytest.mark.parametrize("content", ["a: [", "- 1"])
def test_a_folder_that_cannot_be_read_is_unusable(tmp_path: Path, content: str) -> None:
    """A file that is not YAML is named; a document that is no object is nothing that was decided on."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "broken.yaml").write_text(content)
    done = actgate("log", "verify", log_of(tmp_path, decided()), "--replay", str(kept))
    assert (done.returncode, done.stderr[:7]) == (2, "error: ")
