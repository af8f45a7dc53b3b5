"""``python -m tools.release``: build, check and try a release of the commit that this checkout is at."""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tools.release import bom, commit, distributions, hooks, quick_start
from tools.release.commands import ReleaseError


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the release; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(), help="the checkout (default: this folder)")
    parser.add_argument("--dist", type=Path, default=Path("dist"), help="where to write (default: dist)")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="actgate-release-") as work:
            release(options.root.resolve(), options.dist.resolve(), Path(work))
    except ReleaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def release(root: Path, dist: Path, work: Path) -> None:
    """Write a release of the commit at `root` into `dist`, which is emptied first."""
    made_of = commit.of_checkout(root)
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir(parents=True)
    built = distributions.build(made_of, work, dist)
    _say(f"{built.wheel.name}, {built.sdist.name}: built twice with the same bytes, contents checked")
    source = work / "source"
    boms = bom.write(source, dist, built.version, made_of.seconds)
    _say(f"{', '.join(path.name for path in boms)}: CycloneDX of each image's lock")
    ran = quick_start.try_out(built.wheel, built.version, source, work)
    _say(f"{quick_start.PAGE}: {ran} commands ran with the wheel in an empty environment; services start")
    hooks.try_out(made_of, work)
    _say(f"{hooks.FILE}: pre-commit passes what is accepted and fails what is refused")
    sums = dist / "SHA256SUMS"
    sums.write_text(checksums([built.wheel, built.sdist, *boms]), encoding="utf-8")
    _say(f"{sums.name}: actgate {built.version} of commit {made_of.name} is in {dist}")


def checksums(files: Iterable[Path]) -> str:
    """Return what ``sha256sum --check`` reads, sorted by name."""
    ordered = sorted(files, key=lambda path: path.name)
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in ordered)


def _say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
