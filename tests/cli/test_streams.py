"""How the command behaves as a process: terminals, pipes that close, Ctrl-C, encodings and start-up."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.support import NOW, PROGRAM, bias, manifest, model, pipeline_file, write
from tests.cli.support import actgate_process as actgate

pytestmark = pytest.mark.system


@pytest.fixture
def refused(tmp_path: Path) -> Path:
    """Return a file whose model is refused."""
    return write(tmp_path / "input.yaml", manifest(bias=[bias(0.2)]), model())


def test_a_pipe_gets_plain_text(refused: Path) -> None:
    """No escape sequence reaches a pipe, also where colours are asked for in the environment."""
    done = actgate(
        "check", "-f", str(refused), env={**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    )
    assert done.returncode == 1
    assert "\x1b" not in done.stdout


def test_a_terminal_gets_a_panel(refused: Path) -> None:
    """On a terminal the report has colours and frames, and the exit code is the same."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(  # noqa: S603 - our own program
        [PROGRAM, "check", "-f", str(refused), "--now", NOW], stdout=theirs, env=environment
    ) as process:
        os.close(theirs)
        shown = _until_closed(ours)
    assert process.returncode == 1
    assert "\x1b[" in shown
    assert "bias/limit" in shown
    assert "1 judged: 1 failed" in shown


def _until_closed(descriptor: int) -> str:
    """Read a terminal until its other end is gone, which Linux reports as an error."""
    chunks = []
    try:
        while chunk := os.read(descriptor, 65536):
            chunks.append(chunk)
    except OSError:
        pass
    finally:
        os.close(descriptor)
    return b"".join(chunks).decode()


def test_the_exit_code_is_the_verdict_also_when_the_reader_goes_away(tmp_path: Path) -> None:
    """A pipe that is closed before the report is written changes neither exit code nor standard error."""
    models = [model(f"m{number}") for number in range(400)]
    file = write(tmp_path / "input.yaml", manifest(bias=[bias(0.2)]), *models)
    with subprocess.Popen(  # noqa: S603 - our own program
        [PROGRAM, "check", "-f", str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (1, b"")


def test_ctrl_c_ends_without_a_traceback(tmp_path: Path) -> None:
    """An interrupt while the input is read ends the command with 130 and no words."""
    fifo = tmp_path / "input.yaml"
    os.mkfifo(fifo)
    # A shell's background job ignores interrupts, and hands that down to what it starts.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(  # noqa: S603 - our own program
        [PROGRAM, "check", "-f", str(fifo)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    signal.signal(signal.SIGINT, handler)
    # Opening for writing waits until the command has opened the other end for reading.
    with process, fifo.open("w"):
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=120)
    assert (process.returncode, out, said) == (130, b"", b"")


def test_names_beyond_the_terminals_encoding_are_escaped(tmp_path: Path) -> None:
    """Where standard output knows ASCII only, other characters are written as escapes."""
    file = write(tmp_path / "Zürich.yaml", manifest(), model())
    done = actgate("check", "-f", str(file), "--now", NOW, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "Z\\xfcrich.yaml" in done.stdout


def test_errors_cannot_be_forged_by_the_name_of_a_file(tmp_path: Path) -> None:
    """Control characters of a file's name are escaped in the sentence about it."""
    file = tmp_path / "a\nerror: all is well\x1b[2J.yaml"
    file.write_text("a: [1")
    done = actgate("check", "-f", str(file))
    (sentence,) = done.stderr.splitlines()
    assert sentence.isprintable()


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--version"], {"pydantic", "yaml", "rich", "kubernetes", "asyncio"}),
        (["explain", "bias/limit"], {"rich", "kubernetes", "asyncio"}),
        (["check", "-f", "INPUT"], {"rich", "kubernetes", "aiohttp", "fastapi", "kopf", "cryptography"}),
    ],
)
def test_commands_load_only_what_they_need(arguments: list[str], absent: set[str], refused: Path) -> None:
    """Start-up stays lean: nothing of clusters or terminals is imported for a report into a pipe."""
    script = (
        "import json, sys\nfrom actgate.cli.main import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit: pass\n"
        "sys.stdout.write('\\n' + json.dumps(sorted(sys.modules)))"
    )
    given = [str(refused) if argument == "INPUT" else argument for argument in arguments]
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script, *given], capture_output=True, text=True, timeout=120, check=True
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert loaded.isdisjoint(absent)
    assert "actgate.cli.commands" in loaded


