"""``actgate verify`` of a pack: whether it is what was packed, and whether its verdict follows from it."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from actgate import documents
from actgate.api.canonical import sha256
from actgate.api.names import is_namespace_name
from actgate.api.quoting import got, printable
from actgate.api.times import parse_timestamp
from actgate.cli import pack as making
from actgate.cli import streams, verdict_comparison
from actgate.cli import verify as verification
from actgate.cli.exits import Exit, UnusableError
from actgate.cli.verify import Verified
from actgate.decision.data import RULESET
from actgate.documents import Document
from actgate.pipeline import archive, pack
from actgate.pipeline.archive import ArchiveError, Fault
from actgate.pipeline.pack import Sources
from actgate.version import VERSION

SCHEMA: Final = "actgate.dev/verify-pack/v1"
_ZIP: Final = b"PK"
_MOST_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of a pack."""

    file: str
    digest: str
    count: int
    faults: tuple[Fault, ...]
    verified: Verified | None
    """The verdict derived again; None where nothing could be judged."""
    remarks: tuple[str, ...] = ()

    @property
    def exit(self) -> Exit:
        """The exit code that this means."""
        if self.faults or self.verified is None:
            return Exit.DENIED
        return self.verified.exit


def is_pack(argument: str) -> bool:
    """Return whether ``verify`` is to take a file as a pack: by its name or by how it begins."""
    path = Path(argument)
    try:
        with path.open("rb") as file:
            return argument.lower().endswith(".zip") or file.read(len(_ZIP)) == _ZIP
    except (OSError, ValueError):
        return False  # Who reads it next says what is wrong with it.


def checked(
    file: str,
    policies: Collection[Document],
    at: datetime | None,
    model: str | None,
    ignore: Collection[str],
) -> Checked:
    """Hold a pack against its digests, derive its verdict again, and compare.

    Args:
        file: The pack.
        policies: Documents to judge it under in place of those in it, once these were compared.
        at: The same for the moment.
        model: Path of the model, whose digests are to be those of the manifest.
        ignore: Paths in the model's directory that do not belong to it.

    Raises:
        UnusableError: No list of files can be read from it; what was given beside it cannot be used.
    """
    data = _bytes(file)
    try:
        found = pack.unseal(data)
    except ArchiveError as error:
        raise UnusableError(f"{file} {error}") from None
    faults, remarks = list(found.faults), list[str]()
    try:
        described = _described(found.files)
        given = _sources(found.files, described)
        files, verified = making.contents(given)
    except UnusableError as error:
        faults += [Fault("verdict", f"cannot be derived: {sentence}") for sentence in error.sentences]
        return Checked(file, sha256(data), len(found.files), tuple(faults), None)
    faults += _unlike(found.files, files, described, remarks)
    if policies or model is not None or at is not None:
        verified = verification.verified(
            making.manifest_of(given),
            policies or making.policies_of(given.files()),
            given.namespace,
            at or given.at,
            model,
            ignore,
            making.objects_of(given.files()),
        )
    remarks += verified.remarks
    return Checked(
        file, sha256(data), len(found.files), tuple(dict.fromkeys(faults)), verified, tuple(remarks)
    )


def _bytes(file: str) -> bytes:
    path = Path(file)
    try:
        if path.stat().st_size > archive.MOST_BYTES:
            raise UnusableError(f"{file} is too large: a pack has at most {archive.MOST_BYTES >> 20} MiB")
        return path.read_bytes()
    except OSError as error:
        raise UnusableError(f"{file} cannot be read: {streams.reason(error)}") from None


def _described(files: Mapping[str, bytes]) -> Mapping[str, object]:
    """Return what pack.json says; raises like ``_sources``."""
    value = making.only(making.loaded(files.get(pack.PACK, b""), pack.PACK), pack.PACK).value
    described: Mapping[str, object] = value if isinstance(value, dict) else {}
    if described.get("apiVersion") != pack.FORMAT:
        stated = got(described.get("apiVersion"))
        raise UnusableError(
            f"{pack.PACK}: apiVersion: Unsupported value: {stated}: supported values: {pack.FORMAT}"
        )
    return described


