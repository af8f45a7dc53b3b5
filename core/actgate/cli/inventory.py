"""What the documents of the input are: subjects, evidence, policies, exemptions, namespaces, and the rest.

A document that might be any of these and is not quite is unusable input, never skipped: a typing error
must not turn a refusal into nothing. What is plainly something else (a Service, a kustomization) is
counted and otherwise left alone.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, Final, TypeVar

from actgate import manifests
from actgate.api.names import API_VERSION, GROUP, NAMESPACE_NAME_LABEL
from actgate.api.quoting import invalid, quoted
from actgate.cli import unread
from actgate.cli.exits import UnusableError
from actgate.decision import Manifest, Policy
from actgate.decision.exemptions import Exemption
from actgate.decision.subject import MODEL_DEPLOYMENT
from actgate.documents import Document
from actgate.subjects.kinds import Kind
from actgate.subjects.reading import Reading, Table, package_table, reading
from actgate.subjects.serving import ServingObject
from actgate.subjects.workload import Workload

ReadT = TypeVar("ReadT")

MANIFEST: Final = "ComplianceManifest"
POLICY: Final = "CompliancePolicy"
EXEMPTION: Final = "Exemption"
NAMESPACE: Final = "Namespace"

_OURS: Final = (MODEL_DEPLOYMENT, MANIFEST, POLICY, EXEMPTION)
_KUSTOMIZATIONS: Final = frozenset({"kustomization.yaml", "kustomization.yml"})
"""Files that stand beside manifests and need not state what kind they are."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A manifest, where it stands, and what its fields are called there."""

    manifest: Manifest
    document: Document
    origins: Mapping[str, str]
    """Field of a pipeline's own file (v0) for each field of the manifest made of it; else empty."""

    def origin(self, path: str) -> str | None:
        """Return what the pipeline's own file calls a field of the manifest, if it is in one."""
        return manifests.origin(path, self.origins)


@dataclass(slots=True)
class Inventory:
    """The input, sorted by what it is."""

    default_namespace: str
    """Namespace of whatever states none."""
    table: Table = field(default_factory=package_table)
    """The kinds that are known."""
    subjects: list[tuple[str, Document, Reading]] = field(default_factory=list)
    """What is judged, each with its namespace."""
    evidence: dict[tuple[str, str], Evidence] = field(default_factory=dict)
    """By namespace and name."""
    policies: list[Policy] = field(default_factory=list)
    exemptions: list[Exemption] = field(default_factory=list)
    labels: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """Labels of the namespaces that are in the input."""
    others: list[Document] = field(default_factory=list)
    """What is plainly not ours to judge."""
    _known: dict[tuple[str, ...], Document] = field(default_factory=dict)

    def once(self, document: Document, *identity: str) -> None:
        """Note an object; a duplicate is an error, since only one of them can be meant."""
        earlier = self._known.setdefault(identity, document)
        if earlier is not document:
            called = "/".join(part for part in identity if part)
            raise UnusableError(
                f"{document.place()}: Duplicate value: {called} is already defined at "
                f"{earlier.place()}; keep one"
            )


def take(
    documents: Iterable[Document],
    policy_documents: Iterable[Document],
    default_namespace: str,
    table: Table | None = None,
) -> Inventory:
    """Return the inventory of the input.

    Args:
        documents: What ``-f`` names.
        policy_documents: What ``--policy`` names: CompliancePolicies and nothing else.
        default_namespace: Namespace of objects and pipeline files that state none.
        table: The kinds that are known; by default those of the package.

    Raises:
        UnusableError: With a sentence for each document that cannot be used.
    """
    inventory = Inventory(default_namespace, table or package_table())
    sentences: list[str] = []
    for add, found in ((_add, documents), (_add_given_policy, policy_documents)):
        for document in found:
            try:
                add(document, inventory)
            except UnusableError as error:
                sentences.extend(error.sentences)
    if sentences:
        raise UnusableError(*sentences)
    _verify(inventory)
    return inventory


def _verify(inventory: Inventory) -> None:
    """Verify attestations with the keys of all policies, which may stand behind the manifests."""
    verifier = manifests.verifier_for(inventory.policies)
    for key, found in inventory.evidence.items():
        if found.manifest.attestations:
            namespace, name = key
            read = manifests.read_document(
                found.document.value, name=name, namespace=namespace, verifier=verifier
            )
            inventory.evidence[key] = replace(found, manifest=read)


def _add(document: Document, inventory: Inventory) -> None:
    value = document.value
    if not isinstance(value, dict):
        raise UnusableError(
            f"{document.place()}: {invalid(value, 'an object with fields')}; check that the file is the "
            "right one"
        )
    if manifests.is_v0(value):
        _add_pipeline_file(document, inventory)
        return
    kind, version = value.get("kind"), value.get("apiVersion")
    if not isinstance(kind, str) or not isinstance(version, str):
        _add_untyped(document, inventory)
    elif kind.endswith("List") and "items" in value:  # A readable list was read as its items.
        raise UnusableError(
            f"{document.place('items')}: items: Invalid value: must be a list, else nothing in it is judged"
        )
    elif _is_ours(kind, version):
        _ADD_OURS[_known_kind(document, kind, version)](document, inventory)
    elif (row := inventory.table.row_of(value)) is not None:
        found = reading(value, row)
        if isinstance(row, Kind) and found is not None:
            unread.refuse(document, unread.of_workload(value, row, declared=found.judged))
        elif isinstance(found, ServingObject):
            unread.refuse(document, unread.of_serving(value, found))
        else:
            unread.refuse_other_kind(document, f"{version} {kind}", row)
        if found is not None and found.judged:
            _add_subject(document, inventory, found)
        else:
            inventory.others.append(document)
    elif (kind, version) == (NAMESPACE, "v1"):
        _add_namespace(document, inventory)
    else:
        unread.refuse_other_kind(document, f"{version} {kind}")
        inventory.others.append(document)


