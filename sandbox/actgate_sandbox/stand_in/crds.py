"""CustomResourceDefinitions: their rules, their status, and the resources that they make.

A definition is established in the same commit that creates it, where the real server takes a
moment. It has one version. Errors in a definition itself are reported by the real server alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from actgate_sandbox.schema import SchemaError
from actgate_sandbox.stand_in.columns import AGE, NAME
from actgate_sandbox.stand_in.jsonpath import parse
from actgate_sandbox.stand_in.kinds_schema import object_meta
from actgate_sandbox.stand_in.managers import now
from actgate_sandbox.stand_in.resources import Column, Resource, Scale
from actgate_sandbox.stand_in.store import Place
from actgate_sandbox.status import Cause, Object, not_implemented

PLACE = Place("apiextensions.k8s.io", "customresourcedefinitions")


def prepare_definition(new: Object, _old: Object | None) -> None:
    """Fill in the names that follow from others."""
    names = (new.get("spec") or {}).get("names") or {}
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
    return [
        {"type": kind, "status": "True", "lastTransitionTime": now(), "reason": reason, "message": message}
        for kind, reason, message in (
            ("NamesAccepted", "NoConflicts", "no conflicts found"),
            ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        )
    ]


def check_definition(new: Object, _old: Object | None) -> list[Cause]:
    """Refuse what the real server takes and the stand-in cannot.

    Raises:
        ApiError: 501 for more than one version, and for a schema or a JSONPath that is not understood.
    """
    if len(new["spec"]["versions"]) != 1:
        raise not_implemented("CRDs of more than one version")
    [resource] = resources_of(new)
    try:
        _ = resource.compiled
        paths = [column.path for column in resource.columns]
        for path in (*paths, *resource.selectable):
            parse(path)
    except (SchemaError, ValueError) as error:
        raise not_implemented(str(error)) from error
    return []


def resources_of(definition: Object) -> list[Resource]:
    """Return a resource for each version that a definition serves."""
    spec = definition["spec"]
    return [_resource(spec, version) for version in spec["versions"] if version.get("served")]


def place_of(definition: Object) -> Place:
    """Return where the objects of a definition are kept."""
    return Place(definition["spec"]["group"], definition["spec"]["names"]["plural"])


def _resource(spec: Object, version: Object) -> Resource:
    names = spec["names"]
    subresources = version.get("subresources") or {}
    return Resource(
        spec["group"],
        version["name"],
        names["kind"],
        names["plural"],
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        singular=names["singular"],
        list_kind=names["listKind"],
        status="status" in subresources,
        scale=_scale(subresources.get("scale")),
        columns=_columns(version.get("additionalPrinterColumns")),
        selectable=tuple(field["jsonPath"] for field in version.get("selectableFields") or ()),
        custom=True,
        counted=True,
        unconditional=False,
        source=partial(_schema, version),
    )


def _scale(paths: Mapping[str, Any] | None) -> Scale | None:
    if not paths:
        return None
    return Scale(paths["specReplicasPath"], paths["statusReplicasPath"], paths.get("labelSelectorPath"))


def _columns(printed: list[Object] | None) -> tuple[Column, ...]:
    if not printed:
        return (NAME, AGE)
    return (
        NAME,
        *(
            Column(column["name"], column["jsonPath"], column["type"], column.get("priority", 0))
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
