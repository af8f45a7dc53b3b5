"""The quick start as a user has it: the wheel in an empty environment, and the commands of the page.

Up to the first command that needs an API server: those steps are run by the tests, from a checkout.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.docs.pages import Command, commands, shows
from tools.release.commands import ReleaseError, run

PAGE: Final = Path("docs/quick-start.md")
AN_API_SERVER: Final = re.compile(r"\bkubectl\b|\bpython -m\b|\bmake\b")
"""What starts an API server, or asks one."""
SERVICES: Final = ("actgate-operator", "actgate-webhook")


def steps(page: Path) -> Iterator[Command]:
    """Yield each command that a page shows at a prompt, up to the first that needs an API server."""
    for command in commands(page):
        if AN_API_SERVER.search(command.text):
            return
        if command.block.language == "console":
            yield command


def try_out(wheel: Path, version: str, source: Path, work: Path) -> int:
    """Install a wheel as a user does, run the quick start with it, and return how many commands ran.

    Args:
        wheel: What is installed, and then its extras for services as well.
        version: What the command must say it is.
        source: The files of the commit; of them the commands see ``examples/`` alone.
        work: A folder for the environment and the files that the commands write.

    Raises:
        ReleaseError: A command fails, or prints other things than the page shows.
    """
    run([sys.executable, "-m", "venv", work / "environment"], work)
    binaries = work / "environment" / "bin"
    run([binaries / "python", "-m", "pip", "install", "--quiet", wheel], work)
    desk = work / "desk"
    shutil.copytree(source / "examples", desk / "examples")
    environment = {"PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": ""}
    for program in ("actgate", "kubectl-actgate"):
        _require(f"{program} --version", run([program, "--version"], desk, environment), f"actgate {version}")
    shown = list(steps(source / PAGE))
    for step in shown:
        _require(step.text, run(["bash", "-c", step.text], desk, environment), step.output)
    if not shown:
        raise ReleaseError(f"{PAGE}: no command could be run before the first that needs an API server")
    run([binaries / "python", "-m", "pip", "install", "--quiet", f"{wheel}[operator,pipeline,webhook]"], work)
    for service in SERVICES:
        run([binaries / service, "--help"], desk)
    run([binaries / "python", "-m", "pip", "check"], work)
    return len(shown)


def _require(command: str, found: str, shown: str) -> None:
    if shown and not shows(found, shown):
        raise ReleaseError(f"{PAGE}: {command}: should print\n{shown}\nand not\n{found}")
