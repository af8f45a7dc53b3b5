"""Node labels that say in which region, zone or location a node is: Kubernetes' own and the providers'.

A label that is not listed here counts too when its key reads like one of them, such as ``region`` or
``example.com/availability-zone``: a value that cannot be located is then unknown, and never allowed.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from actgate.api.names import REGION_NODE_LABEL, ZONE_NODE_LABEL
from actgate.decision.regions import locate

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

_PLACES: Final = frozenset({"region", "zone", "location", "datacenter", "datacentre", "country", "az"})
_BESIDE: Final = frozenset(
    {
        *("cloud", "provider", "k8s", "kubernetes", "topology", "failure", "domain", "availability", "node"),
        *("geo", "aws", "azure", "gcp", "gke", "openstack", "csi", "id", "name"),
    }
)
"""Words beside them that leave the meaning: an ``availability-zone``, but no ``security-zone``."""
_WORD: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


def selects_a_place(label: object, values: Iterable[object]) -> bool:
    """Return whether a demand on a node's label binds pods to a place.

    A key that only has a word for a place in it, such as ``company-region`` or ``security-zone``, does so
    where one of the values is a region or zone of the table.
    """
    if not isinstance(label, str):
        return False
    plainly, perhaps = _reading(label)
    return plainly or (perhaps and any(isinstance(value, str) and locate(value) for value in values))


def provider_of(label: str) -> str | None:
    """Return the provider whose codes a label holds; None when any provider's may stand there."""
    return KNOWN.get(label)


def rank(label: str) -> tuple[int, str]:
    """Return where a label stands among others: the known ones in their order, then the rest by name."""
    return _RANKS.get(label, len(_RANKS)), label


_RANKS: Final = {label: index for index, label in enumerate(KNOWN)}


@lru_cache(maxsize=1024)
def _reading(label: str) -> tuple[bool, bool]:
    """Return whether a key plainly stands for a place, and whether it may."""
    words = frozenset(word.lower() for word in _WORD.findall(label.rpartition("/")[2]))
    perhaps = not _PLACES.isdisjoint(words) or label in KNOWN
    return label in KNOWN or (perhaps and words <= _PLACES | _BESIDE), perhaps
