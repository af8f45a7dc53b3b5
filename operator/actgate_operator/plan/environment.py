"""What the server learns of itself: its model, the evidence for it, and who it is in telemetry.

``ACTGATE_*`` say what the ModelDeployment says; a value of the user's by one of these names is dropped,
also where there is nothing to say in its place. The resource attributes follow the OpenTelemetry
specification: https://opentelemetry.io/docs/specs/otel/resource/sdk/#specifying-resource-information-via-an-environment-variable
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from actgate_operator.plan import naming
from actgate_operator.plan.order import Order
from actgate_operator.plan.shape import Object

SERVICE_NAME: Final = "OTEL_SERVICE_NAME"
RESOURCE_ATTRIBUTES: Final = "OTEL_RESOURCE_ATTRIBUTES"

_READABLE: Final = "/:@"
"""Left as they are in an attribute's value: W3C Baggage, whose form this is, allows them."""


def environment(order: Order, stated: list[Object]) -> list[Object]:
    """Return the variables of the server's container, given those of the user.

    Ours come first: a variable can refer only to those before it, and the user's may refer to ours.
    """
    identity, attributes = _identity(order), _attributes(order)
    theirs = [variable for variable in stated if variable.get("name") not in identity]
    telemetry = {SERVICE_NAME: order.name, RESOURCE_ATTRIBUTES: attributes}
    taken = {str(variable.get("name")) for variable in theirs}
    free = {name: value for name, value in telemetry.items() if name not in taken}
    return [*_variables(identity), *_variables(free), *(_joined(item, attributes) for item in theirs)]


def _identity(order: Order) -> dict[str, str | None]:
    model = order.spec.model
    return {
        "ACTGATE_MODEL_NAME": model.name,
        "ACTGATE_MODEL_VERSION": model.version,
        "ACTGATE_MODEL_DIGEST": model.digest,
        "ACTGATE_MODEL_URI": model.uri,
        "ACTGATE_MANIFEST_NAME": order.spec.compliance_manifest_ref.name,
        "ACTGATE_MANIFEST_DIGEST": order.manifest_digest,
    }


def _attributes(order: Order) -> str:
    model = order.spec.model
    stated = {
        "service.name": order.name,
        "service.namespace": order.namespace,
        "service.version": model.version,
        "k8s.namespace.name": order.namespace,
        "k8s.deployment.name": naming.child_name(order.name),
        "ai_act.model.name": model.name,
        "ai_act.model.version": model.version,
        "ai_act.model.digest": model.digest,
        "ai_act.manifest.name": order.spec.compliance_manifest_ref.name,
        "ai_act.manifest.digest": order.manifest_digest,
    }
    return ",".join(f"{key}={quote(value, safe=_READABLE)}" for key, value in stated.items() if value)


def _joined(variable: Object, attributes: str) -> Object:
    """Return a variable of the user's; literal resource attributes follow after ours."""
    value = variable.get("value", "")
    if variable.get("name") != RESOURCE_ATTRIBUTES or "valueFrom" in variable or not isinstance(value, str):
        return variable
    return {**variable, "value": f"{attributes},{value}" if value else attributes}


def _variables(values: Mapping[str, str | None]) -> list[Object]:
    # The kubelet reads $(NAME) in a value as a reference, and $$ as a plain $.
    return [{"name": name, "value": value.replace("$", "$$")} for name, value in values.items() if value]
