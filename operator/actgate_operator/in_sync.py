"""How a child stands to its plan: in sync, to be repaired, or to get initial replicas; what others did to it.

Pure: a ``Child`` as it is known, the planned object, and an answer. ``apply`` acts on it.
"""

from collections.abc import Mapping
from typing import Final

from actgate.kube.objects import Object
from actgate.kube.resources import Resource
from actgate_operator import drift
from actgate_operator.child import Child
from actgate_operator.names import MANAGER, STATE_ANNOTATION

_PENDING: Final = ", to be applied again"
"""Mark on the state of a child whose additions are ours, and not yet removed."""


def is_in_sync(child: Child, planned: Object) -> bool:
    """Return whether a child is as it was applied, and was applied as it is planned."""
    return (
        _is_whole(child, planned)
        and planned["spec"].get("replicas", child.replicas) == child.replicas
        and not needs_initial_replicas(child, planned)
    )


def _is_whole(child: Child, planned: Object) -> bool:
    """Return whether nothing that was applied is lost, and nothing was added; whatever the count is."""
    metadata = planned["metadata"]
    leaves = {
        "metadata": {
            name: metadata[name] for name in ("labels", "annotations", "ownerReferences") if name in metadata
        },
        "spec": planned["spec"],
    }
    owned = child.owned
    return (
        bool(owned)
        and child.owner is not None
        and child.state == planned["metadata"]["annotations"][STATE_ANNOTATION]
        and not child.additions
        and drift.covers(owned, leaves)
    )


def is_applied(child: Child, planned: Object) -> bool:
    """Return whether what was last applied is what is planned, replicas apart."""
    former = (child.state or "").removesuffix(_PENDING)
    return bool(former == planned["metadata"]["annotations"][STATE_ANNOTATION])


def needs_initial_replicas(child: Child, planned: Object) -> bool:
    """Return whether an autoscaler shall choose the replicas that we set, or that are none."""
    if child.rollout is None or "replicas" in planned["spec"]:
        return False
    spec = child.owned.get("f:spec", {})
    return child.replicas == 0 or (isinstance(spec, Mapping) and "f:replicas" in spec)


def initial_replicas(child: Child) -> int:
    """Return the count with which an autoscaler begins: it leaves zero alone, and goes on from one."""
    return max(child.replicas or 0, 1)


def foreign_changes(kind: Resource, planned: Object, child: Child, scaler: str | None) -> list[str]:
    """Say what others did to a child; a changed plan, or a count to be released, is not their doing."""
    if not is_applied(child, planned):
        return []
    what = f"{kind.kind} {planned['metadata']['name']}"
    if child.additions:
        return [f"{manager} changed {path} of {what}" for manager, path in child.additions]
    if needs_initial_replicas(child, planned):
        return []
    if _is_whole(child, _without_count(planned)):
        # The state of a child does not include its count: where no other client set it, the plan changed.
        return [f"{scaler} set the replicas of {what} to {child.replicas}"] if scaler else []
    return [f"fields of {what} were changed or removed"]


def unattributed_changes(kind: Resource, planned: Object, paths: list[str]) -> list[str]:
    """Say what others did to a child under our own name, or so that no record shows which client it was."""
    what = f"{kind.kind} {planned['metadata']['name']}"
    return [f"another client, under the field manager {MANAGER}, changed {path} of {what}" for path in paths]


def _without_count(planned: Object) -> Object:
    spec = {name: value for name, value in planned["spec"].items() if name != "replicas"}
    return {**planned, "spec": spec}


def with_pending_mark(annotations: Mapping[str, str]) -> Mapping[str, str]:
    """Mark what was adopted: killed before the apply, we would take the additions for our own."""
    state = annotations.get(STATE_ANNOTATION, "").removesuffix(_PENDING)
    return {**annotations, STATE_ANNOTATION: f"{state}{_PENDING}"}
