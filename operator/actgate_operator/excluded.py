"""Namespaces in which no model runs: those of Kubernetes itself, and the operator's own.

The webhook is not asked about kube-system, kube-node-lease and actgate-system, so that neither can be locked
out by it; what is not judged there must not run there either. kube-public is readable by everybody.
`deploy/base/operator-limits.yaml` holds the operator's account to the same, should its token be stolen.
"""

from typing import Final

from actgate_operator.model import UnusableModelError

EXCLUDED: Final = frozenset({"kube-system", "kube-public", "kube-node-lease"})


class ExcludedNamespaceError(UnusableModelError):
    """The namespace runs no models; the message says so, and how to fix it."""

    reason = "NamespaceExcluded"


def check(namespace: str, own: str) -> None:
    """Return for a namespace in which models may run.

    Args:
        namespace: The ModelDeployment's.
        own: The operator's and the webhook's own.

    Raises:
        ExcludedNamespaceError: No model runs there, whatever its evidence.
    """
    if namespace == own or namespace in EXCLUDED:
        raise ExcludedNamespaceError(
            f"models must not run in namespace {namespace}; fix: move the ModelDeployment to another "
            "namespace"
        )
