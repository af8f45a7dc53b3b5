"""A pack: one archive with everything that a verdict on a model rests on.

``Sources`` is what goes in, and ``derived`` what is made of it: envelopes and keys as files, and the README.
``seal`` adds SHA256SUMS and ``unseal`` holds an archive against it. Judging is the caller's.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from actgate import documents
from actgate.api.names import is_object_name
from actgate.api.quoting import quoted
from actgate.api.times import timestamp
from actgate.decision import Policy
from actgate.decision.data import RULESET
from actgate.manifests.errors import EvidenceError
from actgate.pipeline import archive, pack_readme, pack_signatures
from actgate.pipeline.archive import Archive, Fault
from actgate.version import VERSION

FORMAT: Final = "actgate.dev/pack/v1alpha1"
SUMS: Final = "SHA256SUMS"
README: Final = "README.md"
VERDICT: Final = "verdict.json"
PACK: Final = "pack.json"
RUN: Final = "run/"
FOLDERS: Final = ("policies", "namespaces", "exemptions", "objects")
"""Where each kind of objects is; of ``Sources`` the fields with the same names."""
_EVIDENCE: Final = (".json", ".yaml", ".yml")
_CARDS: Final = (*_EVIDENCE, ".html", ".md", ".svg", ".css", ".txt", ".xml")
_SECRET: Final = b"PRIVATE KEY-----"
_LINE: Final = re.compile(r"([0-9a-f]{64})  (\S+)")


@dataclass(frozen=True, slots=True)
class Sources:
    """What a pack is made of."""

    manifest: bytes
    """The file, as it was given."""
    policies: tuple[Mapping[str, Any], ...]
    """CompliancePolicies."""
    namespaces: tuple[Mapping[str, Any], ...]
    """Namespaces, by whose labels policies select."""
    exemptions: tuple[Mapping[str, Any], ...]
    """Exemptions, whether the verdict uses them or not."""
    objects: tuple[Mapping[str, Any], ...]
    """The object that is judged on the manifest; none where that is judged by itself."""
    run: Mapping[str, bytes]
    """Files of the run, by their paths in it."""
    namespace: str
    """Namespace of a manifest that states none."""
    at: datetime
    """The moment as of which it is judged."""

    @property
    def manifest_name(self) -> str:
        """The manifest's name in the pack."""
        return "manifest.json" if self.manifest.lstrip().startswith(b"{") else "manifest.yaml"

    def files(self) -> dict[str, bytes]:
        """Return the files that state the sources, by which ``sources`` reads them again."""
        described = {
            "apiVersion": FORMAT,
            "actgate": VERSION,
            "ruleset": RULESET,
            "judgedAt": timestamp(self.at, "auto"),
            "namespace": self.namespace,
        }
        files = {self.manifest_name: self.manifest, PACK: documents.to_json(described).encode()}
        for folder in FOLDERS:
            objects: tuple[Mapping[str, Any], ...] = getattr(self, folder)
            for number, document in enumerate(objects, 1):
                files[f"{folder}/{_called(document, number)}.yaml"] = documents.to_yaml(document).encode()
        files |= {f"{RUN}{name}": content for name, content in self.run.items()}
        return files


def _called(document: object, number: int) -> str:
    metadata = document.get("metadata") if isinstance(document, Mapping) else None
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return name if isinstance(name, str) and is_object_name(name) else f"object-{number}"


def derived(manifest_name: str, spec: Mapping[str, Any], policies: Iterable[Policy]) -> dict[str, bytes]:
    """Return the files that follow from a manifest and its policies: envelopes, keys, README.

    Args:
        manifest_name: Of the manifest's file.
        spec: Of the manifest.
        policies: As they were read.
    """
    found = pack_signatures.of(spec.get("attestations"), policies)
    return {**found.files, README: pack_readme.text(manifest_name, found).encode()}


def seal(files: Mapping[str, bytes]) -> bytes:
    """Return the archive of files, with their digests.

    Raises:
        archive.ArchiveError: A name cannot be in one, or there is too much.
    """
    lines = (f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return archive.build({**files, SUMS: "".join(lines).encode()})


def unseal(data: bytes) -> Archive:
    """Read an archive, and hold its files against SHA256SUMS.

    Raises:
        archive.ArchiveError: No list of files can be read.
    """
    found = archive.read(data)
    return Archive(found.files, (*found.faults, *_unlike_sums(found.files)))


def _unlike_sums(files: Mapping[str, bytes]) -> Iterator[Fault]:
    if SUMS not in files:
        yield Fault(SUMS, "is missing: nothing says what the other files are to be")
        return
    listed: dict[str, str] = {}
    for number, line in enumerate(files[SUMS].decode("utf-8", "backslashreplace").splitlines(), 1):
        if (match := _LINE.fullmatch(line)) is None or match[2] in listed:
            yield Fault(SUMS, f"line {number} is not a digest of a file, or is a duplicate")
        else:
            listed[match[2]] = match[1]
    canonical = "".join(f"{listed[name]}  {name}\n" for name in sorted(listed)).encode()
    if canonical != files[SUMS]:
        yield Fault(SUMS, "is not written as `actgate pack` writes it")
    for name in sorted({*listed, *files} - {SUMS}):
        if name not in files:
            yield Fault(name, f"is listed in {SUMS} and missing")
        elif name not in listed:
            yield Fault(name, f"is not listed in {SUMS}")
        elif hashlib.sha256(files[name]).hexdigest() != listed[name]:
            yield Fault(name, f"has another digest than {SUMS} lists")


def run_files(folder: str, beside: Iterable[str], left_out: list[str]) -> dict[str, bytes]:
    """Return the evidence in a run's folder, by relative paths.

    At the top that is JSON with one object in it, and YAML; below ``card/`` also what a card is rendered as.
    A model and rows of data are no evidence, and are left out.

    Args:
        folder: The folder that ``--run-dir`` named.
        beside: Files in it that are packed elsewhere, or are the pack.
        left_out: Takes the names of other files.

    Raises:
        EvidenceError: A file cannot be in a pack: a link, a private key, an unusable name.
        OSError: A file or folder cannot be read.
    """
    known = {os.path.realpath(name) for name in beside}
    found: dict[str, bytes] = {}
    for path in sorted(_walk(Path(folder))):
        name = path.relative_to(folder).as_posix()
        if os.path.realpath(path) in known or path.name.startswith("."):
            continue
        if path.is_symlink() or not path.is_file():
            raise EvidenceError(f"{path}: Invalid value: must be a file: a pack holds no links")
        suffixes = _CARDS if "/" in name else _EVIDENCE
        if name.lower().endswith(suffixes) and path.stat().st_size > archive.MOST_BYTES:
            raise EvidenceError(f"{path}: Too large: must have at most {archive.MOST_BYTES >> 20} MiB")
        content = path.read_bytes() if name.lower().endswith(suffixes) else None
        if content is None or ("/" not in name and name.endswith(".json") and not _is_object(content)):
            left_out.append(name)
            continue
        if _SECRET in content:
            raise EvidenceError(f"{path}: Invalid value: holds a private key: move it out of the folder")
        if not archive.is_name(name):
            raise EvidenceError(
                f"{path}: Invalid value: {quoted(name)}: rename it: A-Z a-z 0-9 . _ / + @ = -"
            )
        found[name] = content
    return found


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        else:
            yield path


def _is_object(content: bytes) -> bool:
    try:
        found = [document.value for document in documents.load(content, "")]
    except documents.DocumentError:
        return False
    return len(found) == 1 and isinstance(found[0], dict)
