"""The requests to the API server, in the words in which Kubernetes grants rights.

For counting and timing requests of any client: a verb and a resource are few, URLs are many.
"""

from collections.abc import Callable
from typing import NamedTuple


class Asked(NamedTuple):
    """One request, as soon as it was answered, refused, given up or cancelled."""

    verb: str
    """get, list, watch, create, update, patch (which is also how to apply) or delete."""

    resource: str
    """The plural, with a subresource as in `modeldeployments/status`; empty for what is no object."""

    code: int
    """The HTTP status of the answer, 0 where there was none."""

    seconds: float
    """Until the headers of the answer were in: also of a list, and of a watch that goes on for long."""


Observer = Callable[[Asked], None]
"""Called for every request, on the event loop that sent it; it must neither raise nor take long."""


_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}

_OF_NAMESPACES = ("finalize", "status")
"""Subresources of a namespace; anything else below one is a resource in it."""


def words(method: str, path: str, *, watch: bool = False) -> tuple[str, str]:
    """Return verb and resource of a request for a path without its query."""
    _, *parts = path.split("/")
    roots = {"api": 2, "apis": 3}
    parts = parts[roots.get(parts[0], len(parts)) :]
    if len(parts) > 2 and parts[0] == "namespaces" and parts[2] not in _OF_NAMESPACES:
        parts = parts[2:]
    plural, name, subresource = (*parts, "", "", "")[:3]
    return (
        _VERBS.get(method) or _read(plural, name, watch),
        f"{plural}/{subresource}" if subresource else plural,
    )


def _read(plural: str, name: str, watch: bool) -> str:
    if watch:
        return "watch"
    return "get" if name or not plural else "list"
