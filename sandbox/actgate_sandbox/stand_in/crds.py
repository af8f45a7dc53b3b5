"""CustomResourceDefinitions: their rules, their status, and the resources that they make.

A definition is established in the same commit that creates it, where the real server takes a
moment. Versions without a conversion webhook differ in nothing but their `apiVersion`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from actgate_sandbox.schema import SchemaError, check_crd
from actgate_sandbox.stand_in.cells import NAME
from actgate_sandbox.stand_in.jsonpath import parse
from actgate_sandbox.stand_in.kinds_schema import object_meta
from actgate_sandbox.stand_in.managers import now
from actgate_sandbox.stand_in.resources import Column, Resource, Scale, priority
from actgate_sandbox.stand_in.status import Cause, Object, not_implemented
from actgate_sandbox.stand_in.store import Place

PLACE = Place("apiextensions.k8s.io", "customresourcedefinitions")
_COLUMN_TEXT = "Custom resource definition column (in JSONPath format): "
_AGE = Column(
    "Age",
    ".metadata.creationTimestamp",
    "date",
    description="CreationTimestamp is a timestamp representing the server time when this object was created.",
)


def prepare_definition(new: Object, _old: Object | None) -> None:
    """Fill in the names that follow from others.

    Raises:
        ApiError: 501 for a conversion webhook.
    """
    spec = new.get("spec") or {}
    if (spec.get("conversion") or {}).get("strategy") == "Webhook":
        raise not_implemented("CRD conversion webhooks; serve one version, or strategy None")
    names = spec.get("names") or {}
    kind = names.get("kind", "")
    names.setdefault("listKind", f"{kind}List")
    names.setdefault("singular", kind.lower())


def allocate_definition(new: Object, old: Object | None) -> None:
    """Accept and establish the definition."""
    spec = new.get("spec") or {}
    stored = [version["name"] for version in spec.get("versions") or () if version.get("storage")]
    before = (old or {}).get("status") or {}
    new["status"] = {
        "conditions": before.get("conditions") or _established(),
        "acceptedNames": spec.get("names") or {},
        "storedVersions": list(dict.fromkeys([*before.get("storedVersions", ()), *stored])),
    }


def _established() -> list[Object]:
    def condition(kind: str, reason: str, message: str) -> Object:
        return {
            "type": kind,
            "status": "True",
            "lastTransitionTime": now(),
            "reason": reason,
            "message": message,
        }

    return [
        condition("NamesAccepted", "NoConflicts", "no conflicts found"),
        condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ]


def check_definition(new: Object, _old: Object | None) -> list[Cause]:
    """Return what is wrong with a definition.

    Raises:
        ApiError: 501 for a schema or a JSONPath that the real server takes and the stand-in cannot.
    """
    causes = [Cause(error.kind, error.path, error.message) for error in check_crd(new)]
    if not causes:
        _require_understood(new)
    return causes


def _require_understood(definition: Object) -> None:
    for resource in resources_of(definition):
        try:
            _ = resource.compiled
            for path in (*_paths_of(resource), *resource.selectable):
                parse(path)
        except (SchemaError, ValueError) as error:
            raise not_implemented(str(error)) from error


def _paths_of(resource: Resource) -> list[str]:
    return [column.cell for column in resource.columns if isinstance(column.cell, str)]


def resources_of(definition: Object) -> list[Resource]:
    """Return one resource for each version that a definition serves."""
    spec = definition["spec"]
    stored = next(version["name"] for version in spec["versions"] if version["storage"])
    return [_resource(spec, version, stored) for version in spec["versions"] if version.get("served")]


def place_of(definition: Object) -> Place:
    """Return where the objects of a definition are kept."""
    return Place(definition["spec"]["group"], definition["spec"]["names"]["plural"])


def _resource(spec: Object, version: Object, stored: str) -> Resource:
    names = spec["names"]
    subresources = version.get("subresources") or {}
    api_version = f"{spec['group']}/{version['name']}"
    other = stored != version["name"]
    return Resource(
        spec["group"],
        version["name"],
        names["kind"],
        names["plural"],
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        singular=names.get("singular") or names["kind"].lower(),
        list_kind=names.get("listKind") or f"{names['kind']}List",
        status="status" in subresources,
        scale=_scale(subresources.get("scale")),
        columns=_columns(version.get("additionalPrinterColumns")),
        selectable=tuple(field["jsonPath"] for field in version.get("selectableFields") or ()),
        custom=True,
        counted=True,
        unconditional=False,
        stored_version=stored,
        source=partial(_schema, version),
        deprecated=_deprecation(spec, version),
        to_stored=partial(_renamed, f"{spec['group']}/{stored}") if other else None,
        from_stored=partial(_renamed, api_version) if other else None,
    )


def _renamed(api_version: str, obj: Object) -> Object:
    return obj | {"apiVersion": api_version}


def _deprecation(spec: Object, version: Object) -> str:
    if not version.get("deprecated"):
        return ""
    if given := version.get("deprecationWarning"):
        return str(given)
    group, kind = spec["group"], spec["names"]["kind"]
    better = [
        other["name"]
        for other in spec["versions"]
        if other.get("served")
        and not other.get("deprecated")
        and priority(other["name"]) > priority(version["name"])
    ]
    use = f"; use {group}/{max(better, key=priority)} {kind}" if better else ""
    return f"{group}/{version['name']} {kind} is deprecated{use}"


def _scale(paths: Mapping[str, Any] | None) -> Scale | None:
    if not paths:
        return None
    return Scale(paths["specReplicasPath"], paths["statusReplicasPath"], paths.get("labelSelectorPath"))


def _columns(printed: list[Object] | None) -> tuple[Column, ...]:
    if not printed:
        return (NAME, _AGE)
    return (
        NAME,
        *(
            Column(
                column["name"],
                column["jsonPath"],
                column["type"],
                column.get("priority", 0),
                column.get("description") or f"{_COLUMN_TEXT}{column['jsonPath']}",
                column.get("format", ""),
            )
            for column in printed
        ),
    )


def _schema(version: Object) -> Object:
    """Return the schema of the whole object: the author's, with the server's own fields."""
    schema: Object = dict((version.get("schema") or {}).get("openAPIV3Schema") or {})
    properties = schema.get("properties") or {}
    schema["properties"] = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        **properties,
        "metadata": {**object_meta(), **properties.get("metadata", {})},
    }
    return schema
