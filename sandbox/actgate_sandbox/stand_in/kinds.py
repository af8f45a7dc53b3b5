"""The built-in kinds that are served."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from actgate_sandbox.stand_in import crds, events
from actgate_sandbox.stand_in import kind_checks as checks
from actgate_sandbox.stand_in import kind_rules as rules
from actgate_sandbox.stand_in.columns import AGE, BUILT_IN, NAME
from actgate_sandbox.stand_in.kinds_schema import model_schema
from actgate_sandbox.stand_in.resources import Resource, Scale
from actgate_sandbox.status import Json

_REPLICAS = Scale(".spec.replicas", ".status.replicas", ".spec.selector")


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
        columns=(NAME, *BUILT_IN.get(kind, ()), AGE),
        source=source,
        skeleton=rules.SKELETONS.get(kind, {}),
        **{"allocate": rules.allocate_status, **more},
    )


_ALL = ("all",)
_API = ("api-extensions",)


def builtin_kinds() -> list[Resource]:
    """Return every built-in kind."""
    workload: dict[str, Any] = {
        "status": True,
        "counted": True,
        "categories": _ALL,
        "prepare": rules.prepare_pods,
    }
    selecting = {**workload, "check": checks.check_workload, "group": "apps"}
    return [
        _kind(
            *("Namespace", "namespaces", "ns"),
            namespaced=False,
            status=True,
            prepare=rules.prepare_namespace,
            allocate=rules.allocate_namespace,
            selectable=(".status.phase",),
        ),
        _kind(
            *("Pod", "pods", "po"),
            **workload,
            selectable=(".status.phase", ".spec.nodeName"),
        ),
        _kind(
            *("Service", "services", "svc"),
            status=True,
            categories=_ALL,
            prepare=rules.prepare_service,
            allocate=rules.allocate_service,
        ),
        _kind("ConfigMap", "configmaps", "cm"),
        _kind("Secret", "secrets", selectable=(".type",)),
        _kind("ServiceAccount", "serviceaccounts", "sa", unconditional=False),
        _kind("Event", "events", "ev", model="CoreV1Event", selectable=events.SELECTABLE),
        _kind(
            *("Event", "events", "ev"),
            group="events.k8s.io",
            model="EventsV1Event",
            shared_place="",
            to_stored=events.to_core,
            from_stored=events.from_core,
            selectable=(events.TYPE,),
        ),
        _kind("Deployment", "deployments", "deploy", scale=_REPLICAS, **selecting),
        _kind("StatefulSet", "statefulsets", "sts", scale=_REPLICAS, **selecting),
        _kind("ReplicaSet", "replicasets", "rs", scale=_REPLICAS, **selecting),
        _kind("DaemonSet", "daemonsets", "ds", **selecting),
        _kind("Job", "jobs", group="batch", **workload),
        _kind("CronJob", "cronjobs", "cj", group="batch", **workload),
        _kind(
            *("HorizontalPodAutoscaler", "horizontalpodautoscalers", "hpa"),
            group="autoscaling",
            version="v2",
            status=True,
            categories=_ALL,
        ),
        _kind(
            *("PodDisruptionBudget", "poddisruptionbudgets", "pdb"),
            group="policy",
            status=True,
            counted=True,
            unconditional=False,
        ),
        _kind(
            *("NetworkPolicy", "networkpolicies", "netpol"),
            group="networking.k8s.io",
            counted=True,
        ),
        _kind(
            *("Lease", "leases"),
            group="coordination.k8s.io",
            unconditional=False,
        ),
        _kind(
            *("ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
            group="admissionregistration.k8s.io",
            namespaced=False,
            counted=True,
            categories=_API,
            check=checks.check_webhooks,
            unconditional=False,
        ),
        _kind(
            *("CustomResourceDefinition", "customresourcedefinitions", "crd", "crds"),
            group="apiextensions.k8s.io",
            namespaced=False,
            status=True,
            counted=True,
            categories=_API,
            prepare=crds.prepare_definition,
            allocate=crds.allocate_definition,
            unconditional=False,
            check=crds.check_definition,
        ),
    ]
