"""The commit that is released: what git has of it, and when it was made."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from pathlib import Path

from tools.release.commands import ReleaseError, run


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit that a checkout is at."""

    root: Path
    """The checkout."""
    name: str
    """Its hash."""
    seconds: int
    """When it was committed, in seconds since 1970: ``SOURCE_DATE_EPOCH``."""

    def export(self, folder: Path) -> Path:
        """Write the files of the commit into a folder that does not exist yet, and return the folder."""
        folder.mkdir()
        archive = folder.with_suffix(".tar")
        run(["git", "archive", "--output", archive, self.name], self.root)
        with tarfile.open(archive) as files:
            files.extractall(folder, filter="data")
        archive.unlink()
        return folder


def of_checkout(root: Path) -> Commit:
    """Return the commit of a checkout.

    Raises:
        ReleaseError: A file differs from the commit, so that what was tested is not what would be released.
    """
    if changed := run(["git", "status", "--porcelain"], root).splitlines():
        raise ReleaseError(
            f"{changed[0][3:]} is not what git has of it ({len(changed)} such files): commit or remove them"
        )
    name, seconds = run(["git", "log", "-1", "--format=%H %ct"], root).split()
    return Commit(root, name, int(seconds))
