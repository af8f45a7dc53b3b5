"""The locks in ``requirements/``: every dependency pinned with its hashes, made from ``pyproject.toml``.

Run by ``make lock`` (``python -m tools.lock``, in an environment that has uv); ``--check`` needs neither
uv nor a network. One lock serves every Python that we support, on every platform, and holds wheels alone: to
build a package would fetch a build backend that is pinned nowhere. No address of an index gets into a lock.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

LOWEST_PYTHON: Final = "3.11"


@dataclass(frozen=True, slots=True)
class Lock:
    """One file of ``requirements/``.

    ``within`` names the lock whose versions this one repeats, so that an image runs what was tested;
    ``without`` the packages that are left out although a dependency asks for them.
    """

    name: str
    extras: tuple[str, ...] = ()
    group: str = ""
    builds: bool = False
    within: str = ""
    without: tuple[str, ...] = ()


NOT_RUN: Final = ("durationpy", "oauthlib", "requests-oauthlib", "websocket-client")
"""What kubernetes asks for only for its synchronous client, which images leave out (``tools/image.py``)."""

LOCKS: Final = (
    Lock("lock", group="lock"),
    Lock("mlflow", group="mlflow"),
    Lock("storage", group="storage"),
    Lock("dev", extras=("dev",), builds=True),
    Lock("docs", group="docs"),
    Lock("mutation", group="mutation", within="dev"),
    Lock("release", group="release", builds=True, within="dev"),
    Lock("webhook", extras=("webhook", "tracing"), within="dev", without=NOT_RUN),
    Lock("operator", extras=("operator", "tracing"), within="dev", without=NOT_RUN),
    Lock("recorder", extras=("recorder",), within="dev"),
)


class LockError(Exception):
    """A lock that is stale or cannot be made, in one sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make or check the locks; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.lock", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(), help="the checkout (default: this folder)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="fail when a lock is stale; asks no index")
    what.add_argument(
        "--upgrade", action="store_true", help="pin the newest releases that pyproject.toml allows"
    )
    what.add_argument(
        "--lowest",
        metavar="PYTHON",
        help="print the lowest versions that pyproject.toml allows for development, for this interpreter",
    )
    options = parser.parse_args(arguments)
    try:
        if options.check:
            check(options.root)
        elif options.lowest:
            print(lowest(options.root, options.lowest))
        else:
            make(options.root, upgrade=options.upgrade)
    except LockError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def check(root: Path) -> None:
    """Raise LockError when a lock was made from other dependencies than pyproject.toml names, or edited."""
    project = _project(root)
    stale = [f"requirements/{lock.name}.txt" for lock in LOCKS if not _is_current(root, project, lock)]
    if stale:
        raise LockError(f"{', '.join(stale)}: not what `make lock` wrote from this pyproject.toml; run it")


def make(root: Path, *, upgrade: bool) -> None:
    """Write every lock. Versions that are pinned already stay, but for `upgrade` and where they cannot."""
    project = _project(root)
    for lock in LOCKS:
        path = _path(root, lock)
        path.parent.mkdir(exist_ok=True)
        command = [
            "--universal", "--python-version", LOWEST_PYTHON, "--generate-hashes", "--no-annotate",
            "--output-file", str(path.resolve()), *(["--upgrade"] if upgrade else []),
        ]  # fmt: skip
        if lock.within:
            command += ["--constraints", str((root / "requirements" / f"{lock.within}.txt").resolve())]
        with tempfile.TemporaryDirectory(prefix="actgate-lock-") as directory:
            without = Path(directory) / "without.txt"
            without.write_text("\n".join(lock.without), encoding="utf-8")
            _compile(root, project, lock, *command, "--excludes", str(without))
        pins = path.read_text("utf-8")
        path.write_text(f"{_header(project, lock, pins)}\n{pins}", encoding="utf-8")


def lowest(root: Path, python: str) -> str:
    """Return the lowest direct dependencies that pyproject.toml allows, and the newest of all others."""
    (dev,) = (lock for lock in LOCKS if lock.name == "dev")
    return _compile(root, _project(root), dev, "--resolution", "lowest-direct", "--python", python)


def _compile(root: Path, project: dict[str, Any], lock: Lock, *arguments: str) -> str:
    """Run ``uv pip compile`` for the dependencies of a lock, and return what it prints."""
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        "--quiet",
        "--no-header",
        "--only-binary",
        ":all:",
    ]
    command += ["--emit-build-options", "--no-emit-index-url", "--no-emit-find-links", *arguments]
    if lock.group:
        command += ["--group", lock.group]
    else:
        command += ["pyproject.toml", *(f"--extra={extra}" for extra in lock.extras)]
    builds = ""
    if lock.builds:
        command.append("-")
        builds = "\n".join(project["build-system"]["requires"])
    done = subprocess.run(  # noqa: S603 - uv, with what stands above
        command, cwd=root, input=builds, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise LockError(f"requirements/{lock.name}.txt cannot be made:\n{done.stderr.strip()}")
    return done.stdout


def _project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))


def _path(root: Path, lock: Lock) -> Path:
    return root / "requirements" / f"{lock.name}.txt"


def _is_current(root: Path, project: dict[str, Any], lock: Lock) -> bool:
    if not _path(root, lock).exists():
        return False
    first, _, pins = _path(root, lock).read_text("utf-8").partition("\n")
    return first == _header(project, lock, pins)


def _header(project: dict[str, Any], lock: Lock, pins: str) -> str:
    """Return the line that says from what a lock was made, and what was made then."""
    names = project["project"]
    parts = [
        project["build-system"]["requires"],
        names["requires-python"],
        names["dependencies"],
        names["optional-dependencies"],
        project["dependency-groups"],
        [lock.extras, lock.group, lock.builds, lock.within, lock.without, LOWEST_PYTHON],
    ]
    asked = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    made = hashlib.sha256(pins.encode()).hexdigest()
    return f"# Made by `make lock` from pyproject.toml: dependencies sha256:{asked}, pins sha256:{made}"


if __name__ == "__main__":
    sys.exit(main())
