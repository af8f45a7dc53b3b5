"""Names that the operator writes into clusters, and reads back; how children are called and selected.

The selector has two labels, the instance and who manages it, and nothing of the user's: a Deployment's
selector can never be changed, so a label that came from a ModelDeployment could never be changed either.
"""

import hashlib
import re
from typing import Final

from actgate.api.names import GROUP

MANAGER: Final = "actgate-operator"
"""Field manager of everything that is applied."""

SCALE_MANAGER: Final = "actgate-operator-scale"
"""Field manager of a replica count that is not ours to keep: handed to an autoscaler, or set to zero."""

INSTANCE_LABEL: Final = "app.kubernetes.io/instance"
MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "actgate-operator"
"""Value of the managed-by label; with the instance label it selects the pods of one model, for ever."""

STATE_ANNOTATION: Final = f"{GROUP}/desired-state"
"""On a child: digest of what was last applied, replicas apart."""

MANIFEST_DIGEST_ANNOTATION: Final = f"{GROUP}/manifest-digest"
"""On a Deployment and its pods: digest of the evidence on which it was let run."""

RESTARTED_ANNOTATION: Final = "kubectl.kubernetes.io/restartedAt"
"""What ``kubectl rollout restart`` writes into a pod template; a person may."""

_LONGEST: Final = 63
_DNS_LABEL: Final = re.compile(rf"(?=.{{1,{_LONGEST}}}\Z)[a-z]([-a-z0-9]*[a-z0-9])?")
_HASH_DIGITS: Final = 8


def child_name(name: str) -> str:
    """Return what the children of a ModelDeployment are called, given its name.

    The name itself where a Service may have it (RFC 1035 label, at most 63 characters); otherwise the
    name as such a label, cut, and made unique by a hash of the whole name.
    """
    if _DNS_LABEL.fullmatch(name):
        return name
    suffix = hashlib.sha256(name.encode()).hexdigest()[:_HASH_DIGITS]
    label = name.replace(".", "-")
    if not label[:1].isalpha():
        label = f"m-{label}"
    return f"{label[: _LONGEST - _HASH_DIGITS - 1].rstrip('-')}-{suffix}"


def selector(child: str) -> dict[str, str]:
    """Return the labels that select the pods of one model, for ever."""
    return {INSTANCE_LABEL: child, MANAGED_BY_LABEL: MANAGED_BY}


def selector_text(child: str) -> str:
    """Return the same selector as the text that the scale subresource shows to an autoscaler."""
    return ",".join(f"{label}={value}" for label, value in selector(child).items())
