"""How many replicas may run while the evidence of a model does not hold: never more than run already.

What runs is kept under ``onViolation: Keep``, and nothing is started: not by a raised ``spec.replicas``, not
by ``suspend: false``, not by an autoscaler, not by ``kubectl scale`` on the Deployment. The bound is kept in
``status.heldReplicas``, which only the operator may write, so that it survives a restart; it only falls.

Pure: numbers and a plan in, numbers and a plan out.
"""

from dataclasses import replace
from typing import Any

from actgate.kube.objects import Object
from actgate_operator.child import Child
from actgate_operator.plan import Plan


def held_replicas(model: Object, running: Child | None, *, zero: bool) -> int:
    """Return the most replicas that may run now.

    Args:
        model: The ModelDeployment as the API server sends it, with the status of the last reconcile.
        running: Its Deployment, where there is one.
        zero: Whether a policy scales to zero what has no evidence.
    """
    if running is None or zero:
        return 0
    spec = model.get("spec") or {}
    bounds = [1 if running.replicas is None else running.replicas, _most_asked_for(spec)]
    former = (model.get("status") or {}).get("heldReplicas")
    if isinstance(former, int):
        bounds.append(former)
    return min(bounds)


def held(plan: Plan, replicas: int, running: Child) -> Plan:
    """Return a plan that starts nothing: a count of our own, no autoscaler, and no Deployment made anew."""
    metadata = {**plan.deployment["metadata"], "uid": running.uid}
    spec = {**plan.deployment["spec"], "replicas": replicas}
    return replace(plan, deployment={**plan.deployment, "metadata": metadata, "spec": spec}, autoscaler=None)


def _most_asked_for(spec: dict[str, Any]) -> int:
    if spec.get("suspend") is True:
        return 0
    scaling = spec.get("autoscaling")
    if scaling is not None:
        return int(scaling["maxReplicas"])
    replicas = spec.get("replicas")
    return 1 if replicas is None else int(replicas)
