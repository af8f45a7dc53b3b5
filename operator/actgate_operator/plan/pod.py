"""The pod template of a model: ``spec.server`` and the overlay, and what actgate adds to them."""

from typing import Final

from actgate_operator.plan.affinity import placed
from actgate_operator.plan.environment import environment
from actgate_operator.plan.links import pod_metadata
from actgate_operator.plan.order import Order
from actgate_operator.plan.overlay import merge
from actgate_operator.plan.security import hardened
from actgate_operator.plan.shape import Object, checked

SERVER: Final = "server"
"""Name of the container that serves the model; the overlay reaches it by this name."""

_DEFAULT_PORT: Final = {"name": "http", "containerPort": 8080}
_PROBE_SECONDS: Final = 5
"""Between two probes; half the default, since a model is not Ready before the first one after it listens."""


def template_of(order: Order) -> Object:
    """Return the pod template of a model.

    Raises:
        PlanError: When the overlay or the server hold something of a wrong type where the plan adds.
    """
    below = {"spec": {"containers": [{**order.server, "name": SERVER}]}}
    stated = checked(merge(below, order.overlay))
    return {
        **stated,
        "metadata": pod_metadata(order, stated.get("metadata", {})),
        "spec": _spec(order, stated["spec"]),
    }


def server_of(template: Object) -> Object:
    """Return the container of a planned pod template that serves the model."""
    return _server_in(template["spec"])


def _spec(order: Order, stated: Object) -> Object:
    server = _server_in(stated)
    others = [container for container in stated["containers"] if container is not server]
    ports = server.get("ports") or [_DEFAULT_PORT]
    served = {
        **_probed(server, ports[0]),
        "ports": ports,
        "env": environment(order, server.get("env", [])),
    }
    pod = hardened({**stated, "containers": [served, *others]})
    if order.spec.placement is None:
        return pod
    return {**pod, "affinity": placed(pod.get("affinity", {}), order.spec.placement)}


def _probed(server: Object, port: Object) -> Object:
    """Return the server with a readiness probe: without one it would get requests before it listens."""
    number = port.get("containerPort")
    if "readinessProbe" in server or port.get("protocol", "TCP") != "TCP" or type(number) is not int:
        return server
    return {**server, "readinessProbe": {"tcpSocket": {"port": number}, "periodSeconds": _PROBE_SECONDS}}


def _server_in(pod: Object) -> Object:
    return next(container for container in pod["containers"] if container.get("name") == SERVER)
