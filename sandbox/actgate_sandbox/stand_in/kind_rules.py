"""What built-in kinds fill in beyond their schemas.

Defaults that depend on other fields, and fields that only the server sets.
`prepare_…` runs before field ownership is recorded, `allocate_…` after it: what the server allocates
has no field manager.
"""

from __future__ import annotations

from collections.abc import Mapping

from actgate_sandbox.stand_in.metadata import begin
from actgate_sandbox.stand_in.store import Key, Place, Store
from actgate_sandbox.status import Object

NAMESPACES = Place("", "namespaces")
_FIRST_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")

_POD: Object = {"metadata": {}, "spec": {"containers": []}}
SKELETONS: Mapping[str, Object] = {
    "CustomResourceDefinition": {"spec": {"names": {}}},
    "Deployment": {"spec": {"template": _POD, "strategy": {}}},
    "HorizontalPodAutoscaler": {"spec": {"scaleTargetRef": {}}},
    "Lease": {"spec": {}},
    "Pod": {"spec": {"containers": []}},
    "NetworkPolicy": {"spec": {}},
    "PodDisruptionBudget": {"spec": {}},
    "Service": {"spec": {}},
}
"""Parts that exist in every object of a kind, so that no field manager owns them."""

_FIRST_STATUS: Mapping[str, Object] = {
    "Deployment": {},
    "Pod": {"phase": "Pending", "qosClass": "BestEffort"},
    "Service": {"loadBalancer": {}},
}


def first_namespaces(store: Store) -> None:
    """Make the namespaces that every cluster has."""
    for name in _FIRST_NAMESPACES:
        namespace: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        begin(namespace)
        prepare_namespace(namespace, None)
        allocate_namespace(namespace, None)
        store.commit(NAMESPACES, Key("", name), namespace, None)


def allocate_status(new: Object, old: Object | None) -> None:
    """Give a new object the status that it has before any controller observed it."""
    if old is None and new["kind"] in _FIRST_STATUS:
        new["status"] = dict(_FIRST_STATUS[new["kind"]])


def prepare_namespace(new: Object, _old: Object | None) -> None:
    """Label a namespace with its name, which is how webhooks select it."""
    labels = new["metadata"].setdefault("labels", {})
    labels["kubernetes.io/metadata.name"] = new["metadata"]["name"]


def allocate_namespace(new: Object, old: Object | None) -> None:
    """Keep the finalizer that stands for the contents."""
    new["spec"] = old["spec"] if old else {"finalizers": ["kubernetes"]}
    if old is None:
        new["status"] = {"phase": "Active"}


def prepare_service(new: Object, _old: Object | None) -> None:
    """A port without a target is its own target."""
    for port in (new.get("spec") or {}).get("ports") or ():
        port.setdefault("targetPort", port.get("port"))


def allocate_service(new: Object, old: Object | None) -> None:
    """Give the service a cluster address of its own and keep it, as the real allocator does."""
    allocate_status(new, old)
    spec = new.setdefault("spec", {})
    kept = (old or {}).get("spec") or {}
    address = spec.get("clusterIP") or kept.get("clusterIP") or _address(new["metadata"]["uid"])
    spec["clusterIP"] = address
    spec["clusterIPs"] = [address]
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")


def _address(uid: str) -> str:
    number = int(uid.replace("-", "")[:6], 16)
    return f"10.{96 + number % 16}.{number >> 8 & 255}.{number >> 16 or 1}"


def prepare_pods(new: Object, _old: Object | None) -> None:
    """Fill in what depends on other fields of a pod template, wherever the kind keeps it."""
    spec = new.get("spec") or {}
    if new["kind"] == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    pod = spec if new["kind"] == "Pod" else (spec.get("template") or {}).get("spec") or {}
    for container in (*(pod.get("initContainers") or ()), *(pod.get("containers") or ())):
        container.setdefault("imagePullPolicy", _pull_policy(container.get("image", "")))
    # The older of two names for one field is always written beside the newer.
    pod.pop("serviceAccount", None)
    if "serviceAccountName" in pod:
        pod["serviceAccount"] = pod["serviceAccountName"]
    if new["kind"] == "Deployment":
        _complete_strategy(spec)


def _complete_strategy(spec: Object) -> None:
    strategy = spec.get("strategy") or {}
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        for field in ("maxSurge", "maxUnavailable"):
            rolling.setdefault(field, "25%")


def _pull_policy(image: str) -> str:
    name = image.rpartition("/")[2]
    latest = "@" not in name and (":" not in name or name.endswith(":latest"))
    return "Always" if latest else "IfNotPresent"
