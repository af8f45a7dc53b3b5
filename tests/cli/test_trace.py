"""``actgate trace query`` and ``export``: records found, and one decision proven."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import duckdb
import pytest

from actgate import manifests
from actgate.cli.exits import Exit
from actgate.cli.main import main
from actgate.recording.ids import new_id
from actgate.recording.writer import Settings, Writer
from actgate.trace import proof
from actgate.trace.digests import Digester, Purpose
from tests.cli.support import manifest, write

KEY = Digester("2026-11-27", b"k" * 32)


def written(directory: Path, uses: int = 12, **start: Any) -> list[str]:  # noqa: ANN401 - fields of a record
    """Write a log with an override of its last use, in segments of four records; return the ids of uses."""
    return asyncio.run(_written(directory, uses, start))


async def _written(directory: Path, uses: int, start: dict[str, Any]) -> list[str]:
    writer = await Writer.open(Settings(directory=directory, name="credit", max_records=4, start=start))
    ids = []
    for number in range(uses):
        ids.append(new_id())
        await writer.append(
            {
                "event": "inference",
                "id": ids[-1],
                "status": 500 if number == 3 else 200,
                "dur_us": number,
                "fields": {"score": number / 10},
                "subject": KEY.of(Purpose.SUBJECT, b"A-%d" % (number % 5)),
            }
        )
    override = {"event": "oversight", "id": new_id(), "decision": ids[-1], "action": "overridden"}
    await writer.append({**override, "actor": "desk"})
    await writer.close()
    return ids


def found(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    """Return the records that a query prints as JSON."""
    assert main(["trace", "query", "-o", "json", *arguments]) == Exit.PASSED
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_records_are_found_by_what_they_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A decision with what people did, a time, a person by a keyed digest, any condition in SQL."""
    log, keys = str(tmp_path / "log"), tmp_path / "keys"
    ids = written(Path(log))
    assert [row["event"] for row in found(capsys, "--id", ids[-1], log)] == ["inference", "oversight"]
    assert [row["id"] for row in found(capsys, "--where", "status = 500 -- failed", log)] == [ids[3]]
    assert len(found(capsys, "--event", "inference", "--event", "oversight", "--limit", "4", log)) == 4
    [first, *_] = found(capsys, "--event", "inference", log)
    assert (first["record"]["fields"], first["fields"]) == ({"score": 0.0}, {"score": 0.0})
    keys.mkdir()
    (keys / "2026-11-27").write_bytes(b"k" * 32)
    person = ("--subject", "A-4", "--keys-dir", str(keys), log)
    assert [row["id"] for row in found(capsys, *person)] == [ids[4], ids[9]]
    [row] = found(capsys, "--sql", "SELECT count(*) AS n FROM records WHERE event = 'inference'", log)
    assert row == {"n": 12}
    assert found(capsys, "--until", first["time"], log)[0]["event"] == "start"
    assert main(["trace", "query", "--since", "2099-01-01T00:00:00Z", log]) == Exit.NOTHING
    assert main(["trace", "query", "--id", ids[-1], log]) == Exit.PASSED
    table = capsys.readouterr().out.splitlines()
    assert table[-3].split()[:6] == ["LOG", "SEQ", "TIME", "EVENT", "ID", "DECISION"]
    assert [row.split()[3] for row in table[-2:]] == ["inference", "oversight"]
    assert main(["trace", "query", "-o", "csv", "--sql", "SELECT 1 AS a, 'x,y' AS b", log]) == Exit.PASSED
    assert capsys.readouterr().out == 'a,b\n1,"x,y"\n'


def test_a_question_reaches_no_other_file_and_an_altered_log_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a query shows of an altered log comes with exit code 1; one that is none has one sentence."""
    log = str(tmp_path / "log")
    written(Path(log))
    other = tmp_path / "other.csv"
    other.write_text("a\n1\n")
    for sql in (f"FROM '{other}'", "SELEC 1", "INSTALL httpfs", f"COPY records TO '{other}.x'"):
        assert main(["trace", "query", "--sql", sql, log]) == Exit.UNUSABLE, sql
        assert capsys.readouterr().err.startswith("error: the question cannot be answered: "), sql
    assert main(["trace", "query", "--subject", "A-1", log]) == Exit.UNUSABLE
    assert "--keys-dir" in capsys.readouterr().err
    assert main(["trace", "query", str(tmp_path / "keys")]) == Exit.UNUSABLE
    for path in Path(log).rglob("000000000005-*"):
        path.unlink()
    assert main(["trace", "query", log]) == Exit.DENIED
    assert "missing" in capsys.readouterr().err


def test_all_records_become_a_parquet_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For tools: it says the same as the log, and proves nothing."""
    written(tmp_path / "log")
    target = tmp_path / "it's.parquet"
    assert main(["trace", "export", "--parquet", str(target), str(tmp_path / "log")]) == Exit.PASSED
    assert capsys.readouterr().out == f"15 records in {target}\n"
    rows = duckdb.connect().execute("SELECT max(dur_us), count(id) FROM read_parquet(?)", [str(target)])
    assert rows.fetchall() == [(11, 13)]


