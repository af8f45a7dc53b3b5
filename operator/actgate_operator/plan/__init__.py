"""From a ModelDeployment that may run to the objects that run it; pure, so that it can be held by tests.

``plan(model_deployment, manifest_digest)`` takes a ModelDeployment as the API server sends it, and returns
its Deployment, Service, HorizontalPodAutoscaler, PodDisruptionBudget and NetworkPolicy, ready for server-side
apply. The pod template is made in steps, each a module:

- ``shape``: the ModelDeployment is read, ``spec.podTemplate`` is laid over the container of ``spec.server``,
  and what is of a wrong type is refused, in a sentence;
- ``pod``: the webhook judges these pods by the manifest of their ModelDeployment, and the server learns which
  model it serves, on which evidence;
- ``recorder``: where ``spec.logging`` asks for it, a sidecar records the use of the model;
- ``constraints``: what the user left open is closed, and pods are held to the regions of ``spec.placement``.

The border: no I/O, no clock, no Kubernetes client, no verdict. Equal input gives equal objects, byte for
byte and across releases: a changed pod template would restart every model in every cluster.
"""

from actgate_operator.plan.children import Plan, plan, state
from actgate_operator.plan.recorder import Recording
from actgate_operator.plan.shape import PlanError

__all__ = ["Plan", "PlanError", "Recording", "plan", "state"]
