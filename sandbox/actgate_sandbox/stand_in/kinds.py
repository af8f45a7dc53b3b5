"""The built-in kinds that are served, and the few rules each has beyond its schema."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from typing import Any

from actgate_sandbox.admission import check_configuration
from actgate_sandbox.stand_in import events
from actgate_sandbox.stand_in.cells import COLUMNS
from actgate_sandbox.stand_in.crds import check_definition, prepare_definition
from actgate_sandbox.stand_in.kinds_schema import model_schema
from actgate_sandbox.stand_in.metadata import begin
from actgate_sandbox.stand_in.resources import Resource, Scale
from actgate_sandbox.stand_in.status import Cause, Json, Object
from actgate_sandbox.stand_in.store import Key, Place, Store

_NAMESPACES = Place("", "namespaces")
_FIRST_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
_REPLICAS = Scale(".spec.replicas", ".status.replicas", ".spec.selector")


def first_namespaces(store: Store) -> None:
    """Make the namespaces that every cluster has."""
    for name in _FIRST_NAMESPACES:
        if store.get(_NAMESPACES, Key("", name)) is None:
            namespace: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            begin(namespace)
            _prepare_namespace(namespace, None)
            store.commit(_NAMESPACES, Key("", name), namespace, None)


def _prepare_namespace(new: Object, old: Object | None) -> None:
    labels = new["metadata"].setdefault("labels", {})
    labels["kubernetes.io/metadata.name"] = new["metadata"]["name"]
    if old is None:
        new["spec"] = {"finalizers": ["kubernetes"]}
        new["status"] = {"phase": "Active"}
    else:
        new["spec"] = old["spec"]


def _prepare_secret(new: Object, _old: Object | None) -> None:
    for key, text in (new.pop("stringData", None) or {}).items():
        new.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()


def _prepare_service(new: Object, old: Object | None) -> None:
    """Give the service a cluster address of its own and keep it, as the real allocator does."""
    spec = new.setdefault("spec", {})
    for port in spec.get("ports") or ():
        port.setdefault("targetPort", port.get("port"))
    if spec.get("type") == "ExternalName":
        return
    kept = (old or {}).get("spec") or {}
    address = spec.get("clusterIP") or kept.get("clusterIP") or _address(new["metadata"]["uid"])
    spec["clusterIP"] = address
    spec["clusterIPs"] = [address]
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    new.setdefault("status", {"loadBalancer": {}})


def _address(uid: str) -> str:
    number = int(uid.replace("-", "")[:6], 16)
    return f"10.{96 + number % 16}.{number >> 8 & 255}.{number >> 16 or 1}"


def _prepare_pods(new: Object, _old: Object | None) -> None:
    """Fill in what depends on other fields of a pod template, wherever the kind keeps it."""
    spec = new.get("spec") or {}
    if new["kind"] == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    pod = spec if new["kind"] == "Pod" else (spec.get("template") or {}).get("spec") or {}
    for container in (*(pod.get("initContainers") or ()), *(pod.get("containers") or ())):
        container.setdefault("imagePullPolicy", _pull_policy(container.get("image", "")))
        if limits := (container.get("resources") or {}).get("limits"):
            container["resources"]["requests"] = {
                **limits,
                **(container["resources"].get("requests") or {}),
            }
    strategy = spec.get("strategy") or spec.get("updateStrategy") or {}
    if new["kind"] == "Deployment" and strategy.get("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        for field in ("maxSurge", "maxUnavailable"):
            rolling.setdefault(field, "25%")


def _pull_policy(image: str) -> str:
    name = image.rpartition("/")[2]
    latest = "@" not in name and (":" not in name or name.endswith(":latest"))
    return "Always" if latest else "IfNotPresent"


def _prepare_pod(new: Object, old: Object | None) -> None:
    _prepare_pods(new, old)
    new["spec"].setdefault("enableServiceLinks", True)
    if old is None:
        new["status"] = {"phase": "Pending", "qosClass": "BestEffort"}


def _prepare_job(new: Object, old: Object | None) -> None:
    _prepare_pods(new, old)
    spec = new["spec"]
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    uid = new["metadata"]["uid"]
    if "selector" not in spec:
        spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    labels = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
    name = new["metadata"]["name"]
    for prefix in ("", "batch.kubernetes.io/"):
        labels.setdefault(f"{prefix}controller-uid", uid)
        labels.setdefault(f"{prefix}job-name", name)


def _check_workload(new: Object, old: Object | None) -> list[Cause]:
    """A selector must match its own template, and never changes."""
    spec = new.get("spec") or {}
    selector = spec.get("selector") or {}
    template = (spec.get("template") or {}).get("metadata") or {}
    labels = template.get("labels") or {}
    wanted = selector.get("matchLabels") or {}
    causes = []
    if any(labels.get(key) != value for key, value in wanted.items()):
        causes.append(
            Cause(
                "FieldValueInvalid",
                "spec.template.metadata.labels",
                f"Invalid value: {labels}: `selector` does not match template `labels`",
            )
        )
    if old is not None and (old.get("spec") or {}).get("selector") != selector:
        causes.append(
            Cause(
                "FieldValueInvalid",
                "spec.selector",
                f"Invalid value: {selector}: field is immutable",
            )
        )
    replicas = spec.get("replicas")
    if isinstance(replicas, int) and replicas < 0:
        why = f"Invalid value: {replicas}: must be greater than or equal to 0"
        causes.append(Cause("FieldValueInvalid", "spec.replicas", why))
    return causes


def _check_bounds(new: Object, _old: Object | None) -> list[Cause]:
    spec = new.get("spec") or {}
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 1)
    if most >= least and most >= 1:
        return []
    why = f"Invalid value: {most}: must be greater than or equal to `minReplicas`"
    return [Cause("FieldValueInvalid", "spec.maxReplicas", why)]


def _check_webhooks(new: Object, _old: Object | None) -> list[Cause]:
    return [Cause(error.kind, error.path, error.message) for error in check_configuration(new)]


def _kind(
    kind: str,
    plural: str,
    *short: str,
    group: str = "",
    version: str = "v1",
    model: str = "",
    **more: Json,
) -> Resource:
    source: Callable[[], Any] = partial(model_schema, model or f"{version.upper()}{kind}")
    return Resource(
        group,
        version,
        kind,
        plural,
        singular=kind.lower(),
        list_kind=f"{kind}List",
        short_names=short,
        columns=COLUMNS[kind],
        source=source,
        **more,
    )


_ALL = ("all",)
_API = ("api-extensions",)


def builtin_kinds() -> list[Resource]:
    """Return every built-in kind."""
    workload: dict[str, Any] = {
        "status": True,
        "counted": True,
        "categories": _ALL,
        "prepare": _prepare_pods,
    }
    selecting = {**workload, "check": _check_workload, "group": "apps"}
    return [
        _kind(
            *("Namespace", "namespaces", "ns"),
            namespaced=False,
            status=True,
            prepare=_prepare_namespace,
            selectable=(".status.phase",),
        ),
        _kind(
            *("Pod", "pods", "po"),
            **{**workload, "prepare": _prepare_pod},
            selectable=(".status.phase", ".spec.nodeName"),
        ),
        _kind(
            *("Service", "services", "svc"),
            status=True,
            categories=_ALL,
            prepare=_prepare_service,
        ),
        _kind("ConfigMap", "configmaps", "cm"),
        _kind("Secret", "secrets", prepare=_prepare_secret, selectable=(".type",)),
        _kind("ServiceAccount", "serviceaccounts", "sa"),
        _kind("Event", "events", "ev", model="CoreV1Event", selectable=events.SELECTABLE),
        _kind(
            *("Event", "events", "ev"),
            group="events.k8s.io",
            model="EventsV1Event",
            shared_place="",
            to_stored=events.to_core,
            from_stored=events.from_core,
        ),
        _kind("Deployment", "deployments", "deploy", scale=_REPLICAS, **selecting),
        _kind("StatefulSet", "statefulsets", "sts", scale=_REPLICAS, **selecting),
        _kind("ReplicaSet", "replicasets", "rs", scale=_REPLICAS, **selecting),
        _kind("DaemonSet", "daemonsets", "ds", **selecting),
        _kind("Job", "jobs", group="batch", **{**workload, "prepare": _prepare_job}),
        _kind("CronJob", "cronjobs", "cj", group="batch", **workload),
        _kind(
            *("HorizontalPodAutoscaler", "horizontalpodautoscalers", "hpa"),
            group="autoscaling",
            version="v2",
            status=True,
            categories=_ALL,
            check=_check_bounds,
        ),
        _kind(
            *("PodDisruptionBudget", "poddisruptionbudgets", "pdb"),
            group="policy",
            status=True,
            counted=True,
        ),
        _kind("Lease", "leases", group="coordination.k8s.io"),
        _kind(
            *("ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
            group="admissionregistration.k8s.io",
            namespaced=False,
            counted=True,
            categories=_API,
            check=_check_webhooks,
        ),
        _kind(
            *("CustomResourceDefinition", "customresourcedefinitions", "crd", "crds"),
            group="apiextensions.k8s.io",
            namespaced=False,
            status=True,
            counted=True,
            categories=_API,
            prepare=prepare_definition,
            check=check_definition,
        ),
    ]
