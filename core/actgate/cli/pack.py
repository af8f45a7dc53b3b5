"""``actgate pack``: everything that a verdict rests on in one file.

The verdict of a pack is derived from the files in it and from nothing else, when it is packed and when it is
verified: the same code, the same moment, the same names of files.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from actgate import documents
from actgate.api.quoting import got
from actgate.cli import evidence, sources, streams
from actgate.cli import verify as verification
from actgate.cli.evidence import GivenManifest
from actgate.cli.exits import UnusableError
from actgate.cli.inventory import EXEMPTION, MANIFEST, NAMESPACE, POLICY, take
from actgate.cli.verify import Verified
from actgate.documents import Document
from actgate.manifests.errors import EvidenceError
from actgate.pipeline import pack
from actgate.pipeline.archive import ArchiveError
from actgate.pipeline.pack import Sources

_TAKEN: Final = f"a {POLICY}, a {NAMESPACE} or an {EXEMPTION}"


def of_files(
    manifest: str,
    policies: Iterable[str],
    obj: str | None,
    run_dir: str | None,
    namespace: str,
    at: datetime,
    target: str,
) -> tuple[Sources, list[str]]:
    """Return what to pack, and the names of files of the run that are left out.

    Args:
        manifest: The manifest's file.
        policies: Files of policies, Namespaces and Exemptions.
        obj: File of the object that is judged on the manifest; None where that is judged by itself.
        run_dir: Folder of the run.
        namespace: Namespace of what states none.
        at: The moment as of which it is judged.
        target: The file that the pack will be.

    Raises:
        UnusableError: Something cannot be read, or cannot be in a pack.
    """
    content = evidence.content(manifest)
    objects: dict[str, list[Mapping[str, Any]]] = {POLICY: [], NAMESPACE: [], EXEMPTION: []}
    for document in sources.read(policies):
        value = document.value
        kind = value.get("kind") if isinstance(value, dict) else None
        if kind not in objects:
            raise UnusableError(f"{document.place()}: --policy takes {_TAKEN}, not {got(kind)}")
        objects[kind].append(value)
    judged = [] if obj is None else [only([*sources.read([obj])], obj).value]
    left_out: list[str] = []
    try:
        run = {} if run_dir is None else pack.run_files(run_dir, (manifest, target), left_out)
    except EvidenceError as error:
        raise UnusableError(str(error)) from None
    except OSError as error:
        raise UnusableError(f"{error.filename or run_dir} cannot be read: {streams.reason(error)}") from None
    found = Sources(
        content,
        tuple(objects[POLICY]),
        tuple(objects[NAMESPACE]),
        tuple(objects[EXEMPTION]),
        tuple(judged),
        run,
        namespace,
        at,
    )
    return found, left_out


def contents(given: Sources) -> tuple[dict[str, bytes], Verified]:
    """Return all files of a pack but SHA256SUMS, and the verdict in it.

    Raises:
        UnusableError: The manifest or a policy cannot be used; places are those in the pack.
    """
    files, manifest = given.files(), manifest_of(given)
    policies = policies_of(files)
    objects = objects_of(files)
    found = verification.verified(manifest, policies, given.namespace, given.at, None, (), objects)
    rules = take([], [one for one in policies if one.value.get("kind") == POLICY], given.namespace).policies
    files |= pack.derived(given.manifest_name, manifest.value["spec"], rules)
    files[pack.VERDICT] = verification.render(found, "json").encode()
    return files, found


def manifest_of(given: Sources) -> GivenManifest:
    """Return the manifest of a pack.

    Raises:
        UnusableError: It is none.
    """
    document = only(loaded(given.manifest, given.manifest_name), given.manifest_name)
    manifest = evidence.of_document(document)
    if not isinstance(manifest, GivenManifest):
        raise UnusableError(f"{document.place()}: this is an envelope, and a {MANIFEST} is expected")
    return manifest


def policies_of(files: Mapping[str, bytes]) -> list[Document]:
    """Return policies, namespaces and exemptions among the files of a pack; raises like ``loaded``."""
    return _below(files, "policies/", "namespaces/", "exemptions/")


def objects_of(files: Mapping[str, bytes]) -> list[Document]:
    """Return the object that is judged, where a pack has one; raises like ``loaded``."""
    return _below(files, "objects/")


def _below(files: Mapping[str, bytes], *folders: str) -> list[Document]:
    names = (name for name in sorted(files) if name.startswith(folders))
    return [document for name in names for document in loaded(files[name], name)]


def sealed(files: Mapping[str, bytes]) -> bytes:
    """Return the bytes of the pack.

    Raises:
        UnusableError: They are too many, or a name cannot be one.
    """
    try:
        return pack.seal(files)
    except ArchiveError as error:
        raise UnusableError(f"the pack {error}") from None


def loaded(content: bytes, name: str) -> list[Document]:
    """Return the documents in a file of a pack.

    Raises:
        UnusableError: It cannot be read.
    """
    try:
        return list(documents.load(content, name))
    except documents.DocumentError as error:
        raise UnusableError(str(error)) from None


def only(found: list[Document], name: str) -> Document:
    """Return the only document of a file.

    Raises:
        UnusableError: There are none, or several.
    """
    if len(found) != 1:
        raise UnusableError(f"{name} holds {len(found)} documents, and exactly one is expected")
    return found[0]
