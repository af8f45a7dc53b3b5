"""From a ModelDeployment that may run to the objects that run it; pure, so that it can be held by tests.

``plan(model_deployment, manifest_digest)`` takes a ModelDeployment as the API server sends it, and returns
its Deployment, Service, HorizontalPodAutoscaler and PodDisruptionBudget, ready for server-side apply. The
pod template is made in steps, each a module:

- ``overlay``: ``spec.podTemplate`` is laid over the container of ``spec.server``;
- ``shape``: what is of a wrong type is refused here, in a sentence;
- ``environment``: the server learns which model it serves, on which evidence;
- ``security``: what the user left open is closed as the restricted Pod Security Standard asks;
- ``affinity``: pods are held to the regions of ``spec.placement``;
- ``links``: the webhook judges these pods by the manifest of their ModelDeployment.

The border: no I/O, no clock, no Kubernetes client, no verdict. Equal input gives equal objects, byte for
byte and across releases: a changed pod template would restart every model in every cluster.
"""

from actgate_operator.plan.children import Plan, plan
from actgate_operator.plan.naming import child_name
from actgate_operator.plan.shape import PlanError
from actgate_operator.plan.state import state

__all__ = ["Plan", "PlanError", "child_name", "plan", "state"]
