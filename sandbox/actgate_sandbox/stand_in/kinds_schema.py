"""OpenAPI v3 schemas of the built-in kinds, read off the models of the Python client.

The client's models are generated from Kubernetes' own OpenAPI, so their fields and types are the real ones.
What the models do not carry, and this module adds: which lists merge by key, which maps are atomic, which
strings are quantities or enumerations, and the defaults that the API server fills in.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Union

from kubernetes.client import models
from pydantic import BaseModel

from actgate_sandbox.status import Json

Schema = dict[str, Any]

MERGE_KEYS: Mapping[str, tuple[str, ...]] = {
    "Container.env": ("name",),
    "Container.ports": ("containerPort", "protocol"),
    "Container.volumeMounts": ("mountPath",),
    "ObjectMeta.ownerReferences": ("uid",),
    "PodSpec.containers": ("name",),
    "PodSpec.hostAliases": ("ip",),
    "PodSpec.imagePullSecrets": ("name",),
    "PodSpec.initContainers": ("name",),
    "PodSpec.topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "PodSpec.volumes": ("name",),
    "PodStatus.podIPs": ("ip",),
    "ServiceAccount.secrets": ("name",),
    "ServiceSpec.ports": ("port", "protocol"),
    "ValidatingWebhook.matchConditions": ("name",),
    "ValidatingWebhookConfiguration.webhooks": ("name",),
    **{
        f"{kind}Status.conditions": ("type",)
        for kind in (
            *("CustomResourceDefinition", "Deployment", "HorizontalPodAutoscaler"),
            *("Namespace", "Pod", "PodDisruptionBudget", "Service"),
        )
    },
}
SETS = frozenset({"ObjectMeta.finalizers"})
ATOMIC_TYPES = frozenset(
    {
        *("ConfigMapKeySelector", "FileKeySelector", "LabelSelector", "LocalObjectReference"),
        *("NodeSelector", "NodeSelectorTerm", "ObjectFieldSelector", "ObjectReference"),
        *("OwnerReference", "ResourceFieldSelector", "ScopeSelector", "SecretKeySelector"),
        "TypedLocalObjectReference",
    }
)
ATOMIC_FIELDS = frozenset({"PodSpec.nodeSelector", "ServiceSpec.selector"})
QUANTITIES = frozenset(
    {
        *("limits", "requests", "capacity", "overhead", "allocatedResources", "hard"),
        *("sizeLimit", "divisor", "averageValue", "MetricTarget.value"),
    }
)
QUANTITY: Schema = {"x-kubernetes-int-or-string": True, "format": "quantity"}
OPAQUE_TYPES = frozenset({"JSONSchemaProps"})
"""Recursive or free-form: kept as it is. CRD schemas have a check of their own."""

ENUMERATIONS: Mapping[str, tuple[str, ...]] = {
    "Container.imagePullPolicy": ("Always", "IfNotPresent", "Never"),
    "ContainerPort.protocol": ("SCTP", "TCP", "UDP"),
    "PodSpec.dnsPolicy": ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
    "PodSpec.restartPolicy": ("Always", "Never", "OnFailure"),
    "ServicePort.protocol": ("SCTP", "TCP", "UDP"),
    "ServiceSpec.type": ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"),
}

_ROLLING = {"maxSurge": "25%", "maxUnavailable": "25%"}
_POD_BACKOFF = {"restartPolicy": "Always", "dnsPolicy": "ClusterFirst"}
DEFAULTS: Mapping[str, Any] = {
    **{f"PodSpec.{field}": value for field, value in _POD_BACKOFF.items()},
    "PodSpec.schedulerName": "default-scheduler",
    "PodSpec.securityContext": {},
    "PodSpec.terminationGracePeriodSeconds": 30,
    "Container.resources": {},
    "Container.terminationMessagePath": "/dev/termination-log",
    "Container.terminationMessagePolicy": "File",
    "ContainerPort.protocol": "TCP",
    "ObjectFieldSelector.apiVersion": "v1",
    "HTTPGetAction.scheme": "HTTP",
    "Probe.failureThreshold": 3,
    "Probe.periodSeconds": 10,
    "Probe.successThreshold": 1,
    "Probe.timeoutSeconds": 1,
    "ConfigMapVolumeSource.defaultMode": 420,
    "SecretVolumeSource.defaultMode": 420,
    "DownwardAPIVolumeSource.defaultMode": 420,
    "ProjectedVolumeSource.defaultMode": 420,
    "HostPathVolumeSource.type": "",
    "ServiceAccountTokenProjection.expirationSeconds": 3600,
    "DeploymentSpec.progressDeadlineSeconds": 600,
    "DeploymentSpec.replicas": 1,
    "DeploymentSpec.revisionHistoryLimit": 10,
    "DeploymentSpec.strategy": {"type": "RollingUpdate", "rollingUpdate": _ROLLING},
    "ServiceSpec.internalTrafficPolicy": "Cluster",
    "ServiceSpec.sessionAffinity": "None",
    "ServiceSpec.type": "ClusterIP",
    "ServicePort.protocol": "TCP",
    "Secret.type": "Opaque",
    "HorizontalPodAutoscalerSpec.minReplicas": 1,
    "RuleWithOperations.scope": "*",
    "ValidatingWebhook.failurePolicy": "Fail",
    "ValidatingWebhook.matchPolicy": "Equivalent",
    "ValidatingWebhook.namespaceSelector": {},
    "ValidatingWebhook.objectSelector": {},
    "ValidatingWebhook.timeoutSeconds": 10,
    "AdmissionregistrationV1ServiceReference.port": 443,
    "CustomResourceDefinitionSpec.conversion": {"strategy": "None"},
}


def model_schema(name: str) -> Schema:
    """Return the schema of a model of the client, such as `V1Deployment`."""
    return _of_model(getattr(models, name))


@cache
def object_meta() -> Schema:
    """Return the schema of `metadata`, the same for built-in kinds and custom resources."""
    return model_schema("V1ObjectMeta")


@cache
def _of_model(model: type[BaseModel]) -> Schema:
    name = _bare_name(model)
    schema: Schema = {"type": "object"}
    if name in OPAQUE_TYPES:
        return schema | {"x-kubernetes-preserve-unknown-fields": True}
    if name in ATOMIC_TYPES:
        schema["x-kubernetes-map-type"] = "atomic"
    fields = {info.serialization_alias or key: info for key, info in model.model_fields.items()}
    schema["properties"] = {field: _of_field(name, field, info.annotation) for field, info in fields.items()}
    if required := [field for field, info in fields.items() if info.is_required()]:
        schema["required"] = required
    return schema


def _of_field(owner: str, field: str, annotation: Json) -> Schema:
    path = f"{owner}.{field}"
    schema = dict(_of_type(annotation))
    if path in MERGE_KEYS:
        schema["x-kubernetes-list-type"] = "map"
        schema["x-kubernetes-list-map-keys"] = list(MERGE_KEYS[path])
    elif path in SETS:
        schema["x-kubernetes-list-type"] = "set"
    if path in ATOMIC_FIELDS:
        schema["x-kubernetes-map-type"] = "atomic"
    if field in QUANTITIES or path in QUANTITIES:
        _make_quantity(schema)
    if path in ENUMERATIONS:
        schema["enum"] = list(ENUMERATIONS[path])
    if path in DEFAULTS:
        schema["default"] = DEFAULTS[path]
    return schema


def _make_quantity(schema: Schema) -> None:
    if "additionalProperties" in schema:
        schema["additionalProperties"] = dict(QUANTITY)
    elif schema.get("type") == "string":
        del schema["type"]
        schema.update(QUANTITY)


def _of_type(annotation: Json) -> Schema:
    """Translate a type annotation of the client's models."""
    origin: object = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin is typing.Annotated:
        return _of_type(arguments[0])
    if origin in (Union, types.UnionType):
        return _of_union([item for item in arguments if item is not type(None)])
    if origin is list:
        return {"type": "array", "items": _of_type(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _of_type(arguments[1])}
    if isinstance(annotation, type):
        return _of_class(annotation)
    return {"x-kubernetes-preserve-unknown-fields": True}


def _of_union(members: list[Any]) -> Schema:
    kinds = [_of_type(member) for member in members]
    types_found = {kind.get("type") for kind in kinds}
    if types_found == {"integer", "string"}:
        return {"x-kubernetes-int-or-string": True}
    if len(types_found) == 1:
        return kinds[0]
    if types_found == {"integer", "number"}:
        return {"type": "number"}
    return {"x-kubernetes-preserve-unknown-fields": True}


_SCALARS: Mapping[type, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    bytes: {"type": "string"},
    datetime: {"type": "string", "format": "date-time"},
}


def _of_class(kind: type) -> Schema:
    if issubclass(kind, BaseModel):
        return _of_model(kind)
    return _SCALARS.get(kind, {"x-kubernetes-preserve-unknown-fields": True})


def _bare_name(model: type[BaseModel]) -> str:
    """`V1PodSpec` -> `PodSpec`: the tables above hold for every version."""
    name = model.__name__
    while name[:1] == "V" and name[1:2].isdigit():
        name = name[2:].lstrip("0123456789")
        for stage in ("alpha", "beta"):
            name = name.removeprefix(stage).lstrip("0123456789")
    return name
