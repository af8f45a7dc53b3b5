"""Model servers that run in a cluster, and what is reported about them."""

from __future__ import annotations

from typing import Any

from actgate.scan.reports import OPEN_REPORTS, Dialect
from tests.operator.running import RunningOperator
from tests.operator.scan.report_apis import reports_of
from tests.operator.world import World
from tests.support.waiting import wait_until

Json = dict[str, Any]
REPORTS = frozenset({"reports", "policyreports", "clusterreports", "clusterpolicyreports"})


def server(name: str, image: str = "docker.io/vllm/vllm-openai:v0.9.1", **annotations: str) -> Json:
    """Return a Deployment of a model server."""
    labels = {"app": name}
    keys = {f"actgate.dev/{key.replace('_', '-')}": value for key, value in annotations.items()}
    template = {
        "metadata": {"labels": labels, "annotations": keys},
        "spec": {"containers": [{"name": "server", "image": image}]},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": name, "annotations": keys}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def created(world: World, thing: Json) -> Json:
    """Create a Deployment, and return it."""
    reply = world.rest("POST", deployments(world), thing)
    assert reply.status == 201, reply
    return dict(reply.body)


def deployments(world: World) -> str:
    return f"/apis/apps/v1/namespaces/{world.namespace}/deployments"


def reported(world: World, number: int, dialect: Dialect = OPEN_REPORTS) -> list[Json]:
    """Wait until so many reports are in the namespace, and return them."""

    def there() -> list[Json]:
        found = reports_of(world.rest, dialect, world.namespace)
        assert len(found) == number, found
        return found or [{}]

    found = wait_until(there)
    return found if number else []


def report_writes(operator: RunningOperator) -> int:
    """Return how many writes of reports there were."""
    return sum(len(operator.writes(resource)) for resource in REPORTS)
