"""The children of a model, all together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actgate_operator.plan import naming
from actgate_operator.plan.deployment import deployment
from actgate_operator.plan.order import Order
from actgate_operator.plan.pod import server_of, template_of
from actgate_operator.plan.scaling import autoscaler, budget
from actgate_operator.plan.service import service, url_of
from actgate_operator.plan.shape import Object
from actgate_operator.plan.state import stamped


@dataclass(frozen=True, slots=True)
class Plan:
    """What shall exist for one ModelDeployment; each child is ready for server-side apply."""

    deployment: Object
    service: Object
    autoscaler: Object | None
    budget: Object | None
    url: str | None
    """Where the model answers within the cluster; None where its first port does not speak TCP."""
    selector: str
    """Label selector of its pods, as text."""

    @property
    def children(self) -> tuple[Object, ...]:
        """What shall exist, in the order in which to create it.

        The Deployment comes first: where the API server refuses it, nothing is left behind.
        """
        every = (self.deployment, self.service, self.budget, self.autoscaler)
        return tuple(child for child in every if child is not None)


def plan(model_deployment: Mapping[str, Any], manifest_digest: str | None, *, zero: bool = False) -> Plan:
    """Return what shall exist for a ModelDeployment that may run.

    Args:
        model_deployment: The object as the API server sends it, with name, namespace, uid and spec.
        manifest_digest: Digest of the evidence on which it may run, ``sha256:<64 hex digits>``.
        zero: Scale it to zero, as ``spec.suspend`` does by itself.

    Raises:
        PlanError: When its server or pod template cannot be planned with; the message is for its author.
        ValidationError: Of pydantic, when the spec is none that the schema allows.
    """
    order = Order.read(model_deployment, manifest_digest)
    template = template_of(order)
    answering = service(order, server_of(template))
    scaled, protected = autoscaler(order), budget(order)
    return Plan(
        deployment=stamped(deployment(order, template, zero=zero or order.spec.suspend)),
        service=stamped(answering),
        autoscaler=stamped(scaled) if scaled is not None else None,
        budget=stamped(protected) if protected is not None else None,
        url=url_of(answering),
        selector=naming.selector_text(naming.child_name(order.name)),
    )
