"""The Deployment of a model: how many servers, of which pods, and how one follows another."""

from typing import Any, Final

from actgate_operator.plan import naming
from actgate_operator.plan.links import digest_annotation
from actgate_operator.plan.order import Order
from actgate_operator.plan.shape import Object

_ONE_LEAVES_FIRST: Final = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
"""A device is free for the next pod only after the last one let it go; one more than there are never is."""


def deployment(order: Order, template: Object, *, zero: bool) -> Object:
    """Return the Deployment of a model; ``zero`` scales it to nothing."""
    pod = template["spec"]
    containers = [*pod["containers"], *pod.get("initContainers", [])]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**naming.metadata(order), "annotations": digest_annotation(order)},
        "spec": {
            **_replicas(order, zero=zero),
            "selector": {"matchLabels": naming.selector(naming.child_name(order.name))},
            **({"strategy": _ONE_LEAVES_FIRST} if any(map(_holds_a_device, containers)) else {}),
            "template": template,
        },
    }


def _replicas(order: Order, *, zero: bool) -> dict[str, int]:
    if zero:
        return {"replicas": 0}
    if order.spec.autoscaling is not None:
        return {}  # The autoscaler's, and only its.
    return {"replicas": stated_replicas(order)}


def stated_replicas(order: Order) -> int:
    """Return how many servers are asked for where nothing scales them."""
    return 1 if order.spec.replicas is None else order.spec.replicas


def _holds_a_device(container: dict[str, Any]) -> bool:
    """Return whether a container asks for an extended resource, or claims a device by its driver."""
    resources = container.get("resources", {})
    asked = [*resources.get("limits", {}), *resources.get("requests", {})]
    return bool(resources.get("claims")) or any("/" in name for name in asked)
