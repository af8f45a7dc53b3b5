"""Full segments of a log: compressed, with what proves them beside them."""

from pathlib import Path
from typing import NamedTuple

from actgate.recording import files
from actgate.trace import segments


class Sealed(NamedTuple):
    """A sealed segment of a log, by its place."""

    folder: Path
    first: int
    last: int

    def file(self, suffix: str) -> Path:
        """Return the path of the segment, or of a file beside it."""
        return self.folder / segments.sealed_name(self.first, self.last, suffix)


def sealed_in(folder: Path) -> list[Sealed]:
    """Return the sealed segments of a log that are here, in their order."""
    return sorted(
        Sealed(folder, name.first, name.last)
        for path in folder.iterdir()
        if (name := segments.parse_name(path.name)) and name.last is not None and name.suffix == "jsonl.zst"
    )


class Sealing(NamedTuple):
    """A segment that is full, and what is written beside it; ``seal`` does so."""

    path: Path
    sealed: Sealed
    checkpoint: bytes
    subtrees: str


def logs_in(home: Path) -> list[Path]:
    """Return the directories of logs of one name."""
    return sorted(path for path in home.iterdir() if path.name[:6].isdigit() and path.name[6:7] == "-")


def seal(sealing: Sealing, *, sync: bool) -> None:
    """Compress a full segment, with its checkpoint beside it; may be done again.

    Raises:
        OSError: It stays as it is, which ``trace verify`` reads as well.
    """
    files.replace(sealing.sealed.file("checkpoint"), [sealing.checkpoint], sync=sync)
    seal_unsigned(sealing.path, sealing.sealed, sealing.subtrees, sync=sync)


def seal_unsigned(path: Path, sealed: Sealed, subtrees: str, *, sync: bool) -> None:
    """Compress a segment whose signing key is gone."""
    files.replace(sealed.file("subtrees"), [subtrees.encode()], sync=sync)
    packed = segments.compressed(
        files.pieces(path)
    )  # A whole segment would be most of the recorder's memory.
    files.replace(sealed.file("jsonl.zst"), packed, sync=sync)
    if sync:
        files.sync_directory(path.parent)
    path.unlink()
