"""Everything of a cluster that the verdicts of a scan need, cut when it arrives.

Of each object only what makes it a candidate is kept, and of the manifests those that a candidate links, so a
hundred thousand workloads take little more than those of them that serve a model.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from actgate import manifests
from actgate.attestations import Verifier
from actgate.cli.scanning.listing import LARGE_PAGE, Missed, Scope, each, missed
from actgate.decision import Manifest, Policy
from actgate.decision.exemptions import Exemption
from actgate.kube.client import Cluster
from actgate.kube.discovery import Served, served
from actgate.kube.errors import ClusterError, NotFound
from actgate.kube.objects import Object, key_of, labels_of
from actgate.kube.resources import (
    COMPLIANCE_MANIFESTS,
    COMPLIANCE_POLICIES,
    EXEMPTIONS,
    NAMESPACES,
    Resource,
)
from actgate.scan.candidates import Candidate, Tier, candidate
from actgate.scan.judging import Evidence
from actgate.subjects.kinds import Kind
from actgate.subjects.reading import Row, Table

Progress = Callable[[str, int], None]
"""Called with a resource and how many objects of it were read so far."""

UNJUDGED: Final = "objects of this kind were not judged"
NO_POLICIES: Final = "the built-in baseline was used where a policy may apply"
NO_MANIFESTS: Final = "objects that link evidence were not judged"
NO_EXEMPTIONS: Final = "findings that an Exemption accepts are shown as if it did not"
NO_LABELS: Final = (
    "policies that select namespaces by labels were not applied, nor exempt namespaces left out"
)
_EVERY: Final = 500
"""Objects after which progress is reported."""


@dataclass(slots=True)
class Gathered:
    """What was read of a cluster."""

    scope: Scope
    server: str
    """The API server's address."""
    candidates: list[Candidate] = field(default_factory=list)
    weak: int = 0
    """Objects whose signals are weak."""
    read: dict[str, int] = field(default_factory=dict)
    """How many objects of each resource were read whole."""
    absent: tuple[str, ...] = ()
    """Resources of the table that the cluster does not serve."""
    missed: list[Missed] = field(default_factory=list)
    cluster_uid: str | None = None
    """The uid of kube-system, by which a cluster is known."""
    manifests: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    policies: tuple[Policy, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    labels: dict[str, Mapping[str, str]] = field(default_factory=dict)
    manifests_known: bool = True
    """Whether a manifest that is not there does not exist."""
    controllers: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Kinds that no row describes and that control a candidate, by group and kind."""

    def evidence(self) -> Evidence:
        """Return what subjects are judged on."""
        return Evidence(self.manifests, self.policies, self.exemptions, self.labels)


@dataclass(frozen=True, slots=True)
class Given:
    """What the files of the command line bring."""

    policies: tuple[Policy, ...] | None = None
    """In place of those of the cluster; None where no file was given."""
    manifests: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    """ComplianceManifests as documents, besides those of the cluster, by namespace and name."""
    exemptions: tuple[Exemption, ...] = ()


async def gather(
    cluster: Cluster,
    table: Table,
    scope: Scope,
    given: Given,
    progress: Progress = lambda _what, _number: None,
) -> Gathered:
    """Read a cluster, and write nothing to it.

    Args:
        cluster: A connection that is open.
        table: The kinds that are known.
        scope: Which namespaces.
        given: What files bring.
        progress: Called with how far it is.

    Raises:
        ClusterError: The API server did not say which kinds it has: nothing at all is known.
    """
    found = Gathered(scope, cluster.address)
    rows = {key: row for key, row in table.rows.items() if isinstance(row, Kind) or row.judged != "never"}
    offered = await served(cluster, {group for group, _ in rows})
    await _read_namespaces(cluster, found)
    await _read_subjects(cluster, found, rows, offered, progress)
    _count_controllers(found, table)
    await _read_policies(cluster, found, given, offered)
    await _read_exemptions(cluster, found, given, offered)
    await _read_manifests(cluster, found, given, offered)
    return found


async def _read_subjects(
    cluster: Cluster,
    found: Gathered,
    rows: Mapping[tuple[str, str], Row],
    offered: Served,
    progress: Progress,
) -> None:
    absent = []
    for key, row in rows.items():
        resource = offered.resources.get(key)
        named = f"{row.plural}.{row.group}" if row.group else row.plural
        if resource is not None:
            await _read_kind(cluster, found, resource, row, progress)
        elif row.group in offered.unknown:
            reason = f"the API server did not say which kinds of {row.group} it has"
            found.missed.append(Missed(named, reason, UNJUDGED))
        else:
            absent.append(named)
    found.absent = tuple(absent)


async def _read_kind(
    cluster: Cluster, found: Gathered, resource: Resource, row: Row, progress: Progress
) -> None:
    kept: list[Candidate] = []
    read = weak = 0

    def begin() -> None:
        nonlocal read, weak
        read = weak = 0
        kept.clear()
        progress(str(resource), 0)

    def take(thing: Object) -> None:
        nonlocal read, weak
        read += 1
        one = candidate(thing, row)
        if isinstance(one, Candidate):
            kept.append(one)
        elif one is Tier.WEAK:
            weak += 1
        if read % _EVERY == 0:
            progress(str(resource), read)

    error = await each(cluster, resource, found.scope, take, begin=begin)
    if error is not None:
        found.missed.append(missed(resource, error, found.scope, UNJUDGED))
    else:
        found.read[str(resource)] = read
    # What was seen before a list broke off is there all the same.
    found.candidates += kept
    found.weak += weak


def _count_controllers(found: Gathered, table: Table) -> None:
    """Count the kinds without a row that control a candidate: what they say of a model is not read."""
    for one in found.candidates:
        controller = one.controller
        if controller is None or (controller.group, controller.kind) in table.rows:
            continue
        if (controller.group, controller.kind) != ("", "Node"):  # Of a static pod.
            found.controllers[controller.group, controller.kind] += 1


async def _read_namespaces(cluster: Cluster, found: Gathered) -> None:
    """Read the labels of the namespaces, by which policies select."""
    namespace = found.scope.namespace
    if namespace is not None:
        try:
            found.labels[namespace] = labels_of(await cluster.get(NAMESPACES, namespace))
        except NotFound as gone:
            found.missed.append(Missed("namespaces", str(gone), "the namespace does not exist"))
        except ClusterError as refused:
            found.missed.append(missed(NAMESPACES, refused, found.scope, NO_LABELS))
        return

    def take(thing: Object) -> None:
        _, name = key_of(thing)
        found.labels[name] = labels_of(thing)
        if name == "kube-system":
            found.cluster_uid = thing["metadata"].get("uid")

    error = await each(cluster, NAMESPACES, found.scope, take)
    if error is not None:
        found.missed.append(missed(NAMESPACES, error, found.scope, NO_LABELS))


async def _read_policies(cluster: Cluster, found: Gathered, given: Given, offered: Served) -> None:
    if given.policies is not None:
        found.policies = given.policies
        return
    policies, error = await _all(cluster, COMPLIANCE_POLICIES, found.scope, offered)
    if error is not None:
        found.missed.append(missed(COMPLIANCE_POLICIES, error, found.scope, NO_POLICIES))
    found.policies = tuple(map(manifests.policy_or_strictest, policies))


async def _read_exemptions(cluster: Cluster, found: Gathered, given: Given, offered: Served) -> None:
    exemptions, error = await _all(cluster, EXEMPTIONS, found.scope, offered)
    if error is not None:
        found.missed.append(missed(EXEMPTIONS, error, found.scope, NO_EXEMPTIONS))
    readable = (manifests.exemption_if_readable(thing) for thing in exemptions)
    found.exemptions = (*(one for one in readable if one is not None), *given.exemptions)


async def _all(
    cluster: Cluster, resource: Resource, scope: Scope, offered: Served
) -> tuple[list[Object], ClusterError | None]:
    """Return the objects of a kind of ours, of which there are few; none where the cluster lacks the kind."""
    things: list[Object] = []
    if not _offers(offered, resource):
        return things, None
    error = await each(cluster, resource, scope, things.append, begin=things.clear)
    return ([], error) if error is not None else (things, None)


def _offers(offered: Served, resource: Resource) -> bool:
    return (resource.group, resource.kind) in offered.resources or resource.group in offered.unknown


async def _read_manifests(cluster: Cluster, found: Gathered, given: Given, offered: Served) -> None:
    """Read the evidence that candidates link, under the keys of the policies that apply."""
    linked = {
        (one.subject.namespace, name) for one in found.candidates for name in one.subject.manifest_names
    }
    verifier = manifests.verifier_for(found.policies)

    def take(thing: Object) -> None:
        if (key := key_of(thing)) in linked:
            found.manifests[key] = manifests.read_manifest(thing, verifier, from_api_server=True)

    if linked and _offers(offered, COMPLIANCE_MANIFESTS):
        error = await each(
            cluster, COMPLIANCE_MANIFESTS, found.scope, take, begin=found.manifests.clear, page=LARGE_PAGE
        )
        if error is not None:
            found.manifests_known = False
            found.missed.append(missed(COMPLIANCE_MANIFESTS, error, found.scope, NO_MANIFESTS))
    found.manifests.update(_from_files(given, linked, verifier))


def _from_files(
    given: Given, linked: Iterable[tuple[str, str]], verifier: Verifier
) -> dict[tuple[str, str], Manifest]:
    return {
        key: manifests.read_document(given.manifests[key], name=key[1], namespace=key[0], verifier=verifier)
        for key in linked
        if key in given.manifests
    }