def _sources(files: Mapping[str, bytes], described: Mapping[str, object]) -> Sources:
    """Read again what a pack was made of.

    Raises:
        UnusableError: One of its files is missing or cannot be used.
    """
    names = [name for name in ("manifest.json", "manifest.yaml") if name in files]
    if len(names) != 1:
        raise UnusableError("the pack must have either manifest.yaml or manifest.json")
    namespace = described.get("namespace")
    if not isinstance(namespace, str) or not is_namespace_name(namespace):
        raise UnusableError(f"{pack.PACK}: namespace: Invalid value: {got(namespace)}: must be a name")
    try:
        at = parse_timestamp(str(described.get("judgedAt")))
    except ValueError as error:
        raise UnusableError(f"{pack.PACK}: judgedAt: {error}") from None
    objects = {
        folder: tuple(
            making.only(making.loaded(files[name], name), name).value
            for name in sorted(files)
            if name.startswith(f"{folder}/")
        )
        for folder in pack.FOLDERS
    }
    run = {name.removeprefix(pack.RUN): files[name] for name in files if name.startswith(pack.RUN)}
    return Sources(files[names[0]], **objects, run=run, namespace=namespace, at=at)


def _unlike(
    files: Mapping[str, bytes],
    again: Mapping[str, bytes],
    described: Mapping[str, object],
    remarks: list[str],
) -> Iterator[Fault]:
    """Yield the files that are not what follows from the sources."""
    same_rules = described.get("ruleset") == RULESET
    same_release = same_rules and described.get("actgate") == VERSION
    if not same_rules:
        remarks.append(
            f"the verdict in the pack was made by the rules {got(described.get('ruleset'))}, and these are "
            f"{RULESET}: the verdict below is made by these, and the two were not compared"
        )
    elif not same_release:
        remarks.append(
            f"the pack was made by actgate {got(described.get('actgate'))}, and this is {VERSION}: its "
            f"{pack.README} was not compared"
        )
    # Those say by themselves that they were written by another release.
    free = {pack.SUMS} | ({pack.README, pack.PACK} if not same_release else set())
    free |= {pack.VERDICT} if not same_rules else set()
    for name in sorted({*files, *again} - free):
        if name not in again:
            yield Fault(name, "belongs to no pack of these sources")
        elif name not in files:
            yield Fault(name, "is missing")
        elif name == pack.VERDICT:
            yield from verdict_comparison.differing(name, files[name], again[name])
        elif files[name] != again[name]:
            yield Fault(name, "is not what follows from the manifest, the policies and pack.json")


def render(found: Checked, output_format: str) -> str:
    """Return what was found as ``text`` or ``json``."""
    verified = None if found.verified is None else verification.render(found.verified, output_format)
    if output_format == "json":
        return documents.to_json(
            {
                "schema": SCHEMA,
                "file": found.file,
                "digest": found.digest,
                "files": found.count,
                "intact": not found.faults,
                "faults": [{"file": fault.name, "message": fault.message} for fault in found.faults],
                "remarks": [*found.remarks],
                "verified": None if verified is None else json.loads(verified),
            }
        )
    lines = [printable(f"{found.file} {found.digest}")]
    lines += [printable(f"  {fault.name}: {fault.message}") for fault in found.faults[:_MOST_SHOWN]]
    if len(found.faults) > _MOST_SHOWN:
        lines.append(f"  and {len(found.faults) - _MOST_SHOWN} more faults")
    if found.faults:
        lines.append("BROKEN: this is not the pack that was written")
    else:
        lines.append(
            f"INTACT: {found.count} files are the ones that were packed, and the verdict follows from them"
        )
    return "".join(f"{line}\n" for line in lines) + (verified or "")
