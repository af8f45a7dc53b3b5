"""Where a subject declares to run: its placement, and what binds its pods to nodes.

Only what the scheduler must obey counts. Node labels name a region without its provider; a provider's
own label says whose region it is, otherwise the annotation ``actgate.dev/provider`` does. A label that is not
listed here counts too when its key reads like one of them, such as ``region`` or
``example.com/availability-zone``: a value that cannot be located is then unknown, and never allowed.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from actgate.api.names import PROVIDER_ANNOTATION, REGION_NODE_LABEL, ZONE_NODE_LABEL
from actgate.decision.manifest import Region
from actgate.decision.regions import locate
from actgate.decision.rule_ids import RESIDENCY_SERVING
from actgate.decision.subject import SubjectProblem
from actgate.subjects.fields import MAPS, NODES, Json, Path, map_at, misfits, object_at, unreadable, value_at
from actgate.subjects.kinds import Kind
from actgate.subjects.marks import Place, annotation_in

KNOWN: Final[dict[str, str | None]] = {
    REGION_NODE_LABEL: None,
    ZONE_NODE_LABEL: None,
    "failure-domain.beta.kubernetes.io/region": None,
    "failure-domain.beta.kubernetes.io/zone": None,
    "failure-domain.kubernetes.io/region": None,
    "failure-domain.kubernetes.io/zone": None,
    "topology.ebs.csi.aws.com/zone": "aws",
    "topology.k8s.aws/zone-id": "aws",
    "topology.disk.csi.azure.com/zone": "azure",
    "topology.gke.io/region": "gcp",
    "topology.gke.io/zone": "gcp",
    "cloud.google.com/gke-zone": "gcp",
    "csi.hetzner.cloud/location": "hetzner",
    "instance.hetzner.cloud/location": "hetzner",
    "topology.diskplugin.csi.alibabacloud.com/zone": "alibaba",
    "topology.csi.scaleway.com/zone": "scaleway",
    "csi.scaleway.com/zone": "scaleway",
    "topology.cinder.csi.openstack.org/zone": None,
    "topology.manila.csi.openstack.org/zone": None,
    "ibm-cloud.kubernetes.io/region": "ibm",
    "ibm-cloud.kubernetes.io/zone": "ibm",
    "topology.csi.exoscale.com/zone": "exoscale",
    "topology.csi.vmware.com/k8s-region": None,
    "topology.csi.vmware.com/k8s-zone": None,
}
"""From a label to the provider whose codes it holds; None where it says nothing about that."""

_RANKS: Final = {label: index for index, label in enumerate(KNOWN)}
_PLACES: Final = frozenset({"region", "zone", "location", "datacenter", "datacentre", "country", "az"})
_BESIDE: Final = frozenset(
    {
        *("cloud", "provider", "k8s", "kubernetes", "topology", "failure", "domain", "availability", "node"),
        *("geo", "aws", "azure", "gcp", "gke", "openstack", "csi", "id", "name"),
    }
)
"""Words beside them that leave the meaning: an ``availability-zone``, but no ``security-zone``."""
_WORD: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_TERMS: Final = "nodeSelectorTerms"

Placement = Iterator[tuple[str, Region]]


def placement_of(
    obj: Json, kind: Kind, places: list[Place], problems: list[SubjectProblem], provider: str | None = None
) -> Placement:
    """Yield (field, region) for each region that an object names, and for those that its nodes are chosen by.

    Args:
        obj: What is to run.
        kind: Its row.
        places: Its marks.
        problems: Takes what cannot be read.
        provider: Whose codes the regions of its nodes are, where no annotation says so.
    """
    if kind.placement is not None:
        yield from _declared(obj, kind.placement, problems)
    spec = object_at(obj, kind.pods.spec)
    if spec:
        path = kind.pods.spec.text
        problems += [
            unreadable(RESIDENCY_SERVING, found.path, found.expected, found.value)
            for found in misfits(spec, NODES, path)
        ]
        # Node labels name a region without its provider, and a code can mean several places.
        stated = annotation_in(places, PROVIDER_ANNOTATION, RESIDENCY_SERVING, problems)
        yield from of_nodes(spec, path, stated or provider, problems)


def _declared(obj: Json, field: Path, problems: list[SubjectProblem]) -> Placement:
    stated = value_at(obj, field)
    if stated is None and value_at(obj, field.parent) is None:
        return
    for index, entry in enumerate(stated if isinstance(stated, list) else [None]):
        path = f"{field.text}[{index}]"
        named = entry if isinstance(entry, MAPS) else {}
        code, provider, statement = named.get("region"), named.get("provider"), named.get("statement")
        if (
            not isinstance(code, str)
            or not isinstance(provider, str | None)
            or not isinstance(statement, str | None)
        ):
            problems.append(unreadable(RESIDENCY_SERVING, path, "a region, with a provider if known"))
        else:
            yield path, Region(code, provider, statement)


def of_nodes(spec: Json, path: str, provider: str | None, problems: list[SubjectProblem]) -> Placement:
    """Yield (field, region) for each region by which a PodSpec, or what has its fields, chooses nodes."""
    selector = map_at(spec, "nodeSelector")
    selected = sorted(
        [
            (_RANKS.get(key, len(KNOWN)), key)
            for key, value in selector.items()
            if selects_a_place(key, (value,))
        ]
    )
    for _, key in selected:
        yield f"{path}.nodeSelector[{key}]", Region(str(selector[key]), KNOWN.get(key) or provider)
    affinity = map_at(map_at(spec, "affinity"), "nodeAffinity")
    required = map_at(affinity, "requiredDuringSchedulingIgnoredDuringExecution")
    base = f"{path}.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
    terms = [(f"{base}.{_TERMS}[{number}]", term) for number, term in _items(required, _TERMS)]
    for at, term in terms:
        for index, expression in _items(term, "matchExpressions"):
            yield from _expression(expression, provider, f"{at}.matchExpressions[{index}]", problems)
    if not selected:
        problems.extend(_open_terms(terms))


def _items(parent: Json, key: str) -> Iterator[tuple[int, Json]]:
    """Yield the objects of a field that is a list, each with its index in it."""
    value = parent.get(key)
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, MAPS):
            yield index, item


def _open_terms(terms: list[tuple[str, Json]]) -> Iterator[SubjectProblem]:
    """Yield terms that name no region where others do: they are alternatives, so pods may run anywhere."""
    if not any(_names_a_place(term) for _, term in terms):
        return
    for at, term in terms:
        if term and not _names_a_place(term):  # An empty term matches no node.
            yield SubjectProblem(
                RESIDENCY_SERVING,
                at,
                "Required value: the term must name a region as others do, else pods may run in any",
                "name the regions in every term; terms are alternatives",
            )


def _names_a_place(term: Json) -> bool:
    return any(map(_selects_a_place, (expression for _, expression in _items(term, "matchExpressions"))))


def _selects_a_place(expression: Json) -> bool:
    values = expression.get("values")
    return selects_a_place(expression.get("key"), values if isinstance(values, list) else ())


def _expression(
    expression: Json, provider: str | None, path: str, problems: list[SubjectProblem]
) -> Placement:
    if not _selects_a_place(expression):
        return
    values = expression.get("values")
    if expression.get("operator") != "In" or not isinstance(values, list) or not values:
        problems.append(unreadable(RESIDENCY_SERVING, path, "operator In with the regions by name"))
        return
    for value in values:
        yield path, Region(str(value), KNOWN.get(str(expression["key"])) or provider)


def selects_a_place(label: object, values: Iterable[object]) -> bool:
    """Return whether a demand on a node's label binds pods to a place.

    A key that only has a word for a place in it, such as ``company-region`` or ``security-zone``, does so
    where one of the values is a region or zone of the table.
    """
    if not isinstance(label, str):
        return False
    plainly, perhaps = _reading(label)
    return plainly or (perhaps and any(isinstance(value, str) and locate(value) for value in values))


@lru_cache(maxsize=1024)
def _reading(label: str) -> tuple[bool, bool]:
    """Return whether a key plainly stands for a place, and whether it may."""
    words = frozenset(word.lower() for word in _WORD.findall(label.rpartition("/")[2]))
    perhaps = not _PLACES.isdisjoint(words) or label in KNOWN
    return label in KNOWN or (perhaps and words <= _PLACES | _BESIDE), perhaps
