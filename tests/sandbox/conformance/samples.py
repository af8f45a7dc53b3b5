"""Objects that the conformance tests send, and the custom kind that they use."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

GROUP = "conformance.test"
WIDGETS = f"widgets.{GROUP}"

_SPEC: Object = {
    "type": "object",
    "description": "What the widget shall be.",
    "properties": {
        "size": {"type": "integer", "minimum": 0, "description": "How big it is."},
        "color": {"type": "string", "default": "red"},
        "replicas": {"type": "integer"},
        "parts": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
            },
        },
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}
_STATUS: Object = {
    "type": "object",
    "default": {"note": "unseen"},
    "properties": {
        "note": {"type": "string"},
        "replicas": {"type": "integer"},
        "selector": {"type": "string"},
    },
}
_SCHEMA: Object = {"type": "object", "properties": {"spec": _SPEC, "status": _STATUS}}


_VERSION: Object = {
    "name": "v1",
    "served": True,
    "storage": True,
    "schema": {"openAPIV3Schema": _SCHEMA},
    "subresources": {
        "status": {},
        "scale": {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        },
    },
    "selectableFields": [{"jsonPath": ".spec.color"}],
    "additionalPrinterColumns": [
        {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
        {"name": "Color", "type": "string", "jsonPath": ".spec.color", "priority": 1},
    ],
}

WIDGET_DEFINITION: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": WIDGETS},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {
            "plural": "widgets",
            "singular": "widget",
            "kind": "Widget",
            "shortNames": ["wgt"],
        },
        "versions": [_VERSION],
    },
}


def widget(name: str, **spec: object) -> Object:
    """Make a widget."""
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Widget",
        "metadata": {"name": name},
        "spec": spec,
    }


def config_map(name: str, labels: dict[str, str] | None = None, **data: str) -> Object:
    """Make a ConfigMap."""
    metadata: Object = {"name": name, **({"labels": labels} if labels else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def deployment(
    name: str, image: str = "example.test/web:1", env: dict[str, str] | None = None, **spec: object
) -> Object:
    """Make a Deployment of one container `web` with a node selector."""
    labels = {"app": name}
    container: Object = {
        "name": "web",
        "image": image,
        "ports": [{"containerPort": 80}],
        "env": [{"name": key, "value": value} for key, value in (env or {"A": "1"}).items()],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"nodeSelector": {"disk": "ssd"}, "containers": [container]},
            },
            **spec,
        },
    }
