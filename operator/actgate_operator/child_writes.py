"""How one child is written: applied, scaled, cleared of what others added, or put back as a whole."""

from actgate.kube.client import Cluster
from actgate.kube.errors import Conflict, Forbidden, Invalid
from actgate.kube.objects import Key, Object, key_of
from actgate.kube.resources import DEPLOYMENTS, Resource
from actgate_operator import drift
from actgate_operator.child import Child
from actgate_operator.children import Children
from actgate_operator.comparison import content_of, differences
from actgate_operator.in_sync import with_pending_mark
from actgate_operator.names import SCALE_MANAGER, selector
from actgate_operator.obstacles import refused
from actgate_operator.verification import Verifier, in_place
from actgate_operator.writer import Writer


class ChildWriter:
    """Writes children, and notes the answers."""

    def __init__(self, cluster: Cluster, writer: Writer, children: Children, verifier: Verifier) -> None:
        self._cluster = cluster
        self._writer = writer
        self._children = children
        self._verifier = verifier

    async def apply(self, kind: Resource, planned: Object, *, force: bool = True) -> Child:
        """Apply what is planned; raise ``RefusedError`` or ``TerminatingError`` where that is refused."""
        try:
            with self._children.writing(kind, key_of(planned)):
                return self._children.note(kind, await self._writer.apply(kind, planned, force=force))
        except (Invalid, Forbidden) as error:
            raise refused(kind, error) from error

    async def scale(self, key: Key, replicas: int) -> Child:
        """Set the replicas of a Deployment, under a field manager of their own."""
        body = {
            "apiVersion": DEPLOYMENTS.api_version,
            "kind": DEPLOYMENTS.kind,
            # The labels by which it is watched may have been cut.
            "metadata": {"namespace": key[0], "name": key[1], "labels": selector(key[1])},
            "spec": {"replicas": replicas},
        }
        with self._children.writing(DEPLOYMENTS, key):
            applied = await self._writer.apply(DEPLOYMENTS, body, manager=SCALE_MANAGER)
            return self._children.note(DEPLOYMENTS, applied)

    async def adopt(self, kind: Resource, planned: Object) -> None:
        """Make everything in the object's spec a field of ours, so that an apply can remove it."""
        key = key_of(planned)
        live = await self._cluster.get(kind, key[1], key[0])
        metadata = live["metadata"]
        if not drift.applied_fields(metadata.get("managedFields") or []):
            live = await self._rewrite(kind, planned, live)
            metadata = live["metadata"]
        metadata = {
            **metadata,
            "managedFields": drift.adopted(metadata.get("managedFields") or [], kind.api_version),
            "annotations": with_pending_mark(metadata.get("annotations") or {}),
        }
        await self._replace(kind, {**_typed(kind, live), "metadata": metadata})

    async def overwrite(self, kind: Resource, planned: Object) -> Child:
        """Put the plan in place of an object whose records do not show what was done to it."""
        key = key_of(planned)
        live = await self._cluster.get(kind, key[1], key[0])
        written = await self._replace(kind, in_place(kind, planned, live))
        child = await self.apply(kind, planned)
        ours = set(differences(content_of(written), planned))
        if child.content.raw is None or not ours.issuperset(differences(child.content.raw, planned)):
            raise Conflict(f"{kind.kind} {key[1]} was changed while it was reverted")
        # What still differs is what a mutating webhook makes of every write of ours.
        self._verifier.accept(kind, planned, child)
        return child

    async def _rewrite(self, kind: Resource, planned: Object, live: Object) -> Object:
        """Put the plan in place of an object without a record of us, which shows nothing of who did what."""
        return await self._replace(kind, in_place(kind, planned, live))

    async def _replace(self, kind: Resource, thing: Object) -> Object:
        try:
            return await self._writer.replace(kind, thing)
        except (Invalid, Forbidden) as error:
            raise refused(kind, error) from error


def _typed(kind: Resource, thing: Object) -> Object:
    return {**thing, "apiVersion": kind.api_version, "kind": kind.kind}
