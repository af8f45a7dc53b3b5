"""Every write of the operator, each only while it leads.

The question is asked right before a request leaves: a process that was stopped for a minute, or whose API
server hung, must not finish what another replica has taken over meanwhile.
"""

from collections.abc import Callable

from actgate.kube.client import Cluster, Subresource
from actgate.kube.errors import Invalid
from actgate.kube.objects import Object
from actgate.kube.resources import Resource
from actgate_operator.names import MANAGER


class NotLeadingError(Exception):
    """It is not certain any more that no other replica writes: stop at once."""


class Writer:
    """Server-side apply, replace and delete in the operator's name.

    Every method raises a ``ClusterError`` where the API server does not do it, and ``NotLeadingError``
    where it must not be asked.
    """

    def __init__(self, cluster: Cluster, leading: Callable[[], bool]) -> None:
        self._cluster = cluster
        self._leading = leading
        self.within = 5.0
        """Seconds that one write may take: together with the lease's deadline less than the lease lasts."""

    async def apply(
        self,
        resource: Resource,
        thing: Object,
        *,
        force: bool = True,
        manager: str = MANAGER,
        subresource: Subresource | None = None,
    ) -> Object:
        """Apply an object, and return it as it is then."""
        self._check()
        return await self._cluster.apply(
            resource,
            thing,
            field_manager=manager,
            force=force,
            subresource=subresource,
            within=self.within,
        )

    async def apply_status(self, resource: Resource, thing: Object) -> Object:
        """Apply the status of an object, and return the object as it is then.

        Where the stored object breaks its own schema, nothing can be applied to it: the status is merged.
        """
        try:
            return await self.apply(resource, thing, subresource="status")
        except Invalid:
            return await self.merge_status(resource, thing)

    async def merge_status(self, resource: Resource, thing: Object) -> Object:
        """Merge into the status of an object, of any field manager, and return the object as it is then."""
        self._check()
        return await self._cluster.merge(
            resource, thing, field_manager=MANAGER, subresource="status", within=self.within
        )

    async def replace(self, resource: Resource, thing: Object) -> Object:
        """Put an object in place of the version of it that was read."""
        self._check()
        return await self._cluster.replace(resource, thing, field_manager=MANAGER, within=self.within)

    async def delete(self, resource: Resource, name: str, namespace: str | None, uid: str) -> None:
        """Delete an object, unless another one has taken its name; without namespace one of the cluster."""
        self._check()
        await self._cluster.delete(resource, name, namespace, uid=uid, within=self.within)

    def _check(self) -> None:
        if not self._leading():
            raise NotLeadingError("the lease is not held any more")
