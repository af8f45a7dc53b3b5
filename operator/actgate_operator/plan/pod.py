"""The pod template of a model: ``spec.server`` and the overlay, and what actgate adds to them.

- Links by which the webhook judges pods by their ModelDeployment's evidence. They win over what the overlay
  says: a pod must not claim another model, or a version that its ModelDeployment does not state.
- What the server learns of itself. ``ACTGATE_*`` say what the ModelDeployment says; a value of the user's by
  one of these names is dropped, also where there is nothing to say in its place. The resource attributes
  follow the OpenTelemetry specification:
  https://opentelemetry.io/docs/specs/otel/resource/sdk/#specifying-resource-information-via-an-environment-variable
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from actgate.api.names import (
    INFERENCE_LABEL,
    LOGGING_ANNOTATION,
    MANIFEST_ANNOTATION,
    MODEL_ANNOTATION,
    MODEL_DIGEST_ANNOTATION,
    MODEL_VERSION_ANNOTATION,
    PROVIDER_ANNOTATION,
)
from actgate_operator import names
from actgate_operator.plan.constraints import hardened, placed
from actgate_operator.plan.recorder import Recording, annotation, recorded
from actgate_operator.plan.shape import SERVER, Object, Order

_DEFAULT_PORT: Final = {"name": "http", "containerPort": 8080}
_PROBE_SECONDS: Final = 5
"""Between two probes; half the default, since a model is not Ready before the first one after it listens."""
SERVICE_NAME: Final = "OTEL_SERVICE_NAME"
RESOURCE_ATTRIBUTES: Final = "OTEL_RESOURCE_ATTRIBUTES"

_READABLE: Final = "/:@"
"""Left as they are in an attribute's value: W3C Baggage, whose form this is, allows them."""
_OURS: Final = frozenset(
    {
        MANIFEST_ANNOTATION,
        MODEL_ANNOTATION,
        MODEL_DIGEST_ANNOTATION,
        MODEL_VERSION_ANNOTATION,
        names.MANIFEST_DIGEST_ANNOTATION,
        LOGGING_ANNOTATION,
    }
)


def template_of(order: Order, recording: Recording) -> Object:
    """Return the pod template of a model; its first container serves the model."""
    stated = order.template
    return {
        **stated,
        "metadata": pod_metadata(order, stated.get("metadata", {})),
        "spec": _spec(order, stated["spec"], recording),
    }


def _spec(order: Order, stated: Object, recording: Recording) -> Object:
    server = next(container for container in stated["containers"] if container.get("name") == SERVER)
    others = [container for container in stated["containers"] if container is not server]
    ports = server.get("ports") or [_DEFAULT_PORT]
    served = {
        **_probed(server, ports[0]),
        "ports": ports,
        "env": environment(order, server.get("env", [])),
    }
    pod = hardened(recorded(order, {**stated, "containers": [served, *others]}, recording))
    if order.spec.placement is None:
        return pod
    return {**pod, "affinity": placed(pod.get("affinity", {}), order.spec.placement)}


def _probed(server: Object, port: Object) -> Object:
    """Return the server with a readiness probe: without one it would get requests before it listens."""
    number = port.get("containerPort")
    if "readinessProbe" in server or port.get("protocol", "TCP") != "TCP" or type(number) is not int:
        return server
    return {**server, "readinessProbe": {"tcpSocket": {"port": number}, "periodSeconds": _PROBE_SECONDS}}


def pod_metadata(order: Order, stated: Object) -> Object:
    """Return the metadata of the pod template: the user's labels and annotations, and the links."""
    labels = {**order.description, **stated.get("labels", {}), **order.selector, INFERENCE_LABEL: "true"}
    kept = {key: value for key, value in stated.get("annotations", {}).items() if key not in _OURS}
    return {**stated, "labels": labels, "annotations": {**_provider_above(order), **kept, **_links(order)}}


def digest_annotation(order: Order) -> dict[str, str]:
    """Return the annotation that says on which evidence a model was let run, where there is some."""
    return {names.MANIFEST_DIGEST_ANNOTATION: order.manifest_digest} if order.manifest_digest else {}


def _links(order: Order) -> dict[str, str]:
    model = order.spec.model
    stated = {
        MANIFEST_ANNOTATION: order.spec.compliance_manifest_ref.name,
        MODEL_ANNOTATION: model.name,
        MODEL_VERSION_ANNOTATION: model.version,
        MODEL_DIGEST_ANNOTATION: model.digest,
        PROVIDER_ANNOTATION: _provider(order),
    }
    return (
        {name: value for name, value in stated.items() if value}
        | digest_annotation(order)
        | annotation(order.spec.logging)
    )


def _provider(order: Order) -> str | None:
    """Return the provider of the placement, where all of its regions state one and the same."""
    regions = order.spec.placement.regions if order.spec.placement else []
    stated = [region.provider for region in regions]
    known = {provider.strip().lower() if provider else None for provider in stated}
    return stated[0] if len(known) == 1 else None


def _provider_above(order: Order) -> dict[str, str]:
    return {PROVIDER_ANNOTATION: order.provider} if order.provider else {}


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
        "k8s.deployment.name": order.child,
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
