"""OpenAPI v3, as much of it as `kubectl explain` and `apply` read.

One document per group and version. Of each resource it says what kubectl looks for: its group, version and
kind, and that PATCH takes `fieldValidation`. Of custom resources it also has the schema.
"""

from __future__ import annotations

from actgate_sandbox.stand_in.resources import Registry, Resource
from actgate_sandbox.status import Object

_PARAMETERS = [
    {"name": name, "in": "query", "schema": {"type": "string"}}
    for name in ("dryRun", "fieldManager", "fieldValidation", "force")
]


def index(registry: Registry) -> Object:
    """Answer `/openapi/v3`: the documents, each with a hash that changes when it does."""
    paths: Object = {}
    for group, versions in registry.versions().items():
        for version in versions:
            # A resource is replaced when its definition changes, so identities stand for contents.
            mark = "".join(str(id(resource)) for resource in registry.of_version(group, version))
            path = f"apis/{group}/{version}" if group else f"api/{version}"
            paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={mark}"}
    return {"paths": paths}


def document(registry: Registry, group: str, version: str) -> Object | None:
    """Answer `/openapi/v3/apis/{group}/{version}`, None where nothing is served there."""
    resources = registry.of_version(group, version)
    if not resources:
        return None
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.36.0"},
        "paths": dict(map(_path, resources)),
        "components": {"schemas": {_name(item): _schema(item) for item in resources if item.custom}},
    }


def _identity(resource: Resource) -> Object:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _name(resource: Resource) -> str:
    """Name a schema as the real server does: the group's labels reversed, version, kind."""
    return f"{'.'.join(reversed(resource.group.split('.')))}.{resource.version}.{resource.kind}"


def _schema(resource: Resource) -> Object:
    return {**resource.schema, "x-kubernetes-group-version-kind": [_identity(resource)]}


def _path(resource: Resource) -> tuple[str, Object]:
    middle = "/namespaces/{namespace}" if resource.namespaced else ""
    operations = {
        verb: {
            "operationId": f"{verb}{resource.kind}",
            "parameters": _PARAMETERS,
            "responses": {"200": {"description": "OK"}},
            "x-kubernetes-action": verb,
            "x-kubernetes-group-version-kind": _identity(resource),
        }
        for verb in ("get", "patch")
    }
    return f"{resource.path}{middle}/{resource.plural}/{{name}}", operations
