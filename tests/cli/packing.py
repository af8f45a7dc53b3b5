"""Packs for the tests of ``actgate pack`` and ``actgate verify``, and ways to change one."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from actgate.pipeline import archive
from tests.cli.signing import signed_by_three, three_parties
from tests.cli.support import actgate, write

AT = "2026-11-23T12:00:00Z"


def run_dir(folder: Path) -> Path:
    """Write the files of a run, with a model and data beside the evidence."""
    run = folder / "run"
    (run / "card").mkdir(parents=True)
    (run / "plan.json").write_text('{"bias": []}\n')
    (run / "audit.json").write_text('{"apiVersion": "actgate.dev/audit/v1alpha1"}\n')
    (run / "card/card.html").write_text("<p>card</p>\n")
    (run / "data.csv").write_text("sex,label\n0,1\n")
    (run / "rows.json").write_text('[{"sex": 0}]\n')
    return run


def packed(folder: Path) -> Path:
    """Pack what three parties signed, under the policy that asks for them."""
    file, target = signed_by_three(folder), folder / "pack.zip"
    rules = write(folder / "policies.yaml", three_parties())
    done = actgate(
        *("pack", str(file), "--policy", str(rules), "--run-dir", str(run_dir(folder)), "--at", AT),
        *("--output-file", str(target)),
    )
    assert done.returncode == 0, done.stderr
    return target


def files_of(pack: Path) -> dict[str, bytes]:
    """Return the files in a pack, by an independent reader."""
    with zipfile.ZipFile(io.BytesIO(pack.read_bytes())) as file:
        return {one.filename: file.read(one) for one in file.infolist()}


def with_files(pack: Path, files: Mapping[str, bytes], *, sums: bool = False) -> Path:
    """Write an archive of its own form beside a pack; with ``sums``, with the digests of these files."""
    if sums:
        named = sorted(files.keys() - {"SHA256SUMS"})
        lines = (f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in named)
        files = {**files, "SHA256SUMS": "".join(lines).encode()}
    target = pack.with_name("changed.zip")
    target.write_bytes(archive.build(files))
    return target