def test_the_version_is_printed() -> None:
    """Actgate --version prints name and version."""
    from actgate import __version__

    done = actgate("--version")
    assert (done.returncode, done.stdout) == (0, f"actgate {__version__}\n")


@pytest.mark.parametrize("command", [[], ["check"], ["explain"], ["manifest"], ["manifest", "convert"]])
def test_every_command_has_help(command: list[str]) -> None:
    """Help is on standard output and fits a terminal of 88 columns."""
    done = actgate(*command, "--help", env={**os.environ, "COLUMNS": "88"})
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 88


WITH_OUTPUT: dict[str, list[str]] = {
    "check": ["check", "-f", "GOOD", "--now", NOW],
    "check of what is refused": ["check", "-f", "REFUSED", "--now", NOW],
    "check as JSON": ["check", "-f", "GOOD", "--now", NOW, "-o", "json"],
    "check as JUnit": ["check", "-f", "GOOD", "--now", NOW, "-o", "junit"],
    "check as SARIF": ["check", "-f", "REFUSED", "--now", NOW, "-o", "sarif"],
    "explain": ["explain"],
    "explain a rule": ["explain", "bias/limit"],
    "convert": ["manifest", "convert", "PIPELINE"],
    "digest": ["manifest", "digest", "PIPELINE"],
    "log verify": ["log", "verify", "-"],
    "version": ["--version"],
    "help": ["--help"],
    "help of a command": ["check", "--help"],
}


def _shell(redirection: str, arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a shell that redirects as its user would have."""
    write(folder / "good.yaml", manifest(), model())
    write(folder / "refused.yaml", manifest(bias=[bias(0.2)]), model())
    write(folder / "pipeline.json", pipeline_file())
    names = {"GOOD": "good.yaml", "REFUSED": "refused.yaml", "PIPELINE": "pipeline.json"}
    words = " ".join(names.get(argument, argument) for argument in arguments)
    log = '{"time":"2026-11-23T12:00:00Z"}'
    redirection, unbuffered, _ = redirection.partition(" unbuffered")
    line = f"printf '{log}' | {PROGRAM} {words} {redirection}"
    return subprocess.run(  # noqa: S602 - our own words
        line,
        shell=True,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1" if unbuffered else ""},
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("redirection", "arguments"),
    [
        *((">/dev/full", arguments) for arguments in WITH_OUTPUT.values()),
        # Where argparse writes by itself, buffered or not makes a difference.
        *((">/dev/full unbuffered", WITH_OUTPUT[name]) for name in ("check", "version", "help")),
        *((">&-", WITH_OUTPUT[name]) for name in ("check", "check of what is refused", "explain", "help")),
    ],
    ids=str,
)
def test_output_that_cannot_be_written_is_never_a_verdict(
    redirection: str, arguments: list[str], tmp_path: Path
) -> None:
    """A report that has no place ends with 2 and one sentence, whatever the verdict would have been.

    1 would say that a finding denies, 0 that a report was written, and Python's own 120 nothing at all.
    """
    done = _shell(redirection, arguments, tmp_path)
    assert done.returncode == 2
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("error: ")


@pytest.mark.parametrize(
    "arguments",
    [["check", "-f", "-"], ["manifest", "convert", "-"], ["manifest", "digest", "-"], ["log", "verify", "-"]],
    ids=" ".join,
)
@pytest.mark.parametrize("redirection", ["<&-", "0>writable"])
def test_input_that_cannot_be_read_is_unusable(
    redirection: str, arguments: list[str], tmp_path: Path
) -> None:
    """Standard input that is closed, or open for writing only, gets one sentence and 2."""
    done = _shell(redirection, arguments, tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (sentence,) = done.stderr.splitlines()
    assert "standard input" in sentence


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["check", "-f", "GOOD", "--now", NOW], 0),
        (["check", "-f", "REFUSED", "--now", NOW], 1),
        (["check", "-f", "missing.yaml"], 2),
        (["check"], 2),
        (["manifest", "convert", "PIPELINE"], 2),
    ],
)
def test_errors_that_cannot_be_written_change_no_verdict(
    redirection: str, arguments: list[str], code: int, tmp_path: Path
) -> None:
    """Without standard error the exit code speaks alone; remarks that would be lost make it 2."""
    done = _shell(redirection, arguments, tmp_path)
    assert (done.returncode, done.stderr) == (code, "")
