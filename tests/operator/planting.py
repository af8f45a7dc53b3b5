"""What others put in the place of what the operator made: an image on a running pod, a whole Deployment."""

from __future__ import annotations

from typing import Any, Final

from actgate_sandbox.rest import Reply
from tests.operator.world import MODEL, World
from tests.support.waiting import wait_until

Json = dict[str, Any]

EVIL: Final = "evil.example/other-model:1"
MANAGED: Final = "app.kubernetes.io/managed-by"
INSTANCE: Final = "app.kubernetes.io/instance"

_STRATEGIC: Final = "application/strategic-merge-patch+json"


def set_image(world: World, pod: str, container: str, field: str = "containers") -> None:
    """Edit a running pod as `kubectl set image` does."""
    body = {"spec": {field: [{"name": container, "image": EVIL}]}}
    path = f"/api/v1/namespaces/{world.namespace}/pods/{pod}"
    reply = world.rest("PATCH", path, body, _STRATEGIC, fieldManager="kubectl-set")
    assert reply.status == 200, reply


def planted(world: World, model: Json, *, labelled: bool = True, owned: bool = True) -> Json:
    """Put a Deployment with another selector in the place of a model's, and return it."""
    owner = {
        "apiVersion": model["apiVersion"],
        "kind": "ModelDeployment",
        "name": MODEL,
        "uid": model["metadata"]["uid"],
        "controller": True,
    }
    labels = {"app": "evil"}
    container = {"name": "server", "image": EVIL}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": MODEL,
            "labels": {INSTANCE: MODEL, MANAGED: "actgate-operator"} if labelled else {},
            "ownerReferences": [owner] if owned else [],
        },
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
    replies: list[Reply] = []

    def is_there() -> bool:
        """An operator of another test may work here, too, and be faster: then its Deployment goes first."""
        replies.append(world.rest("POST", world.path("deployments").rpartition("/")[0], body))
        if replies[-1].status == 409:
            world.rest("DELETE", world.path("deployments"))
        return replies[-1].status == 201

    wait_until(is_there)
    return dict(replies[-1].body)
