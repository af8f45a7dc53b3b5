"""Makes the children of one model what the plan says, and writes nothing where they are.

- Missing: applied without force, so that an object of the same name that is not ours is not taken over.
- Changed or cut by others: applied by force.
- Added to by others: adopted first (see ``drift``), so that the apply removes it.
- Not planned any more: deleted, if it is ours.

A replica count that is not planned belongs to an autoscaler. To omit a field that only we own would reset
it to 1, so its ownership is passed on first: a second field manager owns the current value until the
autoscaler writes another one.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NoReturn

from actgate.kube.client import Cluster
from actgate.kube.errors import Conflict, NotFound
from actgate.kube.objects import Key, Object, key_of
from actgate.kube.resources import (
    AUTOSCALERS,
    DEPLOYMENTS,
    DISRUPTION_BUDGETS,
    NETWORK_POLICIES,
    SERVICES,
    Resource,
)
from actgate_operator.child import Child, read_child
from actgate_operator.child_writes import ChildWriter
from actgate_operator.children import Children
from actgate_operator.contention import Contention
from actgate_operator.in_sync import (
    foreign_changes,
    initial_replicas,
    is_applied,
    is_in_sync,
    needs_initial_replicas,
    unattributed_changes,
)
from actgate_operator.obstacles import ContestedError, RefusedError, TerminatingError, taken
from actgate_operator.plan import Plan
from actgate_operator.verification import Verifier
from actgate_operator.writer import Writer

Confirm = Callable[[], Awaitable[None]]
"""Asks whether a model still exists."""


async def _no_doubt() -> None:
    """Take it for granted that it does."""


class Applier:
    """Applies plans."""

    def __init__(self, cluster: Cluster, writer: Writer, children: Children) -> None:
        self._cluster = cluster
        self._writer = writer
        self._children = children
        self._verifier = Verifier(cluster)
        self._writes = ChildWriter(cluster, writer, children, self._verifier)
        self._contention = Contention()
        self._taken: set[tuple[Resource, Key]] = set()
        """Names that another object had the last time."""

    async def converge(
        self, plan: Plan, owner: str, reverted: list[str], confirm: Confirm = _no_doubt
    ) -> Child | None:
        """Make the children what the plan says, and return the Deployment.

        Args:
            plan: What there should be.
            owner: uid of the ModelDeployment.
            reverted: Gets what others had done to children and is reverted, in words.
            confirm: Called before a child is made, or given back what it lost: it returns where the model
                still exists, and raises where it does not.

        Raises:
            RefusedError: The API server does not take a child.
            TerminatingError: Something has to go first.
            ClusterError: The API server did not answer, or another client was faster; try again.
        """
        deployment, key = None, key_of(plan.deployment)
        for kind, planned in _planned(plan):
            child = self._children.get(kind, key)
            if planned is not None:
                child = await self._converge_one(kind, planned, child, owner, reverted, confirm)
            elif child is not None and child.owner == owner:
                with suppress(NotFound):
                    await self._writer.delete(kind, key[1], key[0], child.uid)
            if kind is DEPLOYMENTS:
                deployment = child
        return deployment

    async def remove_impostor(self, key: Key, child: Child) -> NoReturn:
        """Delete a Deployment that claims our model as its owner and can never be what was planned.

        Raises:
            TerminatingError: It is being deleted.
            ClusterError: The API server did not answer.
        """
        with suppress(NotFound):
            await self._writer.delete(DEPLOYMENTS, key[1], key[0], child.uid)
        raise TerminatingError(
            f"Deployment {key[1]} has another selector than the model's, and is being deleted"
        )

    async def hold(self, key: Key, child: Child, most: int, owner: str) -> Child:
        """Let no more replicas of a Deployment run than ``most``, and leave everything else as it is."""
        scaler = self._children.get(AUTOSCALERS, key)
        if scaler is not None and scaler.owner == owner:
            with suppress(NotFound):
                await self._writer.delete(AUTOSCALERS, key[1], key[0], scaler.uid)
        count = 1 if child.replicas is None else child.replicas
        if count <= most:
            return child
        if left := self._contention.left(key):
            raise ContestedError(f"the replicas of Deployment {key[1]} were raised to {count} again", left)
        self._contention.note(key)
        return await self._writes.scale(key, most)

    async def _converge_one(
        self,
        kind: Resource,
        planned: Object,
        child: Child | None,
        owner: str,
        reverted: list[str],
        confirm: Confirm,
    ) -> Child:
        if child is not None and child.owner not in (owner, None):
            if child.owner_name != planned["metadata"]["ownerReferences"][0]["name"]:
                raise taken(kind, planned, child)
            raise TerminatingError(
                f"{kind.kind} {planned['metadata']['name']} of a deleted ModelDeployment still exists"
            )
        if child is not None and child.terminating:
            raise TerminatingError(
                f"{kind.kind} {planned['metadata']['name']} is being deleted, and is created again afterwards"
            )
        if child is not None and not child.selects:
            raise taken(kind, planned, child)
        if child is None:
            await confirm()
            # One whose label was cut is out of our watch's sight, and may be more than was planned.
            child = await self._create(kind, planned, owner)
        elif not is_in_sync(child, planned):
            found = foreign_changes(kind, planned, child, self._scaler(kind, planned, child))
            if not found and is_applied(child, planned):
                found = unattributed_changes(
                    kind, planned, await self._verifier.foreign(kind, planned, child)
                )
            if found or child.owner is None:
                await confirm()
            self._revert(kind, planned, found, reverted)
            try:
                child = await self._repair(kind, planned, child)
            except RefusedError:
                if not is_applied(child, planned):
                    raise
                # It was taken before: what was added in our name is in the way, as a second port.
                return await self._writes.overwrite(kind, planned)
        elif foreign := await self._verifier.foreign(kind, planned, child):
            await confirm()
            self._revert(kind, planned, unattributed_changes(kind, planned, foreign), reverted)
            return await self._writes.overwrite(kind, planned)
        else:
            return child
        if child.additions:
            # After a record was wiped, the first apply leaves what there was without an owner.
            await self._writes.adopt(kind, planned)
            child = await self._writes.apply(kind, planned)
        if await self._verifier.foreign(kind, planned, child):
            child = await self._writes.overwrite(kind, planned)
        return child

    def _revert(self, kind: Resource, planned: Object, found: list[str], reverted: list[str]) -> None:
        """Note what others did and what is reverted next, unless they have just done it again and again."""
        if not found:
            return
        key = key_of(planned)
        if left := self._contention.left(key):
            raise ContestedError(
                f"{found[0]}; it was reverted several times, and the next attempt waits", left
            )
        self._contention.note(key)
        reverted += found

    async def _repair(self, kind: Resource, planned: Object, child: Child) -> Child:
        if child.additions or not child.owned:
            await self._writes.adopt(kind, planned)
        if kind is DEPLOYMENTS and needs_initial_replicas(child, planned):
            await self._writes.scale(key_of(planned), initial_replicas(child))
        return await self._writes.apply(kind, planned)

    def _scaler(self, kind: Resource, planned: Object, child: Child) -> str | None:
        """Return who set a count that was not theirs to set; an autoscaler of ours was asked to."""
        if kind is not DEPLOYMENTS or self._children.get(AUTOSCALERS, key_of(planned)) is not None:
            return None
        return child.scaled_by

    async def _create(self, kind: Resource, planned: Object, owner: str) -> Child:
        if (kind, key_of(planned)) in self._taken:
            await self._check_free(kind, planned, owner)
        try:
            return await self._writes.apply(kind, planned, force=False)
        except Conflict:
            await self._check_free(kind, planned, owner)
            return await self._writes.apply(kind, planned)

    async def _check_free(self, kind: Resource, planned: Object, owner: str) -> None:
        """Return where a name is free or the model's own; raise where another object has it."""
        key = key_of(planned)
        self._taken.discard((kind, key))
        try:
            found = read_child(await self._cluster.get(kind, key[1], key[0]))
        except NotFound:
            return
        if found.owner == owner and not found.selects:
            await self.remove_impostor(key, found)
        # A Deployment without labels and owner that selects the pods of this model was made by us.
        if found.owner != owner and not (kind is DEPLOYMENTS and found.owner is None and found.selects):
            self._taken.add((kind, key))
            raise taken(kind, planned, found)


def _planned(plan: Plan) -> tuple[tuple[Resource, Object | None], ...]:
    return (
        (DEPLOYMENTS, plan.deployment),
        (SERVICES, plan.service),
        (AUTOSCALERS, plan.autoscaler),
        (DISRUPTION_BUDGETS, plan.budget),
        (NETWORK_POLICIES, plan.closing),
    )
