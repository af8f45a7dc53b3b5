"""What the user left open is closed, field by field, as the restricted Pod Security Standard asks.

https://kubernetes.io/docs/concepts/security/pod-security-standards/ - what the user says, stays; and where
it contradicts a default, as root contradicts ``runAsNonRoot``, the default is left out.
"""

from typing import Final

from actgate_operator.plan.overlay import merge
from actgate_operator.plan.shape import Object

ROOT: Final = 0


def hardened(pod: Object) -> Object:
    """Return the spec of a pod with safe defaults for it, its containers and its init containers."""
    stated = pod.get("securityContext", {})
    windows = pod.get("os", {}).get("name") == "windows"
    defaults: Object = {} if stated.get("runAsUser") == ROOT else {"runAsNonRoot": True}
    if not windows:  # Windows knows no seccomp, and the API server refuses it there.
        defaults["seccompProfile"] = {"type": "RuntimeDefault"}
    closed: Object = {
        field: [_container(item, "runAsNonRoot" in stated, windows) for item in pod[field]]
        for field in ("containers", "initContainers")
        if field in pod
    }
    return {**pod, **closed, "securityContext": merge(defaults, stated)}


def _container(container: Object, users_choice: bool, windows: bool) -> Object:
    stated = container.get("securityContext", {})
    defaults = {} if windows or stated.get("privileged") is True else _unprivileged(stated)
    if stated.get("runAsUser") == ROOT and not users_choice:
        defaults["runAsNonRoot"] = False  # The kubelet would not start it under our default for the pod.
    return {**container, "securityContext": merge(defaults, stated)} if defaults else container


def _unprivileged(stated: Object) -> Object:
    dropped = {"capabilities": {"drop": ["ALL"]}}
    # The API server refuses this capability without escalation.
    if "CAP_SYS_ADMIN" in stated.get("capabilities", {}).get("add", []):
        return dropped
    return {"allowPrivilegeEscalation": False, **dropped}
