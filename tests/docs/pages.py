"""The pages of the documentation: their code blocks, the commands in them, their links and anchors."""

from __future__ import annotations

import io
import itertools
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actgate.cli.main import main

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = ("docs", "examples", "deploy")
"""Folders whose Markdown files are pages, beside those at the root of the checkout."""

_BLOCK: Final = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S)
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
_LINE: Final = re.compile(r"^\S.*<<'(\w+)'\n(?:.*\n)*?\1$|^\S.*$", re.M)
_PLAIN: Final = re.compile(r"(?!.* (?:evaluate|train-run) )[^|;&<>$*?`]+")
"""A call without operators and expansions of the shell that imports and starts nothing of its reader's."""
_OPERATORS: Final = re.compile(r"[|;&<>()]+")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page, without its indentation."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a page, in one line, and the output that the page shows of it."""

    block: Block
    text: str
    output: str

    def __str__(self) -> str:
        return f"{self.block}: {self.text}"

    def calls(self) -> list[list[str]]:
        """Return the arguments of each program that the command starts, without redirections."""
        line = self.text.partition("<<")[0]
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        lexer.commenters = ""
        calls: list[list[str]] = [[]]
        is_redirection = False
        for token in lexer:
            if is_redirection:
                is_redirection = False
            elif token in {"<", ">", ">>"}:
                is_redirection = True
            elif _OPERATORS.fullmatch(token):
                calls.append([])
            else:
                calls[-1].append(token)
        return [call for call in calls if call]


def pages() -> list[Path]:
    """Return every Markdown file that readers get."""
    below = (page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))
    return sorted([*ROOT.glob("*.md"), *below])


def blocks(page: Path, *languages: str) -> list[Block]:
    """Return the fenced blocks of a page, those in some languages only where any is given."""
    text = page.read_text("utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        if languages and match["language"] not in languages:
            continue
        indent = len(match["indent"])
        lines = "".join(line[indent:] or "\n" for line in match["text"].splitlines(keepends=True))
        found.append(Block(page, text.count("\n", 0, match.start()) + 1, match["language"], lines))
    return found


def commands(page: Path) -> list[Command]:
    """Return the commands of a page in their order.

    In a ``console`` block they begin with ``$`` and the other lines are output. In an ``sh`` block each
    line is one, together with its here-document.
    """
    found = []
    for block in blocks(page, "console", "sh"):
        text = block.text.replace("\\\n", "")
        if block.language == "sh":
            lines = (match[0] for match in _LINE.finditer(text) if not match[0].startswith("#"))
            found += [Command(block, re.sub(r"\s+# .*", "", line), "") for line in lines]
            continue
        for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            found.append(Command(block, command, output))
    return found


def links(page: Path) -> list[str]:
    """Return the targets of the links of a page, without those in code."""
    return _LINK.findall(_prose(page))


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub and the documentation site make them."""
    made: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", _BLOCK.sub("", page.read_text("utf-8")), re.M):
        anchor = re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
        repeated = (f"{anchor}-{number}" for number in itertools.count(1))
        made.add(anchor if anchor not in made else next(name for name in repeated if name not in made))
    return made


def _prose(page: Path) -> str:
    return re.sub(r"`[^`\n]+`", "``", _BLOCK.sub("", page.read_text("utf-8")))


def run(command: str, folder: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder that has what a checkout has, with ``actgate`` on its path.

    Standard error and standard output are one text, as on a terminal. A plain call of ``actgate`` runs in
    this process, which saves a third of a second each.
    """
    checkout(folder)
    if command.startswith("actgate ") and not env and _PLAIN.fullmatch(command):
        return _called(shlex.split(command), folder)
    return subprocess.run(  # noqa: S602 - the page's own commands
        command,
        shell=True,
        cwd=folder,
        env=environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )


def _called(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    output = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    with chdir(folder), redirect_stdout(output), redirect_stderr(output):
        code = main(arguments[1:])
    return subprocess.CompletedProcess(arguments, code, output.buffer.getvalue().decode())


def checkout(folder: Path, names: Iterable[str] = ("crds", "demo", "deploy", "examples")) -> Path:
    """Return the folder, with links to the folders of the checkout that commands use."""
    for name in names:
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    return folder


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a reader who has activated the virtual environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, **(more or {})}


def shows(output: str, shown: str) -> bool:
    """Whether a page shows the output truly.

    White space counts as one space, since pages fold long lines; ``…`` and ``...`` stand for any text.
    """
    parts = [re.escape(" ".join(part.split())) for part in re.split("…|[.]{3}", shown)]
    return re.fullmatch(r"\s*" + r".*?".join(parts) + r"\s*", " ".join(output.split()), re.S) is not None
