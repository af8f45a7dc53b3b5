"""How many servers of a model run, and how many of them may be away: autoscaler and disruption budget.

Both follow from the spec alone. A model that is suspended keeps them: an autoscaler rests while its
target has no replicas, and what comes back needs both again. (Without evidence there is none: see ``held``.)
"""

from actgate_operator.plan import naming
from actgate_operator.plan.deployment import stated_replicas
from actgate_operator.plan.order import Order
from actgate_operator.plan.shape import Object


def autoscaler(order: Order) -> Object | None:
    """Return the HorizontalPodAutoscaler of a model, where it asks for one."""
    asked = order.spec.autoscaling
    if asked is None:
        return None
    use = {"type": "Utilization", "averageUtilization": asked.target_cpu_utilization_percentage}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": naming.child_name(order.name)}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": naming.metadata(order),
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
        "metadata": naming.metadata(order),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": naming.selector(naming.child_name(order.name))},
        },
    }