def _is_ours(kind: str, version: str) -> bool:
    """Return whether an object is of the group, or looks as if it were meant to be."""
    group = version.partition("/")[0]
    return group == GROUP or (kind in _OURS and ("/" not in version or "actgate" in version))


def _known_kind(document: Document, kind: str, version: str) -> str:
    if version != API_VERSION:
        raise UnusableError(
            f"{document.place()}: apiVersion: Unsupported value: {quoted(version)}: "
            f"supported values: {API_VERSION}"
        )
    if kind not in _OURS:
        near = difflib.get_close_matches(kind, _OURS, n=1, cutoff=0.5)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise UnusableError(
            f"{document.place()}: kind: Unsupported value: {quoted(kind)}: "
            f"supported values: {', '.join(_OURS)}{meant}"
        )
    return kind


def _add_untyped(document: Document, inventory: Inventory) -> None:
    name = PurePath(document.source).name
    if name in _KUSTOMIZATIONS:
        unread.refuse_other_kind(document, f"the file {name}")
    else:
        raise UnusableError(
            f"{document.place()}: this is neither a Kubernetes object (apiVersion and kind) nor the file "
            "of a training pipeline (model_name); correct it or leave it out"
        )
    inventory.others.append(document)


def _add_subject(document: Document, inventory: Inventory, found: Reading) -> None:
    namespace = _namespace(document, inventory)
    kind, group = document.value["kind"], document.value["apiVersion"].rpartition("/")[0]
    if not _metadata(document).get("name") and _metadata(document).get("generateName"):
        inventory.subjects.append((namespace, document, found))
        return
    inventory.once(document, group, kind, namespace, _name(document))
    inventory.subjects.append((namespace, document, found))


def _add_model(document: Document, inventory: Inventory) -> None:
    unread.refuse_problems(document, manifests.model_deployment_problems(document.value))
    _add_subject(document, inventory, Workload(document.value))


def _add_manifest(document: Document, inventory: Inventory) -> None:
    namespace, name = _namespace(document, inventory), _name(document)
    unread.refuse_problems(document, manifests.resource_problems(document.value))
    manifest = manifests.read_document(document.value, name=name, namespace=namespace)
    inventory.once(document, GROUP, MANIFEST, namespace, name)
    inventory.evidence[namespace, name] = Evidence(manifest, document, {})


def _add_pipeline_file(document: Document, inventory: Inventory) -> None:
    fault = manifests.unnamed(document.value)
    if fault is not None:
        raise UnusableError(f"{document.place()}: {fault}")
    manifest = manifests.read_document(document.value, namespace=inventory.default_namespace)
    inventory.once(document, GROUP, MANIFEST, manifest.namespace, manifest.name)
    found = Evidence(manifest, document, manifests.origins(document.value))
    inventory.evidence[manifest.namespace, manifest.name] = found


def _add_policy(document: Document, inventory: Inventory) -> None:
    inventory.policies.append(_whole(document, inventory, manifests.read_policy))


def _add_exemption(document: Document, inventory: Inventory) -> None:
    inventory.exemptions.append(_whole(document, inventory, manifests.read_exemption))


def _whole(document: Document, inventory: Inventory, read: Callable[[Mapping[str, Any]], ReadT]) -> ReadT:
    """Return what an object outside namespaces is read as; it is read whole or not at all."""
    inventory.once(document, GROUP, str(document.value["kind"]), "", _name(document))
    unread.refuse_problems(document, manifests.resource_problems(document.value))
    try:
        return read(document.value)
    except manifests.EvidenceError as error:
        raise UnusableError(*(f"{document.place()}: {line}" for line in str(error).splitlines())) from None


def _add_given_policy(document: Document, inventory: Inventory) -> None:
    value = document.value
    if not isinstance(value, dict) or value.get("kind") != POLICY:
        kind = value.get("kind") if isinstance(value, dict) else type(value).__name__
        raise UnusableError(
            f"{document.place()}: --policy takes a {POLICY}, not {kind}; give it to -f instead"
        )
    _add(document, inventory)


def _add_namespace(document: Document, inventory: Inventory) -> None:
    name = _name(document)
    unread.refuse(document, unread.of_namespace(_metadata(document)))
    labels = _metadata(document).get("labels") or {}
    if not isinstance(labels, dict) or not all(isinstance(label, str) for label in labels.values()):
        raise UnusableError(
            f"{document.place()}: metadata.labels: Invalid value: must map strings to strings"
        )
    inventory.once(document, "", NAMESPACE, "", name)
    inventory.labels[name] = {**labels, NAMESPACE_NAME_LABEL: name}


_ADD_OURS: Final[Mapping[str, Callable[[Document, Inventory], None]]] = {
    MODEL_DEPLOYMENT: _add_model,
    MANIFEST: _add_manifest,
    POLICY: _add_policy,
    EXEMPTION: _add_exemption,
}


def _metadata(document: Document) -> Mapping[str, object]:
    metadata = document.value.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _name(document: Document) -> str:
    name = _metadata(document).get("name")
    if not isinstance(name, str) or not name:
        raise UnusableError(
            f"{document.place()}: metadata.name: Required value: {document.value['kind']} must have a name"
        )
    return name


def _namespace(document: Document, inventory: Inventory) -> str:
    namespace = _metadata(document).get("namespace")
    if namespace is not None and not isinstance(namespace, str):
        raise UnusableError(f"{document.place()}: metadata.namespace: {invalid(namespace, 'a string')}")
    return namespace or inventory.default_namespace
