"""Makes the children of one model what the plan says, and writes nothing where they are.

- Missing: applied without force, so that an object of the same name that is not ours is not taken over.
- Changed or cut by others: applied by force.
- Added to by others: absorbed first (see ``drift``), so that the apply removes it.
- Not planned any more: deleted, if it is ours.

A replica count that is not planned belongs to an autoscaler. To omit a field that only we own would reset
it to 1, so it is handed over first: a second field manager owns the current value until the autoscaler
writes another one.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from actgate.cluster.client import Cluster
from actgate.cluster.errors import Conflict, Forbidden, Invalid, NotFound
from actgate.cluster.objects import Key, Object
from actgate.cluster.resources import AUTOSCALERS, DEPLOYMENTS, DISRUPTION_BUDGETS, SERVICES, Resource
from actgate_operator import drift
from actgate_operator.children import Child, Children, read_child
from actgate_operator.names import SCALE_MANAGER
from actgate_operator.plan import Plan
from actgate_operator.settled import deeds, handed_over, is_settled, marked, must_hand_over
from actgate_operator.writer import Writer

_TERMINATING: Final = "because it is being terminated"
"""How the API server refuses to create anything in a namespace that is being deleted."""


class RefusedError(Exception):
    """The API server does not take a child as it is planned, and would not the next time either.

    ``reason`` is CamelCase; ``forbidden`` says that somebody else, such as a quota, may let it in later.
    """

    def __init__(self, reason: str, message: str, *, forbidden: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.forbidden = forbidden


class GoingError(Exception):
    """The namespace, or a former model's child, is being deleted: nothing can be done before it is gone."""


@dataclass(slots=True)
class Applied:
    """What came of one pass."""

    deployment: Child | None = None
    repaired: list[str] = field(default_factory=list)
    """What others had done to children and is undone, in words."""


class Applier:
    """Applies plans."""

    def __init__(self, cluster: Cluster, writer: Writer, children: Children) -> None:
        self._cluster = cluster
        self._writer = writer
        self._children = children

    async def converge(self, plan: Plan, owner: str) -> Applied:
        """Make the children what the plan says.

        Args:
            plan: What there should be.
            owner: uid of the ModelDeployment.

        Raises:
            RefusedError: The API server does not take a child.
            GoingError: Something has to go first.
            ClusterError: The API server did not answer, or somebody else was faster; try again.
        """
        applied = Applied()
        for kind, planned in _planned(plan):
            key = _key(plan.deployment)
            child = self._children.get(kind, key)
            if planned is not None:
                child = await self._converge_one(kind, planned, child, owner, applied)
            elif child is not None and child.owner == owner:
                with suppress(NotFound):
                    await self._writer.delete(kind, key[1], key[0], child.uid)
            if kind is DEPLOYMENTS:
                applied.deployment = child
        return applied

    async def scale_to_zero(self, key: Key, child: Child) -> Child:
        """Take the replicas of a Deployment away, and leave everything else in it as it is."""
        return child if child.replicas == 0 else await self._scale(key, 0)

    async def _converge_one(
        self, kind: Resource, planned: Object, child: Child | None, owner: str, applied: Applied
    ) -> Child:
        if child is not None and child.owner not in (owner, None):
            raise GoingError(f"{kind.kind} {planned['metadata']['name']} of a former model is still there")
        if child is not None and is_settled(child, planned):
            return child
        if child is None:
            # One whose label was cut is out of our watch's sight, and may be more than was planned.
            child = await self._create(kind, planned, owner)
        else:
            applied.repaired += deeds(kind, planned, child, self._scaler(kind, planned, child))
            child = await self._repair(kind, planned, child)
        if child.additions:
            # After a record was wiped, the first apply leaves what there was to nobody in particular.
            await self._absorb(kind, planned)
            child = await self._apply(kind, planned)
        return child

    async def _repair(self, kind: Resource, planned: Object, child: Child) -> Child:
        if child.additions or not child.owned:
            await self._absorb(kind, planned)
        if kind is DEPLOYMENTS and must_hand_over(child, planned):
            await self._scale(_key(planned), handed_over(child))
        return await self._apply(kind, planned)

    def _scaler(self, kind: Resource, planned: Object, child: Child) -> str | None:
        """Return who set a count that was not theirs to set; an autoscaler of ours was asked to."""
        if kind is not DEPLOYMENTS or self._children.get(AUTOSCALERS, _key(planned)) is not None:
            return None
        return child.scaled_by

    async def _create(self, kind: Resource, planned: Object, owner: str) -> Child:
        try:
            return await self._apply(kind, planned, force=False)
        except Conflict:
            key = _key(planned)
            found = read_child(await self._cluster.get(kind, key[1], key[0]))
            if found.owner != owner:
                whose = f"belongs to {found.owner_name}" if found.owner_name else "is not ours"
                raise RefusedError(
                    "NameTaken",
                    f"{kind.kind} {key[1]} exists in this namespace and {whose}: "
                    "rename or delete it, or give this ModelDeployment another name",
                ) from None
            return await self._apply(kind, planned)

    async def _absorb(self, kind: Resource, planned: Object) -> None:
        """Make everything in the object's spec a field of ours, so that an apply can remove it."""
        key = _key(planned)
        live = await self._cluster.get(kind, key[1], key[0])
        metadata = live["metadata"]
        if not drift.applied_fields(metadata.get("managedFields") or []):
            live = await self._rewrite(kind, planned, live)
            metadata = live["metadata"]
        metadata = {
            **metadata,
            "managedFields": drift.absorbed(metadata.get("managedFields") or [], kind.api_version),
            "annotations": marked(metadata.get("annotations") or {}),
        }
        await self._writer.replace(kind, {**_typed(kind, live), "metadata": metadata})

    async def _rewrite(self, kind: Resource, planned: Object, live: Object) -> Object:
        """Put the plan in place of an object without a record of us: nobody can tell who did what."""
        metadata = {**planned["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}
        spec = dict(planned["spec"])
        if kind is DEPLOYMENTS:
            spec.setdefault("replicas", live["spec"].get("replicas", 1))
        return await self._writer.replace(kind, {**planned, "metadata": metadata, "spec": spec})

    async def _scale(self, key: Key, replicas: int) -> Child:
        body = {
            "apiVersion": DEPLOYMENTS.api_version,
            "kind": DEPLOYMENTS.kind,
            "metadata": {"namespace": key[0], "name": key[1]},
            "spec": {"replicas": replicas},
        }
        applied = await self._writer.apply(DEPLOYMENTS, body, manager=SCALE_MANAGER)
        return self._children.note(DEPLOYMENTS, applied)

    async def _apply(self, kind: Resource, planned: Object, *, force: bool = True) -> Child:
        try:
            return self._children.note(kind, await self._writer.apply(kind, planned, force=force))
        except Invalid as error:
            raise RefusedError("Refused", f"{kind.kind}: {error}") from error
        except Forbidden as error:
            if _TERMINATING in str(error):
                raise GoingError(str(error)) from error
            raise RefusedError("Forbidden", f"{kind.kind}: {error}", forbidden=True) from error


def _planned(plan: Plan) -> tuple[tuple[Resource, Object | None], ...]:
    return (
        (DEPLOYMENTS, plan.deployment),
        (SERVICES, plan.service),
        (AUTOSCALERS, plan.autoscaler),
        (DISRUPTION_BUDGETS, plan.budget),
    )


def _key(thing: Object) -> Key:
    return thing["metadata"]["namespace"], thing["metadata"]["name"]


def _typed(kind: Resource, thing: Object) -> Object:
    return {**thing, "apiVersion": kind.api_version, "kind": kind.kind}
