"""The quick start and the README run as they are written, against the stand-in API server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docs import pages
from tests.docs.pages import ROOT

pytestmark = [pytest.mark.system, pytest.mark.needs_kubectl]

INSTALLING = ("python3 -m venv ", ". ", "pip ", "export ")
"""How commands begin that prepare the reader's shell; `tests/tools` installs the packages elsewhere."""
CLEAN = pages.Command(pages.Block(ROOT / "README.md", 1, "sh", ""), "kubectl delete cmf --all", "…deleted…")
UP = "python -m demo up "


@contextmanager
def serving(command: str, folder: Path) -> Iterator[None]:
    """Run the page's API server until the block ends; it prints a line when it serves."""
    arguments = [sys.executable, *command.split()[1:], "--engine", "stand-in"]
    with subprocess.Popen(  # noqa: S603 - the page's own command
        arguments, cwd=pages.checkout(folder), env=pages.environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert "is serving" in process.stdout.readline()
            yield
        finally:
            process.terminate()


def test_every_command_does_what_the_page_shows(tmp_path: Path) -> None:
    """Those of the README first; what it applied is deleted, as the quick start uses the same names."""
    quick_start = pages.commands(ROOT / "docs" / "quick-start.md")
    [up] = [command for command in quick_start if command.text.startswith(UP)]
    readme = pages.commands(ROOT / "README.md")
    env = {"KUBECONFIG": os.path.relpath(tmp_path / "gate.yaml", tmp_path)}
    ran = 0
    with serving(up.text, tmp_path):
        for command in [*readme, CLEAN, *quick_start]:
            if command is up or command.text.startswith(INSTALLING):
                continue
            done = pages.run(command.text, tmp_path, env)
            if command.output:
                assert pages.shows(done.stdout, command.output), f"{command}\n{done.stdout}"
            else:
                assert done.returncode == 0, f"{command}\n{done.stdout}"
            ran += 1
    assert ran > 15


@pytest.mark.parametrize(
    ("output", "shown", "expected"),
    [
        ("a b\nc\n", "a b c", True),
        ("a b\nc\n", "a … c", True),
        ("FAIL a, b\n1 judged: 1 failed\n", "FAIL …\n…\n1 judged: 1 passed", False),
        ("a.b", "a+b", False),
        ("", "something", False),
    ],
)
def test_an_output_that_differs_from_the_page_is_found(output: str, shown: str, *, expected: bool) -> None:
    """White space and what stands for any text do not hide a difference."""
    assert pages.shows(output, shown) is expected