def test_one_decision_is_proven_offline_with_the_evidence_it_was_made_under(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pack verifies; it holds no other decision; another manifest, or a changed byte, is refused."""
    evidence = manifest()
    digest = manifests.digest(evidence["spec"])
    ids = written(tmp_path / "log", manifest_digest=digest)
    packed, good = str(tmp_path / "proof.zip"), str(write(tmp_path / "good.yaml", evidence))
    export = ["trace", "export", "--output-file", packed, "--id"]
    assert main([*export, ids[-1], "--manifest", good, str(tmp_path / "log")]) == Exit.PASSED
    assert f"proves 2 records of {ids[-1]}" in capsys.readouterr().out
    content = Path(packed).read_bytes()
    assert ids[-1].encode() in content
    assert not [other for other in ids[:-1] if other.encode() in content]
    assert digest.encode() in content
    assert main(["trace", "verify", "-o", "json", packed]) == Exit.PASSED
    shown = json.loads(capsys.readouterr().out)
    assert [record["event"] for record in shown["records"]] == ["start", "inference", "oversight"]
    Path(packed).write_bytes(content.replace(b"overridden", b"overruledd"))
    assert main(["trace", "verify", packed]) == Exit.DENIED
    assert "NOT PROVEN" in capsys.readouterr().out
    evidence["spec"]["model"]["version"] = "9"
    bad = str(write(tmp_path / "bad.yaml", evidence))
    assert main([*export, ids[0], "--manifest", bad, str(tmp_path / "log")]) == Exit.UNUSABLE
    assert f"names {digest}" in capsys.readouterr().err
    assert main([*export, new_id(), str(tmp_path / "log")]) == Exit.NOTHING


def test_the_last_records_of_a_killed_process_are_proven_by_the_log_that_follows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No checkpoint of their own covers them; the next start states their root, also over two kills."""

    async def killed(last: bool) -> str:
        identifier = new_id()
        writer = await Writer.open(Settings(directory=tmp_path / "log", name="credit"))
        if last:
            await writer.close()
            return ""
        await writer._keeping.stop()
        await writer.append({"event": "inference", "id": identifier, "status": 200})
        assert writer._life is not None
        writer._life.abandon()
        return identifier

    ids = [asyncio.run(killed(last)) for last in (False, False, True)]
    log, pack = str(tmp_path / "log"), tmp_path / "proof.zip"
    for identifier in ids[:2]:
        assert main(["trace", "export", "--output-file", str(pack), "--id", identifier, log]) == Exit.PASSED
        assert main(["trace", "verify", str(pack)]) == Exit.PASSED
        with ZipFile(pack) as opened:
            content = opened.read("proof.json")
            (tmp_path / "verify.py").write_bytes(opened.read("verify.py"))
        assert b'"after"' in content
        for given, code in ((content, 0), (content.replace(b'status\\":200', b'status\\":201'), 1)):
            command = [sys.executable, str(tmp_path / "verify.py")]
            done = subprocess.run(command, input=given, capture_output=True, check=False)  # noqa: S603
            assert done.returncode == code, done.stderr
            assert bool(proof.verify(given).faults) is bool(code)
    capsys.readouterr()


def test_what_cannot_be_proven_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Hashes of a segment that was deleted, a checkpoint that is gone, a file that is no proof."""
    ids = written(tmp_path / "log")
    export = ["trace", "export", "--output-file", str(tmp_path / "proof.zip"), "--id", ids[-1]]
    whole = tmp_path / "whole"
    shutil.copytree(tmp_path / "log", whole)
    next((tmp_path / "log").rglob("000000000005-*.jsonl.zst")).unlink()
    assert main([*export, str(tmp_path / "log")]) == Exit.UNUSABLE
    assert "name the directory of a whole copy" in capsys.readouterr().err
    for path in whole.rglob("*checkpoint"):
        path.unlink()
    assert main([*export, str(whole)]) == Exit.UNUSABLE
    assert "no checkpoint that fits covers record 13" in capsys.readouterr().err
    other = tmp_path / "other.zip"
    other.write_bytes(b"PK")
    assert main(["trace", "verify", str(other)]) == Exit.UNUSABLE
    assert main(["trace", "verify", str(other), str(whole)]) == Exit.UNUSABLE
