"""What a run was made of beside data: the commit of its code, and its lock file."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actgate.manifests.errors import EvidenceError
from actgate.pipeline.model_digest import of_file
from actgate.pipeline.model_files import ModelDigestError
from actgate.pipeline.training.places import Level

LOCKS: Final = (
    *("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock", "conda-lock.yml"),
    *("requirements.lock", "requirements/lock.txt"),
)
"""Lock files that are found by their names, the first one that is there."""
_IN_CI: Final = ("GITHUB_SHA", "CI_COMMIT_SHA")
_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Code:
    """The commit of the code."""

    commit: str
    level: Level
    dirty: bool = False
    """Whether files that Git tracks were changed."""
    untracked: int = 0
    """How many files and folders Git does not track, such as data, or code that no commit has."""

    @property
    def stated(self) -> str:
        """As ``spec.lineage.codeCommit`` has it: ``-dirty`` as git describe writes it."""
        return f"{self.commit}-dirty" if self.dirty else self.commit


@dataclass(frozen=True, slots=True)
class Lock:
    """The file that fixes the versions of libraries."""

    name: str
    digest: str


def commit(folder: Path, environ: Mapping[str, str]) -> Code | None:
    """Return the commit that is checked out, or that the CI system names; None where there is none."""
    found = _git(folder, environ, "rev-parse", "--verify", "HEAD")
    if found is None:
        named = next((environ[name] for name in _IN_CI if environ.get(name)), None)
        return None if named is None else Code(named, Level.DECLARED)
    lines = (_git(folder, environ, "status", "--porcelain", "--untracked-files=normal") or "").splitlines()
    untracked = sum(line.startswith("??") for line in lines)
    return Code(found.strip(), Level.OBSERVED, len(lines) > untracked, untracked)


def lock(path: str | os.PathLike[str] | None, folder: Path) -> Lock | None:
    """Return the lock file that is named, or found by its name; None where there is none.

    Raises:
        EvidenceError: The named one cannot be read.
    """
    chosen = next((name for name in LOCKS if (folder / name).is_file()), None) if path is None else path
    if chosen is None:
        return None
    file = folder / chosen
    try:
        return Lock(file.name, of_file(file).digest)
    except ModelDigestError as error:
        raise EvidenceError(f"lock file: {error}") from None


def _git(folder: Path, environ: Mapping[str, str], *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - Git's own program, arguments of ours
            ["git", "-C", str(folder), "-c", "core.fsmonitor=false", *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            errors="replace",
            env={**environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
