"""The two APIs of reports, as far as these tests need them: fields are checked, types of results are not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from actgate.scan.reports import OPEN_REPORTS, POLICY_REPORTS, SELECTOR, Dialect
from actgate_sandbox.rest import CRDS, Rest
from tests.support.waiting import wait_until

Json = dict[str, Any]

COUNTS = {name: {"type": "integer"} for name in ("pass", "fail", "warn", "error", "skip")}
TEXTS = ("source", "policy", "rule", "category", "severity", "result", "message")


def definition(dialect: Dialect, *, cluster: bool) -> Json:
    """Return the definition of one kind of an API."""
    kind = dialect.cluster_kind if cluster else dialect.kind
    plural = dialect.cluster_plural if cluster else dialect.plural
    reference = {name: {"type": "string"} for name in ("apiVersion", "kind", "namespace", "name", "uid")}
    result = {
        **{name: {"type": "string"} for name in TEXTS},
        "scored": {"type": "boolean"},
        "properties": {"type": "object", "additionalProperties": {"type": "string"}},
        "timestamp": {
            "type": "object",
            "properties": {"seconds": {"type": "integer", "format": "int64"}, "nanos": {"type": "integer"}},
        },
    }
    fields: Json = {
        "scope": {"type": "object", "properties": reference},
        "summary": {"type": "object", "properties": COUNTS},
        "results": {"type": "array", "items": {"type": "object", "properties": result}},
    }
    if dialect.names_source:
        fields["source"] = {"type": "string"}
    schema = {"type": "object", "properties": fields}
    version = {
        "name": dialect.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{dialect.group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, of a test"},
        },
        "spec": {
            "group": dialect.group,
            "scope": "Cluster" if cluster else "Namespaced",
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "versions": [version],
        },
    }


@contextmanager
def serving(rest: Rest, *dialects: Dialect) -> Iterator[None]:
    """Serve these APIs until the block ends."""
    definitions = [definition(dialect, cluster=cluster) for dialect in dialects for cluster in (False, True)]
    try:
        for one in definitions:
            wait_until(lambda one=one: _created(rest, one))  # type: ignore[misc]
        wait_until(lambda: all(rest("GET", path(dialect)).status == 200 for dialect in dialects))
        yield
    finally:
        for one in definitions:
            rest("DELETE", f"{CRDS}/{one['metadata']['name']}")
        wait_until(lambda: all(rest("GET", path(dialect)).status == 404 for dialect in dialects))


def _created(rest: Rest, one: Json) -> bool:
    """Create a definition; not yet while the one before it is being deleted, with all of its objects."""
    reply = rest("POST", CRDS, one)
    assert reply.status in (201, 409), reply
    return reply.status == 201


def path(dialect: Dialect, *, cluster: bool = False) -> str:
    """Return the path of all reports."""
    return f"/apis/{dialect.api_version}/{dialect.cluster_plural if cluster else dialect.plural}"


def reports_of(rest: Rest, dialect: Dialect, namespace: str | None = None) -> list[Json]:
    """Return the reports of ours in an API, or in one namespace of it."""
    reply = rest("GET", path(dialect), labelSelector=SELECTOR)
    assert reply.status == 200, reply
    items: list[Json] = reply.body["items"]
    return [item for item in items if namespace in (None, item["metadata"]["namespace"])]


def summary_of(rest: Rest, dialect: Dialect) -> Json | None:
    """Return the report of the cluster; None where there is none."""
    reply = rest("GET", f"{path(dialect, cluster=True)}/actgate")
    return dict(reply.body) if reply.status == 200 else None


BOTH = (OPEN_REPORTS, POLICY_REPORTS)
