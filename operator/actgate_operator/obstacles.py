"""What can be in the way of a child: a refusal, another client, something that has to be deleted first."""

from typing import Final

from actgate.kube.errors import ClusterError, Forbidden, Invalid
from actgate.kube.objects import Object
from actgate.kube.resources import Resource
from actgate_operator.child import Child

_TERMINATING: Final = "because it is being terminated"
"""How the API server refuses to create anything in a namespace that is being deleted."""

_WEBHOOK: Final = "admission webhook"
"""How every refusal of one begins."""


class RefusedError(Exception):
    """The API server does not take a child as it is planned.

    ``reason`` is CamelCase; ``forbidden`` says that something else than the plan is in the way, such as a
    quota or another object of that name, and that the same plan may be taken later.
    """

    def __init__(self, reason: str, message: str, *, forbidden: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.forbidden = forbidden


class ContestedError(Exception):
    """Another client keeps changing a child back: it is reverted after ``seconds``."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class TerminatingError(Exception):
    """The namespace, or a former model's child, is being deleted: nothing can be done before it is gone."""


def is_terminating(error: ClusterError) -> bool:
    """Return whether nothing can be created since the namespace is being deleted."""
    return isinstance(error, Forbidden) and _TERMINATING in str(error)


def refused(kind: Resource, error: Invalid | Forbidden) -> RefusedError | TerminatingError:
    """Return what a refusal of the API server means."""
    if is_terminating(error):
        return TerminatingError(str(error))
    if isinstance(error, Forbidden):
        return RefusedError("Forbidden", f"{kind.kind}: {error}", forbidden=True)
    # A webhook may refuse with any code, and may think better of it; what the schema refuses stays refused.
    return RefusedError("Refused", f"{kind.kind}: {error}", forbidden=_WEBHOOK in str(error))


def taken(kind: Resource, planned: Object, found: Child) -> RefusedError:
    """Return the refusal of a name that another object has."""
    whose = f"belongs to ModelDeployment {found.owner_name}" if found.owner_name else "is not ours"
    return RefusedError(
        "NameTaken",
        f"{kind.kind} {planned['metadata']['name']} exists in this namespace and {whose}: "
        "rename or delete it, or give this ModelDeployment another name",
        forbidden=True,
    )
