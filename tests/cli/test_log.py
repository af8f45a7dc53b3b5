import json
from pathlib import Path

import pytest

from tests.cli.support import actgate
from tests.records.build import ANYONE, API_SERVER, OLDER, chain, hash_of, lost


def _file(folder: Path, *lines: str, name: str = "decisions.log") -> str:
    file = folder / name
    file.write_text("".join(lines))
    return str(file)


def test_a_sound_log_is_proven(tmp_path: Path) -> None:
    """Exit code 0, each chain with what it holds, and the sum."""
    lines = chain(decisions=3)
    done = actgate("log", "verify", _file(tmp_path, *lines))
    assert (done.returncode, done.stderr) == (0, "")
    assert "of webhook-1: 3 decisions, 2026-11-23T12:00:00.000000Z to " in done.stdout
    assert f"head {hash_of(lines[-1])}" in done.stdout
    assert done.stdout.endswith("PROVEN: 3 decisions in 1 chain, none changed, dropped or reordered\n")


def test_a_change_is_reported_with_its_place(tmp_path: Path) -> None:
    """Exit code 1, and file and line as compilers write them."""
    lines = chain()
    lines[2] = lines[2].replace('"allowed":false', '"allowed":true')
    file = _file(tmp_path, "started\n", *lines)
    done = actgate("log", "verify", file)
    assert done.returncode == 1
    assert f"{file}:4: line 2 of chain " in done.stdout
    assert "1 other line skipped" in done.stdout
    assert done.stdout.endswith("BROKEN: this is not the log that was written\n")


def test_files_are_read_in_their_order(tmp_path: Path) -> None:
    """A chain that goes on in the next file is one chain; in the wrong order it is not."""
    lines = chain()
    first, second = _file(tmp_path, *lines[:3], name="1"), _file(tmp_path, *lines[3:], name="2")
    assert actgate("log", "verify", first, second).returncode == 0
    assert actgate("log", "verify", second, first).returncode == 1


def test_standard_input_is_a_file() -> None:
    """The dash, as in ``kubectl logs ... | actgate log verify -``."""
    done = actgate("log", "verify", "-", stdin="".join(chain()))
    assert done.returncode == 0
    broken = actgate("log", "verify", "-", stdin="".join(chain()[1:]))
    assert broken.returncode == 1
    assert "stdin:1: line 0 of chain" in broken.stdout


def test_an_open_end_is_said(tmp_path: Path) -> None:
    """A log without stop is proven up to its end, and the end is named for what it is."""
    lines = chain(stop=False)
    file = _file(tmp_path, *lines)
    done = actgate("log", "verify", file)
    assert done.returncode == 0
    assert "no stop: the process runs, was killed, or the end was cut off" in done.stdout
    assert "up to the open end\n" in done.stdout
    assert actgate("log", "verify", "--strict", file).returncode == 1


def test_a_head_that_was_kept_must_be_there(tmp_path: Path) -> None:
    """The hash of the last line proves that the log goes up to it."""
    lines = chain()
    whole, cut = _file(tmp_path, *lines, name="whole"), _file(tmp_path, *lines[:-2], name="cut")
    head = hash_of(lines[-1])
    assert actgate("log", "verify", "--head", head, whole).returncode == 0
    done = actgate("log", "verify", "--head", head, cut)
    assert done.returncode == 1
    assert f"no line has the hash {head}: what led to it was cut off, or rewritten" in done.stdout


def test_lost_decisions_are_reported(tmp_path: Path) -> None:
    """What the webhook says that it could not write is no secret."""
    done = actgate("log", "verify", _file(tmp_path, *lost(3)))
    assert done.returncode == 0
    assert "3 decisions could not be written and are stated as lost" in done.stdout


