"""The Service of a model: one address, and the first port of its server."""

from actgate_operator.plan import naming
from actgate_operator.plan.order import Order
from actgate_operator.plan.shape import Object, PlanError


def service(order: Order, server: Object) -> Object:
    """Return the Service of a model, given its server's container.

    Raises:
        PlanError: When the container's first port has no number.
    """
    first = server["ports"][0]
    number = first.get("containerPort")
    if type(number) is not int:  # True is no number here.
        raise PlanError(
            "the first port of the container server has no containerPort that is a number; "
            "fix: state one in spec.server.ports, or leave the ports out"
        )
    port = {"port": number, "targetPort": number, "protocol": first.get("protocol", "TCP")}
    if "name" in first:
        port["name"] = first["name"]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": naming.metadata(order),
        "spec": {"selector": naming.selector(naming.child_name(order.name)), "ports": [port]},
    }


def url_of(planned: Object) -> str | None:
    """Return where a planned Service answers within the cluster; None where it does not speak TCP."""
    metadata, port = planned["metadata"], planned["spec"]["ports"][0]
    if port["protocol"] != "TCP":
        return None
    return f"http://{metadata['name']}.{metadata['namespace']}.svc:{port['port']}"
