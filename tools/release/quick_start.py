"""The quick start as a user has it: the wheel in an empty environment, and the commands of the page.

Up to the first command that needs an API server: those steps are run by the tests, from a checkout.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.release.commands import ReleaseError, run

PAGE: Final = Path("docs/quick-start.md")
AN_API_SERVER: Final = re.compile(r"\bkubectl\b|\bpython -m\b|\bmake\b")
"""What starts an API server, or asks one."""
SERVICES: Final = ("actgate-operator", "actgate-webhook")


@dataclass(frozen=True, slots=True)
class Step:
    """A command of the page, and what the page says that it prints."""

    command: str
    printed: str
    """Empty where the page shows nothing; ``…`` is any text."""

    def require(self, found: str) -> None:
        """Raise ReleaseError unless the command printed what the page shows."""
        words = map(re.escape, self.printed.split("…"))
        if self.printed and not re.fullmatch(".*".join(words), found.rstrip("\n"), re.DOTALL):
            raise ReleaseError(f"{PAGE}: {self.command}: should print\n{self.printed}\nand not\n{found}")


def steps(page: str) -> Iterator[Step]:
    """Yield each command of the console blocks of a page, up to the first that needs an API server."""
    for block in re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        for lines in re.findall(r"^\$ (.*?)(?=^\$ |\Z)", block, re.MULTILINE | re.DOTALL):
            command, _, printed = lines.partition("\n")
            if AN_API_SERVER.search(command):
                return
            yield Step(command, printed.rstrip("\n"))


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
    Step("actgate --version", f"actgate {version}").require(run(["actgate", "--version"], desk, environment))
    shown = list(steps((source / PAGE).read_text("utf-8")))
    for step in shown:
        step.require(run(["bash", "-c", step.command], desk, environment))
    if not shown:
        raise ReleaseError(f"{PAGE}: no command could be run before the first that needs an API server")
    run([binaries / "python", "-m", "pip", "install", "--quiet", f"{wheel}[operator,pipeline,webhook]"], work)
    for service in SERVICES:
        run([binaries / service, "--help"], desk)
    run([binaries / "python", "-m", "pip", "check"], work)
    return len(shown)
