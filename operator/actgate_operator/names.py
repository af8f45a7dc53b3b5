"""Names that the operator writes into clusters, and reads back."""

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
