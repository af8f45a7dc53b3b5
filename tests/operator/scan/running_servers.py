"""Model servers that run in a cluster, and what is reported about them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from actgate.scan.reports import OPEN_REPORTS, Dialect
from actgate.subjects.reading import Row, package_table
from actgate_sandbox.rest import CRDS, Rest
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
    """Return how many reports about subjects were written.

    The counts of the cluster are written within a minute, and in a namespace of another test that is being
    deleted nothing can be.
    """
    found = [item for resource in ("reports", "policyreports") for item in operator.writes(resource)]
    return sum(item.code != 403 for item in found)


@contextmanager
def serving_kinds(rest: Rest, *kinds: str) -> Iterator[None]:
    """Serve kinds of the table, which take every field, until the block ends."""
    rows = {row.kind: row for row in package_table().rows.values()}
    made = [_definition(rows[kind]) for kind in kinds]
    for one in made:
        reply = rest("POST", CRDS, one)
        assert reply.status == 201, reply
    paths = [
        f"/apis/{one['spec']['group']}/{one['spec']['versions'][0]['name']}/{one['spec']['names']['plural']}"
        for one in made
    ]
    wait_until(lambda: all(rest("GET", path).status == 200 for path in paths))
    try:
        yield
    finally:
        for one in made:
            rest("DELETE", f"{CRDS}/{one['metadata']['name']}")
        wait_until(lambda: all(rest("GET", path).status == 404 for path in paths))


def _definition(row: Row) -> Json:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {
        "kind": row.kind,
        "listKind": f"{row.kind}List",
        "plural": row.plural,
        "singular": row.kind.lower(),
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{row.plural}.{row.group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, of a test"},
        },
        "spec": {"group": row.group, "scope": "Namespaced", "names": names, "versions": [version]},
    }
