"""The restricted Pod Security Standard, as Kubernetes publishes it, held against a pod's spec.

https://kubernetes.io/docs/concepts/security/pod-security-standards/ (Kubernetes 1.36); fields that only
Windows has are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

Json = dict[str, Any]

_VOLUMES: Final = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim"),
    *("projected", "secret"),
}
_SYSCTLS: Final = {
    *("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start"),
    *("net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports"),
    *("net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl"),
    *("net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"),
}
_SELINUX_TYPES: Final = {None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}


def violations(pod: Json) -> list[str]:
    """Return what the standard would refuse, as "control: where"."""
    found = [name for name, broken in _OF_PODS.items() if broken(pod, pod.get("securityContext", {}))]
    for container in _containers(pod):
        context = container.get("securityContext", {})
        effective = {**pod.get("securityContext", {}), **context}
        broken = [name for name, breaks in _OF_CONTAINERS.items() if breaks(container, context, effective)]
        found += [f"{name}: {container['name']}" for name in broken]
    return found


def _containers(pod: Json) -> Iterator[Json]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from pod.get(field, [])


_OF_PODS: Final[dict[str, Callable[[Json, Json], bool]]] = {
    "host namespaces": lambda pod, _: any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")),
    "volume types": lambda pod, _: any(
        not volume.keys() - {"name"} <= _VOLUMES for volume in pod.get("volumes", [])
    ),
    "sysctls": lambda _, context: any(item["name"] not in _SYSCTLS for item in context.get("sysctls", [])),
    "running as root": lambda _, context: context.get("runAsUser") == 0,
    "app armor": lambda _, context: context.get("appArmorProfile", {}).get("type") == "Unconfined",
    "selinux": lambda _, context: _is_odd_selinux(context),
}
_OF_CONTAINERS: Final[dict[str, Callable[[Json, Json, Json], bool]]] = {
    "privileged": lambda _, own, __: own.get("privileged", False),
    "host ports": lambda container, _, __: any(port.get("hostPort") for port in container.get("ports", [])),
    "proc mount": lambda _, own, __: own.get("procMount", "Default") != "Default",
    "privilege escalation": lambda _, own, __: own.get("allowPrivilegeEscalation") is not False,
    "capabilities dropped": lambda _, own, __: "ALL" not in own.get("capabilities", {}).get("drop", []),
    "capabilities added": lambda _, own, __: (
        not ({*own.get("capabilities", {}).get("add", [])} <= {"NET_BIND_SERVICE"})
    ),
    "running as non-root": lambda _, __, effective: effective.get("runAsNonRoot") is not True,
    "running as root": lambda _, own, __: own.get("runAsUser") == 0,
    "seccomp": lambda _, __, effective: (
        effective.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost")
    ),
    "app armor": lambda _, own, __: own.get("appArmorProfile", {}).get("type") == "Unconfined",
    "selinux": lambda _, own, __: _is_odd_selinux(own),
}


def _is_odd_selinux(context: Json) -> bool:
    options = context.get("seLinuxOptions", {})
    return options.get("type") not in _SELINUX_TYPES or bool(options.get("user") or options.get("role"))
