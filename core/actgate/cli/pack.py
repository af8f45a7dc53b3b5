"""``actgate pack``: everything that a verdict rests on in one file, and whether such a file is what was packed.

The verdict of a pack is derived from the files in it and from nothing else, when it is packed and when it is
verified: the same code, the same moment, the same names of files.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from actgate import documents
from actgate.api.canonical import sha256
from actgate.api.names import is_namespace_name
from actgate.api.quoting import got, printable
from actgate.api.times import parse_timestamp
from actgate.cli import evidence, sources, streams
from actgate.cli import verify as verification
from actgate.cli.evidence import GivenManifest
from actgate.cli.exits import Exit, UnusableError
from actgate.cli.inventory import MANIFEST, NAMESPACE, POLICY, take
from actgate.cli.verify import Verified
from actgate.decision.data import RULESET
from actgate.documents import Document
from actgate.manifests.errors import EvidenceError
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


def of_files(
    manifest: str, policies: Iterable[str], run_dir: str | None, namespace: str, at: Any, target: str  # noqa: ANN401
) -> tuple[Sources, list[str]]:
    """Return what to pack, and the names of files of the run that are left out.

    Raises:
        UnusableError: Something cannot be read, or cannot be in a pack.
    """
    content = evidence.content(manifest)
    objects: dict[str, list[Mapping[str, Any]]] = {POLICY: [], NAMESPACE: []}
    for document in sources.read(policies):
        value = document.value
        kind = value.get("kind") if isinstance(value, dict) else None
        if kind not in objects:
            raise UnusableError(
                f"{document.place()}: --policy takes a {POLICY} or a {NAMESPACE}, not {got(kind)}"
            )
        objects[kind].append(value)
    left_out: list[str] = []
    try:
        run = {} if run_dir is None else pack.run_files(run_dir, (manifest, target), left_out)
    except EvidenceError as error:
        raise UnusableError(str(error)) from None
    except OSError as error:
        raise UnusableError(f"{error.filename or run_dir} cannot be read: {streams.reason(error)}") from None
    found = Sources(content, tuple(objects[POLICY]), tuple(objects[NAMESPACE]), run, namespace, at)
    return found, left_out


def contents(given: Sources) -> tuple[dict[str, bytes], Verified]:
    """Return all files of a pack but SHA256SUMS, and the verdict in it.

    Raises:
        UnusableError: The manifest or a policy cannot be used; places are those in the pack.
    """
    files = given.files()
    policies = [
        document
        for name in sorted(files)
        if name.startswith(("policies/", "namespaces/"))
        for document in _loaded(files[name], name)
    ]
    (document,) = _one(_loaded(given.manifest, given.manifest_name), given.manifest_name)
    manifest = evidence.of_document(document)
    if not isinstance(manifest, GivenManifest):
        raise UnusableError(f"{document.place()}: this is an envelope, and a {MANIFEST} is expected")
    found = verification.verified(manifest, policies, given.namespace, given.at, None, ())
    rules = take([], [one for one in policies if one.value.get("kind") == POLICY], given.namespace).policies
    files |= pack.derived(given.manifest_name, manifest.value["spec"], rules)
    files[pack.VERDICT] = verification.render(found, "json").encode()
    return files, found


def sealed(files: Mapping[str, bytes]) -> bytes:
    """Return the bytes of the pack.

    Raises:
        UnusableError: They are too many, or a name cannot be one.
    """
    try:
        return pack.seal(files)
    except ArchiveError as error:
        raise UnusableError(f"the pack {error}") from None


def is_pack(argument: str) -> bool:
    """Return whether ``verify`` is to take a file as a pack: by its name or by how it begins."""
    path = Path(argument)
    try:
        with path.open("rb") as file:
            return argument.lower().endswith(".zip") or file.read(len(_ZIP)) == _ZIP
    except (OSError, ValueError):
        return False  # Who reads it next says what is wrong with it.


def checked(file: str, policies: Iterable[Document]) -> Checked:
    """Hold a pack against its digests, derive its verdict again, and compare.

    Args:
        file: The pack.
        policies: Documents to judge it under, beside those in it; where there are some, the verdict is theirs.

    Raises:
        UnusableError: No list of files can be read from it, or a policy that was given cannot be used.
    """
    data = _bytes(file)
    try:
        found = pack.unseal(data)
    except ArchiveError as error:
        raise UnusableError(f"{file} {error}") from None
    faults, remarks, verified = list(found.faults), list[str](), None
    try:
        given = _sources(found.files)
        files, verified = contents(given)
        faults += _unlike(found.files, files, remarks)
    except UnusableError as error:
        faults += [Fault("verdict", f"cannot be derived: {sentence}") for sentence in error.sentences]
        return Checked(file, sha256(data), len(found.files), _once(faults), None, tuple(remarks))
    if own := list(policies):
        (document,) = _loaded(given.manifest, given.manifest_name)
        manifest = evidence.of_document(document)
        verified = verification.verified(manifest, own, given.namespace, given.at, None, ())
    return Checked(file, sha256(data), len(found.files), _once(faults), verified, tuple(remarks))


def _once(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(dict.fromkeys(faults))


def _bytes(file: str) -> bytes:
    path = Path(file)
    try:
        if path.stat().st_size > archive.MOST_BYTES:
            raise UnusableError(f"{file} is too large: a pack has at most {archive.MOST_BYTES >> 20} MiB")
        return path.read_bytes()
    except OSError as error:
        raise UnusableError(f"{file} cannot be read: {streams.reason(error)}") from None


def _sources(files: Mapping[str, bytes]) -> Sources:
    """Read again what a pack was made of.

    Raises:
        UnusableError: One of its files is missing or cannot be used.
    """
    names = [name for name in ("manifest.json", "manifest.yaml") if name in files]
    if len(names) != 1:
        raise UnusableError("the pack must have either manifest.yaml or manifest.json")
    (document,) = _one(_loaded(files.get(pack.PACK, b""), pack.PACK), pack.PACK)
    described = document.value if isinstance(document.value, dict) else {}
    if described.get("apiVersion") != pack.FORMAT:
        stated = got(described.get("apiVersion"))
        raise UnusableError(f"{pack.PACK}: apiVersion: Unsupported value: {stated}: supported values: {pack.FORMAT}")
    namespace = described.get("namespace")
    if not isinstance(namespace, str) or not is_namespace_name(namespace):
        raise UnusableError(f"{pack.PACK}: namespace: Invalid value: {got(namespace)}: must be a name")
    try:
        at = parse_timestamp(str(described.get("judgedAt")))
    except ValueError as error:
        raise UnusableError(f"{pack.PACK}: judgedAt: {error}") from None
    objects = {
        folder: tuple(
            document.value
            for name in sorted(files)
            if name.startswith(f"{folder}/")
            for document in _one(_loaded(files[name], name), name)
        )
        for folder in ("policies", "namespaces")
    }
    run = {name.removeprefix(pack.RUN): files[name] for name in files if name.startswith(pack.RUN)}
    return Sources(files[names[0]], objects["policies"], objects["namespaces"], run, namespace, at)


def _loaded(content: bytes, name: str) -> list[Document]:
    try:
        return list(documents.load(content, name))
    except documents.DocumentError as error:
        raise UnusableError(str(error)) from None


def _one(found: list[Document], name: str) -> list[Document]:
    if len(found) != 1:
        raise UnusableError(f"{name} holds {len(found)} documents, and exactly one is expected")
    return found


def _unlike(files: Mapping[str, bytes], again: Mapping[str, bytes], remarks: list[str]) -> Iterator[Fault]:
    """Yield the files that are not what follows from the sources."""
    described = json.loads(files[pack.PACK])
    same_rules = described.get("ruleset") == RULESET
    same_release = same_rules and described.get("actgate") == VERSION
    if not same_rules:
        remarks.append(
            f"the verdict in the pack was made by the rules {got(described.get('ruleset'))}, and these are "
            f"{RULESET}: the verdict below is made by these, and the two were not compared"
        )
    elif not same_release:
        remarks.append(
            f"the pack was made by actgate {got(described.get('actgate'))}, and this is {VERSION}: its {pack.README} "
            "was not compared"
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
            yield from _verdicts_unlike(files[name], again[name])
        elif files[name] != again[name]:
            yield Fault(name, "is not what follows from the manifest, the policies and pack.json")


def _verdicts_unlike(recorded: bytes, derived: bytes) -> Iterator[Fault]:
    """Yield in what a recorded verdict is not the one that was derived, finding by finding."""
    if recorded == derived:
        return
    try:
        theirs, ours = json.loads(recorded), json.loads(derived)
        before, now = (Counter(_findings(verdict)) for verdict in (theirs, ours))
        for words, more in (("recorded and not found again", before - now), ("found and not recorded", now - before)):
            for finding in more.elements():
                yield Fault(pack.VERDICT, printable(f"finding {' '.join(finding[:3])}: {words}: {finding[3]}"))
        yield from _fields_unlike(_without_findings(theirs), _without_findings(ours), "")
    except (AttributeError, LookupError, TypeError, ValueError):
        yield Fault(pack.VERDICT, "is no report of actgate verify")
    yield Fault(pack.VERDICT, "is not the verdict that follows from the files of the pack")


def _findings(report: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for verdict in report["check"]["verdicts"]:
        for one in verdict["findings"]:
            rest = json.dumps({key: one[key] for key in sorted(one)}, sort_keys=True)
            yield str(one["effect"]), str(one["rule"]), str(one["path"]), f"{one['message']} {sha256(rest.encode())[:15]}"


def _without_findings(report: Mapping[str, Any]) -> dict[str, Any]:
    verdicts = [{**verdict, "findings": None} for verdict in report["check"]["verdicts"]]
    return {**report, "check": {**report["check"], "verdicts": verdicts}}


def _fields_unlike(recorded: Any, derived: Any, path: str) -> Iterator[Fault]:  # noqa: ANN401 - JSON
    if isinstance(recorded, dict) and isinstance(derived, dict):
        for key in sorted({*recorded, *derived}):
            yield from _fields_unlike(recorded.get(key), derived.get(key), f"{path}.{key}" if path else key)
    elif isinstance(recorded, list) and isinstance(derived, list) and len(recorded) == len(derived):
        for index, pair in enumerate(zip(recorded, derived, strict=True)):
            yield from _fields_unlike(*pair, f"{path}[{index}]")
    elif recorded != derived:
        words = f"{path}: recorded {got(recorded)}, derived {got(derived)}"
        yield Fault(pack.VERDICT, printable(words))


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
        lines.append(f"INTACT: {found.count} files are the ones that were packed, and the verdict follows from them")
    return "".join(f"{line}\n" for line in lines) + (verified or "")