@pytest.mark.parametrize("content", ["", "INFO started\n", '{"level": "INFO"}\n'])
@pytest.mark.parametrize("flags", [[], ["--strict"]])
def test_nothing_to_prove_is_no_proof(tmp_path: Path, content: str, flags: list[str]) -> None:
    """Input without any line of a decision log is unusable, and not sound."""
    done = actgate("log", "verify", *flags, _file(tmp_path, content))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: no line of a decision log was found, so nothing was proven\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["absent.log"], "absent.log cannot be read: No such file or directory"),
        (["."], ". cannot be read: Is a directory"),
        (["--head", "abc", "-"], "'abc' must be the hash of a line"),
        ([], "required: FILE"),
    ],
)
def test_what_cannot_be_read_is_unusable(tmp_path: Path, arguments: list[str], words: str) -> None:
    """Exit code 2 and one sentence."""
    done = actgate("log", "verify", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr


def test_many_faults_are_counted(tmp_path: Path) -> None:
    """A log that was mangled as a whole does not flood the terminal."""
    lines = [line.replace("uid-", "id-") for line in chain(decisions=80)]
    done = actgate("log", "verify", _file(tmp_path, *lines))
    assert "and 30 more faults\n" in done.stdout


def test_foreign_text_does_not_steer_the_terminal(tmp_path: Path) -> None:
    """A name in the log is text of others."""
    entry = json.loads(chain()[0]) | {"chain": "\x1b[2J"}
    done = actgate("log", "verify", _file(tmp_path, json.dumps(entry) + "\n"))
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert "\\x1b[2J" in done.stdout


UNKNOWN = (
    "came from callers that were not authenticated: they prove only that the webhook answered, "
    "not that the API server asked\n"
)


def test_where_every_caller_was_authenticated_nothing_is_added(tmp_path: Path) -> None:
    """The proof is about what the API server asked."""
    done = actgate("log", "verify", _file(tmp_path, *chain(callers=[API_SERVER])))
    assert done.returncode == 0
    assert "authenticated" not in done.stdout


@pytest.mark.parametrize(
    ("callers", "words"),
    [
        ([ANYONE], f"4 of 4 decisions {UNKNOWN}"),
        ([API_SERVER, ANYONE], f"2 of 4 decisions {UNKNOWN}"),
        ([OLDER], f"4 of 4 decisions {UNKNOWN}4 decisions of these say nothing of their caller"),
        ([API_SERVER, ANYONE, OLDER, ANYONE], f"3 of 4 decisions {UNKNOWN}1 decision of these says"),
        # Nothing but the boolean true is a yes.
        ([{"authenticated": "true"}], f"4 of 4 decisions {UNKNOWN}4 decisions of these say nothing"),
        ([{"authenticated": 1}, "kube-apiserver", None, []], f"4 of 4 decisions {UNKNOWN}4 decisions"),
    ],
    ids=["anyone", "half", "older", "all sorts", "text", "other types"],
)
def test_decisions_of_unknown_callers_are_counted_apart(
    tmp_path: Path, callers: list[object], words: str
) -> None:
    """An intact chain that any pod may have filled is intact, and proves no more than that."""
    done = actgate("log", "verify", _file(tmp_path, *chain(callers=callers)))
    assert (done.returncode, done.stderr) == (0, "")
    assert words in done.stdout
    assert done.stdout.splitlines()[-1].startswith("PROVEN: 4 decisions in 1 chain")


def test_one_decision_is_one_decision(tmp_path: Path) -> None:
    """The number and its noun agree."""
    done = actgate("log", "verify", _file(tmp_path, *chain(1, callers=[ANYONE])))
    assert f"1 of 1 decision {UNKNOWN}" in done.stdout


def test_the_proof_is_json_for_machines(tmp_path: Path) -> None:
    """With the same numbers, callers apart, and the same exit codes."""
    lines = chain(callers=[API_SERVER, ANYONE, OLDER, OLDER])
    done = actgate("log", "verify", "-o", "json", _file(tmp_path, "started\n", *lines))
    assert done.returncode == 0
    counts = {"total": 4, "authenticated": 1, "notAuthenticated": 1, "notStated": 2}
    found = json.loads(done.stdout)
    assert found == {
        "proven": True,
        "decisions": counts,
        "otherLines": 1,
        "chains": [
            {
                "id": json.loads(lines[0])["chain"],
                "replica": "webhook-1",
                "first": "2026-11-23T12:00:00.000000Z",
                "last": "2026-11-23T12:00:06.000000Z",
                "head": hash_of(lines[-1]),
                "decisions": counts,
                "lost": 0,
                "stopped": True,
                "broken": False,
            }
        ],
        "faults": [],
    }
    broken = actgate("log", "verify", "-o", "json", _file(tmp_path, *lines[1:]))
    assert broken.returncode == 1
    found = json.loads(broken.stdout)
    assert (found["proven"], found["faults"][0]["line"]) == (False, 1)
    assert found["chains"][0]["broken"] is True
