"""Wheel and sdist: built twice and compared, and held to what each may contain."""

from __future__ import annotations

import os
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from packaging.utils import parse_sdist_filename, parse_wheel_filename

from tools.release.commands import ReleaseError, run
from tools.release.commit import Commit

PACKAGES: Final = frozenset({"actgate", "actgate_operator", "actgate_recorder", "actgate_webhook"})
"""What a wheel holds besides its metadata: no tests, no sandbox, no demo, no tools."""

NEEDED: Final = ("LICENSE", "Makefile", "README.md", "docs", "examples", "pyproject.toml", "requirements")
"""What an sdist holds besides the packages: guides can be followed, and images built, from it alone."""


@dataclass(frozen=True, slots=True)
class Distributions:
    """What is uploaded to a package index."""

    wheel: Path
    sdist: Path

    @property
    def version(self) -> str:
        """The version that both are of."""
        return str(parse_wheel_filename(self.wheel.name)[1])


def build(commit: Commit, work: Path, dist: Path) -> Distributions:
    """Build both from a commit into `dist`, a folder that exists, and check them; `work` is for scratch.

    Raises:
        ReleaseError: A second build has other bytes, or one of them holds what it should not.
    """
    built = _built(commit, commit.export(work / "source"), dist)
    require_same(built, _again(commit, built, work))
    require_contents(built)
    run([sys.executable, "-m", "twine", "check", "--strict", built.wheel, built.sdist], work)
    toplevel = f"--toplevel={','.join(sorted(PACKAGES))}"
    run([sys.executable, "-m", "check_wheel_contents", toplevel, built.wheel], work)
    return built


def _again(commit: Commit, first: Distributions, work: Path) -> Distributions:
    """Build both anew: the sdist elsewhere under another umask, and the wheel from the sdist."""
    before = os.umask(0o077)
    try:
        (work / "again").mkdir()
        sdist = _built(commit, commit.export(work / "again" / "elsewhere"), work / "again").sdist
        with tarfile.open(first.sdist) as files:
            files.extractall(work / "unpacked", filter="data")
        (source,) = (work / "unpacked").iterdir()
        (work / "third").mkdir()
        return Distributions(_built(commit, source, work / "third").wheel, sdist)
    finally:
        os.umask(before)


def _built(commit: Commit, source: Path, into: Path) -> Distributions:
    environment = {"SOURCE_DATE_EPOCH": str(commit.seconds)}
    build = [sys.executable, "-m", "build", "--no-isolation", "--sdist", "--wheel"]
    run([*build, f"--outdir={into}"], source, environment)
    (wheel,), (sdist,) = into.glob("*.whl"), into.glob("*.tar.gz")
    if parse_wheel_filename(wheel.name)[1] != parse_sdist_filename(sdist.name)[1]:
        raise ReleaseError(f"{wheel.name} and {sdist.name} are of two versions")
    return Distributions(wheel, sdist)


def require_same(first: Distributions, second: Distributions) -> None:
    """Raise ReleaseError where two builds have other names or bytes."""
    for one, other in ((first.wheel, second.wheel), (first.sdist, second.sdist)):
        if one.name != other.name or one.read_bytes() != other.read_bytes():
            raise ReleaseError(f"{one.name} is not reproducible: the same commit gave other bytes in {other}")


def require_contents(built: Distributions) -> None:
    """Raise ReleaseError where the wheel holds more than its packages, or the sdist lacks something."""
    wheel, sdist = names(built)
    if strangers := strange(wheel):
        raise ReleaseError(f"{built.wheel.name} holds {', '.join(strangers)}, which belongs into no wheel")
    if missing := [package for package in PACKAGES if f"{package}/py.typed" not in wheel]:
        raise ReleaseError(f"{built.wheel.name} lacks {', '.join(sorted(missing))} or its py.typed")
    tops = {PurePosixPath(name).parts[0] for name in sdist if name}
    if missing := [name for name in NEEDED if name not in tops]:
        raise ReleaseError(f"{built.sdist.name} lacks {', '.join(missing)}")


def names(built: Distributions) -> tuple[list[str], list[str]]:
    """Return the files of the wheel, and those of the sdist without the folder that holds all of them."""
    with zipfile.ZipFile(built.wheel) as archive:
        wheel = archive.namelist()
    with tarfile.open(built.sdist) as files:
        sdist = [name.partition("/")[2] for name in files.getnames()]
    return wheel, sdist


def strange(wheel: Iterable[str]) -> list[str]:
    """Return what stands at the top of a wheel and is neither a package nor metadata."""
    tops = {PurePosixPath(name).parts[0] for name in wheel}
    return sorted(top for top in tops - PACKAGES if not top.endswith(".dist-info"))
