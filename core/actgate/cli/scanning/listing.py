"""The objects of one kind, page by page; and why not all of them, where the API server refuses."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError, Forbidden, Gone, NotFound, TooManyRequests, Unavailable
from actgate.kube.objects import Object
from actgate.kube.resources import Resource

PAGE: Final = 500
"""Objects on a page. Pods of a real cluster take 10 KB each, which is 5 MB of JSON at a time."""
LARGE_PAGE: Final = 100
"""ComplianceManifests on a page, which may be much larger."""
ATTEMPTS: Final = 3
LONGEST_WAIT: Final = 10.0
"""Seconds that the scan waits when the API server asks to be left alone."""
PAGE_SECONDS: Final = 60.0
"""How long one page may take: a user waits, no request does."""


@dataclass(frozen=True, slots=True)
class Missed:
    """What could not be read, so that the scan is incomplete."""

    what: str
    """The resource, such as ``inferenceservices.serving.kserve.io``."""
    reason: str
    """The API server's words."""
    means: str
    """What is not known for that reason."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which namespaces are scanned: all, or one."""

    namespace: str | None = None

    def of(self, resource: Resource) -> str | None:
        """Return the namespace that is listed of a kind."""
        return self.namespace if resource.namespaced else None


async def each(
    cluster: Cluster,
    resource: Resource,
    scope: Scope,
    take: Callable[[Object], None],
    *,
    begin: Callable[[], None] = lambda: None,
    page: int = PAGE,
) -> ClusterError | None:
    """Give each object of a kind to a function, one page after the other.

    Args:
        cluster: The API server.
        resource: The kind.
        scope: Which namespaces.
        take: Called with each object, to which apiVersion and kind are added: the items of a list lack them.
        begin: Called before the first page of each attempt: what came before it does not count.
        page: Objects on a page.

    Returns:
        Why the list is not whole; None where it is. A kind that is not served (any more) has no objects.
    """
    for attempt in range(1, ATTEMPTS + 1):
        begin()
        try:
            pages = cluster.list_pages(resource, scope.of(resource), limit=page, within=PAGE_SECONDS)
            async for found in pages:
                while found.items:
                    # Removed from the page, so that its memory is free while the next one is read.
                    thing = found.items.pop()
                    thing["apiVersion"], thing["kind"] = resource.api_version, resource.kind
                    take(thing)
        except NotFound:
            return None
        except (Gone, TooManyRequests, Unavailable) as error:
            if attempt == ATTEMPTS:
                return error
            await asyncio.sleep(min(error.retry_after, LONGEST_WAIT))
        except ClusterError as error:
            return error
        else:
            return None
    raise AssertionError("unreachable")


def missed(resource: Resource, error: ClusterError, scope: Scope, means: str) -> Missed:
    """Return what could not be read, in words that a user without rights can act on."""
    reason = str(error)
    if isinstance(error, Forbidden) and scope.namespace is None and resource.namespaced:
        reason += "; with -n NAMESPACE only the rights in one namespace are needed"
    return Missed(str(resource), reason, means)
