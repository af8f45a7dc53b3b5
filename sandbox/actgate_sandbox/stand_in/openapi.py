"""OpenAPI v3, as much of it as `kubectl explain`, `apply` and `diff` read.

One document per group and version: the schema of each kind, and for each resource its paths with
what kubectl looks for there: the group, version and kind, and the query parameters of PATCH.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from actgate_sandbox.stand_in.resources import Registry, Resource
from actgate_sandbox.stand_in.status import Object

_PARAMETERS = [
    {"name": name, "in": "query", "schema": {"type": kind, "uniqueItems": True}}
    for name, kind in (
        ("dryRun", "string"),
        ("fieldManager", "string"),
        ("fieldValidation", "string"),
        ("force", "boolean"),
    )
]
_OK = {"200": {"description": "OK"}}


def index(registry: Registry) -> Object:
    """Answer `/openapi/v3`: the documents, each with a hash that changes when it does."""
    return {
        "paths": {
            path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={_hash(registry, path)}"}
            for path in (
                _document_path(group, version)
                for group, versions in registry.versions().items()
                for version in versions
            )
        }
    }


def _document_path(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def _hash(registry: Registry, path: str) -> str:
    # A resource is replaced when its definition changes, so identities stand for contents.
    group, _, version = path.partition("/")[2].rpartition("/")
    marks = "".join(str(id(resource)) for resource in registry.of_version(group, version))
    return hashlib.sha256(marks.encode()).hexdigest().upper()


def document(registry: Registry, group: str, version: str) -> Object | None:
    """Answer `/openapi/v3/apis/{group}/{version}`, None where nothing is served there."""
    resources = registry.of_version(group, version)
    if not resources:
        return None
    paths: Object = {}
    for resource in resources:
        paths.update(_paths(resource))
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.36.0"},
        "paths": paths,
        "components": {"schemas": dict(_schemas(resources))},
    }


def _schemas(resources: list[Resource]) -> Iterator[tuple[str, Object]]:
    for resource in resources:
        identity = _identity(resource)
        schema = {**resource.schema, "x-kubernetes-group-version-kind": [identity]}
        yield _name(resource), schema
        properties = {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "items": {"type": "array", "items": _reference(_name(resource))},
        }
        yield (
            f"{_name(resource)}List",
            {
                "type": "object",
                "description": f"{resource.kind}List is a list of {resource.kind}",
                "required": ["items"],
                "properties": properties,
                "x-kubernetes-group-version-kind": [identity | {"kind": resource.list_kind}],
            },
        )


def _identity(resource: Resource) -> Object:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _name(resource: Resource) -> str:
    """Name a schema as the real server does: the group's labels reversed, version, kind."""
    group = ".".join(reversed((resource.group or "core.api.k8s.io").split(".")))
    return f"{group}.{resource.version}.{resource.kind}"


def _reference(name: str) -> Object:
    return {"$ref": f"#/components/schemas/{name}"}


def _paths(resource: Resource) -> Iterator[tuple[str, Object]]:
    middle = "/namespaces/{namespace}" if resource.namespaced else ""
    every = f"{resource.path}/{resource.plural}"
    collection = f"{resource.path}{middle}/{resource.plural}"
    if resource.namespaced:
        yield every, {"get": _operation(resource, "list")}
    yield (
        collection,
        {
            "get": _operation(resource, "list"),
            "post": _operation(resource, "post"),
            "delete": _operation(resource, "deletecollection"),
        },
    )
    item = {
        "get": _operation(resource, "get"),
        "put": _operation(resource, "put"),
        "patch": _operation(resource, "patch"),
        "delete": _operation(resource, "delete"),
    }
    yield f"{collection}/{{name}}", item
    if resource.status:
        subset = {verb: item[verb] for verb in ("get", "put", "patch")}
        yield f"{collection}/{{name}}/status", subset


def _operation(resource: Resource, action: str) -> Object:
    operation: Object = {
        "operationId": f"{action}{resource.kind}",
        "responses": _OK,
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": _identity(resource),
    }
    if action in ("post", "put", "patch"):
        operation["parameters"] = _PARAMETERS
    if action == "patch":
        kinds = ["apply-patch+yaml", "json-patch+json", "merge-patch+json"]
        kinds += [] if resource.custom else ["strategic-merge-patch+json"]
        content: Object = {f"application/{kind}": {"schema": {"type": "object"}} for kind in kinds}
        operation["requestBody"] = {"content": content, "required": True}
    return operation
