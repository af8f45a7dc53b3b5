"""The children of a model: Deployment, Service, autoscaler, PodDisruptionBudget and NetworkPolicy.

The last one closes the port of a model with a recorder. Autoscaler and budget follow from the spec alone. A
model that is suspended keeps them: an autoscaler rests while its target has no replicas, and what comes back
needs both again. (Without evidence there is none: see ``held``.)
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from actgate_operator.names import STATE_ANNOTATION
from actgate_operator.plan.pod import digest_annotation, template_of
from actgate_operator.plan.recorder import Recording, needs_one_pod, port_of
from actgate_operator.plan.shape import Object, Order, PlanError

_ONE_LEAVES_FIRST: Final = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
"""A device is free for the next pod only after the last one let it go; one more than there are never is."""


_NO_RECORDER: Final = Recording()


@dataclass(frozen=True, slots=True)
class Plan:
    """What shall exist for one ModelDeployment; each child is ready for server-side apply."""

    deployment: Object
    service: Object
    autoscaler: Object | None
    budget: Object | None
    closing: Object | None
    """NetworkPolicy that closes the model's own port, where a recorder stands before it."""
    url: str | None
    """Where the model answers within the cluster; None where its first port does not speak TCP."""
    selector: str
    """Label selector of its pods, as text."""
    recorder: str | None = None
    """Image of the recorder in its pods."""
    model_port: str | None = None
    """Whether the model can be asked past its recorder, in words."""

    @property
    def children(self) -> tuple[Object, ...]:
        """What shall exist, in the order in which to create it.

        The Deployment comes first: where the API server refuses it, nothing is left behind.
        """
        every = (self.deployment, self.service, self.closing, self.budget, self.autoscaler)
        return tuple(child for child in every if child is not None)


def plan(
    model_deployment: Mapping[str, Any],
    manifest_digest: str | None,
    *,
    zero: bool = False,
    recording: Recording = _NO_RECORDER,
) -> Plan:
    """Return what shall exist for a ModelDeployment that may run.

    Args:
        model_deployment: The object as the API server sends it, with name, namespace, uid and spec.
        manifest_digest: Digest of the evidence on which it may run, ``sha256:<64 hex digits>``.
        zero: Scale it to zero, as ``spec.suspend`` does by itself.
        recording: What a recorder takes, for a model that asks for one.

    Raises:
        PlanError: When its server or pod template cannot be planned with; the message is for its author.
        ValidationError: Of pydantic, when the spec is none that the schema allows.
    """
    order = Order.read(model_deployment, manifest_digest)
    template = template_of(order, recording)
    recorder = port_of(template["spec"])
    server = template["spec"]["containers"][0]
    answering = service(order, server, recorder)
    scaled, protected = autoscaler(order), budget(order)
    return Plan(
        deployment=stamped(deployment(order, template, zero=zero or order.spec.suspend)),
        service=stamped(answering),
        autoscaler=stamped(scaled) if scaled is not None else None,
        budget=stamped(protected) if protected is not None else None,
        closing=stamped(closing(order, template["spec"])) if recorder is not None else None,
        url=url_of(answering),
        selector=order.selector_text,
        recorder=recording.image if recorder is not None else None,
        model_port=_passable(server) if recorder is not None else None,
    )


def _passable(server: Object) -> str:
    port = server["ports"][0]["containerPort"]
    return (
        f"the Service leads to the recorder, and a NetworkPolicy closes the model's own port {port} to other "
        "pods; whether the cluster's network enforces it, and whether another NetworkPolicy opens the port, "
        "the operator cannot see"
    )


def deployment(order: Order, template: Object, *, zero: bool) -> Object:
    """Return the Deployment of a model; ``zero`` scales it to nothing."""
    pod = template["spec"]
    containers = [*pod["containers"], *pod.get("initContainers", [])]
    one_first = needs_one_pod(order.spec.logging) or any(map(_holds_a_device, containers))
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**order.metadata, "annotations": digest_annotation(order)},
        "spec": {
            **_replicas(order, zero=zero),
            "selector": {"matchLabels": order.selector},
            **({"strategy": _ONE_LEAVES_FIRST} if one_first else {}),
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


def service(order: Order, server: Object, recorder: int | None = None) -> Object:
    """Return the Service of a model, given its server's container, and the port of its recorder.

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
    port = {"port": number, "targetPort": recorder or number, "protocol": first.get("protocol", "TCP")}
    if "name" in first:
        port["name"] = first["name"]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": order.metadata,
        "spec": {"selector": order.selector, "ports": [port]},
    }


def url_of(planned: Object) -> str | None:
    """Return where a planned Service answers within the cluster; None where it does not speak TCP."""
    metadata, port = planned["metadata"], planned["spec"]["ports"][0]
    if port["protocol"] != "TCP":
        return None
    return f"http://{metadata['name']}.{metadata['namespace']}.svc:{port['port']}"


def autoscaler(order: Order) -> Object | None:
    """Return the HorizontalPodAutoscaler of a model, where it asks for one."""
    asked = order.spec.autoscaling
    if asked is None:
        return None
    use = {"type": "Utilization", "averageUtilization": asked.target_cpu_utilization_percentage}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": order.child}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": order.metadata,
        "spec": {
            "scaleTargetRef": target,
            "minReplicas": asked.min_replicas,
            "maxReplicas": asked.max_replicas,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": use}}],
        },
    }


def budget(order: Order) -> Object | None:
    """Return the PodDisruptionBudget of a model that always has two servers or more.

    With fewer it would either protect nothing, or keep every node from being drained.
    """
    scaling = order.spec.autoscaling
    fewest = scaling.min_replicas if scaling is not None else stated_replicas(order)
    if fewest < 2:
        return None
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": order.metadata,
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": order.selector},
        },
    }


def closing(order: Order, pod: Object) -> Object:
    """Return the NetworkPolicy of a model with a recorder: every stated port is open but the model's own.

    The kubelet asks it all the same: traffic of a pod's own node is always admitted.
    """
    served, *others = pod["containers"][0]["ports"]
    sidecars = [*pod["containers"][1:], *pod.get("initContainers", [])]
    stated = [*others, *(port for container in sidecars for port in container.get("ports", []))]
    opened = {(port.get("protocol", "TCP"), port.get("containerPort")): None for port in stated}
    opened.pop((served.get("protocol", "TCP"), served["containerPort"]), None)
    ports = [{"protocol": protocol, "port": number} for protocol, number in opened]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": order.metadata,
        "spec": {
            "podSelector": {"matchLabels": order.selector},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": ports}],
        },
    }


def state(child: Mapping[str, Any]) -> str:
    """Return ``sha256:<64 hex digits>`` of a planned child, its own state annotation and replicas apart."""
    spec = {key: value for key, value in child["spec"].items() if key != "replicas"}
    annotated = _annotated(child["metadata"])
    text = json.dumps({**child, "metadata": annotated, "spec": spec}, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def stamped(child: Object) -> Object:
    """Return the child with the annotation that holds its state."""
    metadata = _annotated(child["metadata"])
    return {**child, "metadata": {**metadata, "annotations": {**metadata["annotations"], **_stamp(child)}}}


def _stamp(child: Object) -> dict[str, str]:
    return {STATE_ANNOTATION: state(child)}


def _annotated(metadata: Object) -> Object:
    """Return metadata with annotations, be they empty, and without the state."""
    annotations = metadata.get("annotations", {})
    return {**metadata, "annotations": {k: v for k, v in annotations.items() if k != STATE_ANNOTATION}}
