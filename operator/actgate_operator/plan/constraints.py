"""What pods are held to: the restricted Pod Security Standard, and the regions of ``spec.placement``.

https://kubernetes.io/docs/concepts/security/pod-security-standards/ - what the user left open is closed
field by field; what the user says, stays; and where it contradicts a default, as root contradicts
``runAsNonRoot``, the default is left out. Regions are demanded by labels that every cloud gives its nodes;
``actgate.subjects.placement`` reads back what is written here, and must find the same places.
"""

from collections.abc import Iterator
from typing import Final

from actgate.api.base import CloudRegion
from actgate.api.model_deployment import Placement
from actgate.api.names import REGION_NODE_LABEL, ZONE_NODE_LABEL
from actgate.decision.regions import locate
from actgate_operator.plan.shape import REQUIRED_AFFINITY, Object, merge

ROOT: Final = 0
_TERMS: Final = "nodeSelectorTerms"
_EXPRESSIONS: Final = "matchExpressions"


def hardened(pod: Object) -> Object:
    """Return the spec of a pod with safe defaults for it, its containers and its init containers."""
    stated = pod.get("securityContext", {})
    windows = pod.get("os", {}).get("name") == "windows"
    defaults: Object = {} if stated.get("runAsUser") == ROOT else {"runAsNonRoot": True}
    if not windows:  # Windows knows no seccomp, and the API server refuses it there.
        defaults["seccompProfile"] = {"type": "RuntimeDefault"}
    closed: Object = {
        field: [_container(item, "runAsNonRoot" in stated, windows) for item in pod[field]]
        for field in ("containers", "initContainers")
        if field in pod
    }
    return {**pod, **closed, "securityContext": merge(defaults, stated)}


def _container(container: Object, users_choice: bool, windows: bool) -> Object:
    stated = container.get("securityContext", {})
    defaults = {} if windows or stated.get("privileged") is True else _unprivileged(stated)
    if stated.get("runAsUser") == ROOT and not users_choice:
        defaults["runAsNonRoot"] = False  # The kubelet would not start it under our default for the pod.
    return {**container, "securityContext": merge(defaults, stated)} if defaults else container


def _unprivileged(stated: Object) -> Object:
    dropped = {"capabilities": {"drop": ["ALL"]}}
    # The API server refuses this capability without escalation.
    if "CAP_SYS_ADMIN" in stated.get("capabilities", {}).get("add", []):
        return dropped
    return {"allowPrivilegeEscalation": False, **dropped}


def placed(affinity: Object, placement: Placement) -> Object:
    """Return the affinity of a pod with one more demand: a node in a region of the placement."""
    nodes = affinity.get("nodeAffinity", {})
    required = nodes.get(REQUIRED_AFFINITY, {})
    terms = _held(required.get(_TERMS), _alternatives(placement))
    return {**affinity, "nodeAffinity": {**nodes, REQUIRED_AFFINITY: {**required, _TERMS: terms}}}


def _held(terms: list[Object] | None, alternatives: list[Object]) -> list[Object]:
    """Return node selector terms, which are alternatives, each with the demand of one alternative."""
    if terms is None:
        return [{_EXPRESSIONS: [alternative]} for alternative in alternatives]
    return [held for term in terms for held in _both(term, alternatives)]


def _both(term: Object, alternatives: list[Object]) -> list[Object]:
    if not any(term.values()):
        return [{}]  # It matches no node; with a demand in it, it would match some.
    return [{**term, _EXPRESSIONS: [*term.get(_EXPRESSIONS, []), one]} for one in alternatives]


def _alternatives(placement: Placement) -> list[Object]:
    values: dict[str, dict[str, None]] = {REGION_NODE_LABEL: {}, ZONE_NODE_LABEL: {}}
    for region in placement.regions:
        for label, spelling in _spellings(region):
            values[label][spelling] = None
    return [
        {"key": label, "operator": "In", "values": list(known)} for label, known in values.items() if known
    ]


def _spellings(region: CloudRegion) -> Iterator[tuple[str, str]]:
    """Yield node labels that mean a region or zone: as it was stated, and as its provider writes it.

    The gate overlooks letter case, and the scheduler does not.
    """
    stated = region.region.strip()
    places = locate(stated, region.provider)
    known = [place.region for place in places if place.region.lower() == stated.lower()]
    if places and not known:
        yield from ((ZONE_NODE_LABEL, stated), (ZONE_NODE_LABEL, stated.lower()))
    else:
        yield from ((REGION_NODE_LABEL, spelling) for spelling in (stated, *known))
