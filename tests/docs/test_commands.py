"""Every command of the documentation is one that its reader can run.

``test_guides`` and ``test_quick_start`` run the pages that need no cluster. Here every command of each
page is compared with the programs that it calls: the flags of ``actgate`` by its own parser, the targets
of ``make``, the files and folders that are named.
"""

from __future__ import annotations

import importlib.util
import itertools
import re
from pathlib import Path
from typing import Final

import pytest

from actgate.cli.arguments import parser
from actgate_recorder.settings import Settings
from tests.docs import pages
from tests.docs.pages import ROOT, Command
from tools import chart_values

NEEDS: Final = {
    "cosign": "an identity, and images in a registry",
    "curl": "a recorder that stands before a model",
    "docker": "a container engine",
    "du": "an installation of its own",
    "git": "a clone with its tags",
    "openssl": "nothing: run by test_guides",
    "pip": "a package index",
    "python3": "a package index, for what is installed into the environment that it makes",
    "sqlite3": "SQLite's own command line",
}
"""Programs whose arguments are not checked here, and what their commands need in order to run."""

ORDINARY: Final = frozenset(
    {
        ".",
        "cd",
        "diff",
        "echo",
        "export",
        "grep",
        "mkdir",
        "printf",
        "sha256sum",
        "tail",
        "time",
        "unzip",
        "wc",
    }
)
KUBECTL: Final = frozenset(
    {"annotate", "apply", "auth", "create", "delete", "describe", "diff", "events", "explain", "get"}
    | {"label", "logs", "patch", "rollout", "scale", "set", "wait"}
)
HELM: Final = frozenset({"install", "show", "uninstall", "upgrade"})
FOLDERS: Final = re.compile("crds|deploy/|examples/")
"""How the files begin that a checkout has; others are made by an earlier command of the page."""
PLACEHOLDER: Final = re.compile(r"[A-Z][A-Z-]*|-")
"""What a reader replaces, such as OVERLAY; ``-`` is standard input."""

COMMANDS: Final = [command for page in pages.pages() for command in pages.commands(page)]


def problem(command: Command, call: list[str]) -> str:
    """Return what is wrong with one call of a program, or nothing."""
    while len(call) > 1 and (re.match(r"\w+=", call[0]) or call[0] == "time"):
        call = call[1:]
    program, arguments = call[0].rpartition("/")[2], call[1:]
    if program == "actgate":
        return _actgate(arguments)
    if program == "actgate-recorder":
        return _recorder(arguments)
    if program == "kubectl":
        return _kubectl(arguments)
    if program == "helm":
        return _helm(arguments)
    if program == "make":
        return _make(arguments)
    if program == "python" and arguments[0] == "-m":
        return "" if importlib.util.find_spec(arguments[1]) else f"no module {arguments[1]}"
    if program in {"python", "build.sh", "make-keys.sh", "run.sh"}:
        script = arguments[0] if program == "python" else call[0]
        return "" if (ROOT / script).is_file() else f"no script {script}"
    if program in ORDINARY or program in NEEDS or call[0].startswith(".venv"):
        return ""
    return f"{program} is neither checked here nor listed in NEEDS"


def _actgate(arguments: list[str]) -> str:
    try:
        options = parser().parse_args(arguments)
    except SystemExit as ended:
        return "" if not ended.code else "actgate does not take these arguments"
    return "" if callable(options.run) else "actgate has no such command"


def _recorder(arguments: list[str]) -> str:
    known = {f"--{name.replace('_', '-')}" for name in Settings.model_fields}
    flags = {argument.partition("=")[0] for argument in arguments if argument.startswith("-")}
    return f"actgate-recorder does not take {', '.join(flags - known)}" if flags - known else ""


def _kubectl(arguments: list[str]) -> str:
    verb = arguments[2] if arguments[0] == "-n" else arguments[0]
    if verb not in KUBECTL:
        return f"kubectl {verb} is not one of {', '.join(sorted(KUBECTL))}"
    for flag, value in itertools.pairwise(arguments):
        if PLACEHOLDER.fullmatch(value):
            continue
        if flag == "-k" and not [*(ROOT / value).glob("[Kk]ustomization*")]:
            return f"{value} has no kustomization"
        if flag == "-f" and FOLDERS.match(value) and not (ROOT / value).exists():
            return f"{value} does not exist"
    return ""


def _helm(arguments: list[str]) -> str:
    if arguments[0] not in HELM:
        return f"helm {arguments[0]} is not one of {', '.join(sorted(HELM))}"
    known = {".".join(value.path) for value in chart_values.values() if not value.is_group}
    for flag, value in itertools.pairwise(arguments):
        if flag == "--set" and value.partition("=")[0] not in known:
            return f"the chart has no value {value}"
        if value.startswith("deploy/") and not (ROOT / value / "Chart.yaml").exists():
            return f"{value} is no chart"
    return ""


def _make(arguments: list[str]) -> str:
    text = (ROOT / "Makefile").read_text("utf-8")
    for argument in arguments:
        name, assigns, _ = argument.partition("=")
        known = rf"\$\({name}\)" if assigns else rf"^{name}(?: \w+)*:|^\w+ {name}:"
        if not re.search(known, text, re.M):
            return f"the Makefile knows no {name}"
    return ""


def test_every_command_is_one_that_its_program_takes() -> None:
    """A flag that is renamed, or a file that moves, breaks the page here and not at its reader's."""
    assert len(COMMANDS) > 100
    wrong = [
        f"{command}: {why}"
        for command in COMMANDS
        for call in command.calls()
        if (why := problem(command, call))
    ]
    assert wrong == []


def test_every_program_that_is_listed_is_used() -> None:
    """An entry that no page needs any more goes."""
    called = {Path(call[0]).name for command in COMMANDS for call in command.calls()}
    assert set(NEEDS) - called == set()


def test_a_console_block_shows_a_prompt() -> None:
    """Without one, no reader and no test knows which of its lines are commands: such a block is ``sh``."""
    for page in pages.pages():
        for block in pages.blocks(page, "console"):
            assert re.search(r"^\$ ", block.text, re.M), str(block)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("actgate check --no-such-flag x.yaml", "does not take"),
        ("actgate-recorder --no-such-flag 1", "does not take"),
        ("actgate check -f x.yaml | actgate chekc", "does not take"),
        ("kubectl apply -k deploy/overlays/none", "no kustomization"),
        ("kubectl apply -f examples/none.yaml", "does not exist"),
        ("kubectl aply -k crds", "is not one of"),
        ("helm instal actgate deploy/chart", "is not one of"),
        ("helm install actgate deploy/charts", "is no chart"),
        ("helm install actgate deploy/chart --set baseline.enforce=Audit", "has no value"),
        ("make tests", "knows no tests"),
        ("python -m no_such_module", "no module"),
        ("terraform apply", "neither checked"),
    ],
)
def test_a_command_that_does_not_exist_is_found(line: str, wrong: str) -> None:
    """What these checks are worth."""
    command = Command(pages.Block(ROOT / "README.md", 1, "sh", line), line, "")
    found = [why for call in command.calls() if (why := problem(command, call))]
    assert len(found) == 1
    assert wrong in found[0]
