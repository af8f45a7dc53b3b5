"""What the API server refuses in a CustomResourceDefinition: names, versions, paths, columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from actgate_sandbox.schema import errors
from actgate_sandbox.schema.errors import FieldError, shown
from actgate_sandbox.schema.objects import NOTHING, Node
from actgate_sandbox.schema.structural import schema_errors

_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_LABEL_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)
_PATH = re.compile(r"(\.[a-zA-Z0-9_-]+(\[[^]]*\])*)+")
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"]
_SELECTABLE_TYPES = ("string", "boolean", "integer")
_MAX_SELECTABLE = 8


def check_crd(crd: Mapping[str, Any]) -> list[FieldError]:
    """Return what is wrong with a CustomResourceDefinition (`apiextensions.k8s.io/v1`, defaulted)."""
    spec = crd.get("spec", NOTHING)
    found = [*_name_errors(crd.get("metadata", NOTHING), spec), *_spec_errors(spec)]
    versions = spec.get("versions", ())
    # A single version is reported where apiextensions' internal type keeps it.
    for index, version in enumerate(versions):
        where = "spec" if len(versions) == 1 else f"spec.versions[{index}]"
        found += _version_errors(version, f"spec.versions[{index}]", where)
    return found


def _name_errors(metadata: Node, spec: Node) -> Iterator[FieldError]:
    names, group = spec.get("names", NOTHING), spec.get("group", "")
    plural, kind = names.get("plural", ""), names.get("kind", "")
    if metadata.get("name") != f"{plural}.{group}":
        message = 'must be spec.names.plural+"."+spec.group'
        yield errors.invalid("metadata.name", shown(metadata.get("name")), message)
    if not group:
        yield errors.required("spec.group")
    elif "." not in group:
        message = "should be a domain with at least one dot"
        yield errors.invalid("spec.group", shown(group), message)
    elif group.endswith((".k8s.io", ".kubernetes.io")):
        yield from _protected_group_errors(metadata)
    if not kind:
        yield errors.required("spec.names.kind")
    elif not _LABEL.fullmatch(kind.lower()):
        message = f"may have mixed case, but should otherwise match: {_LABEL_RULE}"
        yield errors.invalid("spec.names.kind", shown(kind), message)
    if kind and names.get("listKind") == kind:
        message = "kind and listKind may not be the same"
        yield errors.invalid("spec.names.listKind", shown(kind), message)
    yield from _label_errors("spec.names.plural", plural)
    if "singular" in names:
        yield from _label_errors("spec.names.singular", names["singular"])
    for word in ("shortNames", "categories"):
        for index, name in enumerate(names.get(word, ())):
            yield from _label_errors(f"spec.names.{word}[{index}]", name)


def _protected_group_errors(metadata: Node) -> Iterator[FieldError]:
    annotation = "api-approved.kubernetes.io"
    if annotation not in metadata.get("annotations", NOTHING):
        message = (
            f'protected groups must have approval annotation "{annotation}", '
            "see https://github.com/kubernetes/enhancements/pull/1111"
        )
        yield errors.required(f"metadata.annotations[{annotation}]", message)


def _label_errors(path: str, value: str) -> Iterator[FieldError]:
    if not value:
        yield errors.required(path)
    elif not _LABEL.fullmatch(value):
        yield errors.invalid(path, shown(value), _LABEL_RULE)


def _spec_errors(spec: Node) -> Iterator[FieldError]:
    scope = spec.get("scope")
    if not scope:
        yield errors.required("spec.scope")
    elif scope not in ("Cluster", "Namespaced"):
        yield errors.unsupported("spec.scope", scope, ("Cluster", "Namespaced"))
    if spec.get("preserveUnknownFields"):
        message = (
            "cannot set to true, set x-kubernetes-preserve-unknown-fields "
            "to true in spec.versions[*].schema instead"
        )
        yield errors.invalid("spec.preserveUnknownFields", "true", message)
    if spec.get("conversion", NOTHING).get("strategy", "None") != "None":
        message = "the sandbox does not call conversion webhooks"
        yield errors.forbidden("spec.conversion.strategy", message)
    yield from _version_set_errors(spec.get("versions", ()))


def _version_set_errors(versions: Sequence[Node]) -> Iterator[FieldError]:
    names = [version.get("name") for version in versions]
    if len(set(names)) != len(names):
        yield errors.invalid("spec.versions", shown(names), "must contain unique version names")
    if sum(bool(version.get("storage")) for version in versions) != 1:
        message = "must have exactly one version marked as storage version"
        yield errors.invalid("spec.versions", shown(names), message)


def _version_errors(version: Node, own: str, where: str) -> Iterator[FieldError]:
    yield from _label_errors(f"{own}.name", version.get("name", ""))
    schema = (version.get("schema") or NOTHING).get("openAPIV3Schema")
    if not schema:
        yield errors.required(f"{own}.schema.openAPIV3Schema")
        return
    found = list(schema_errors(schema, f"{own if where != 'spec' else 'spec'}.{_word(where)}"))
    yield from found
    scale = (version.get("subresources") or NOTHING).get("scale")
    if scale is not None:
        yield from _scale_errors(scale, f"{where}.subresources.scale")
    for index, column in enumerate(version.get("additionalPrinterColumns", ())):
        yield from _column_errors(column, f"{where}.additionalPrinterColumns[{index}]")
    if not found:
        fields = version.get("selectableFields", ())
        yield from _selectable_errors(schema, fields, f"{where}.selectableFields")


def _word(where: str) -> str:
    return "validation.openAPIV3Schema" if where == "spec" else "schema.openAPIV3Schema"


def _scale_errors(scale: Node, path: str) -> Iterator[FieldError]:
    rules = (
        ("specReplicasPath", (".spec.",), "a json path under .spec", True),
        ("statusReplicasPath", (".status.",), "a json path under .status", True),
        ("labelSelectorPath", (".spec.", ".status."), _EITHER, False),
    )
    for field, roots, what, needed in rules:
        value, at = scale.get(field, ""), f"{path}.{field}"
        if not value:
            if needed:
                yield errors.required(at)
        elif not _PATH.fullmatch(value):
            yield errors.invalid(at, shown(value), "must be a simple json path starting with .")
        elif not value.startswith(roots):
            yield errors.invalid(at, shown(value), f"should be {what}")


_EITHER = "a json path under either .spec or .status"


def _column_errors(column: Node, path: str) -> Iterator[FieldError]:
    if not column.get("name"):
        yield errors.required(f"{path}.name")
    kind, form = column.get("type", ""), column.get("format", "")
    if kind not in _COLUMN_TYPES:
        message = f"must be one of {','.join(_COLUMN_TYPES)}"
        yield errors.invalid(f"{path}.type", shown(kind), message)
    if form and form not in _COLUMN_FORMATS:
        message = f"must be one of {','.join(_COLUMN_FORMATS)}"
        yield errors.invalid(f"{path}.format", shown(form), message)
    json_path = column.get("jsonPath", "")
    if not json_path:
        yield errors.required(f"{path}.JSONPath")
    elif not json_path.startswith("."):
        message = "must be a simple json path starting with ."
        yield errors.invalid(f"{path}.JSONPath", shown(json_path), message)


def _selectable_errors(schema: Node, fields: Sequence[Node], path: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    if len(fields) > _MAX_SELECTABLE and len({f.get("jsonPath") for f in fields}) == len(fields):
        yield errors.too_many(path, len(fields), _MAX_SELECTABLE)
    for index, field in enumerate(fields):
        at, json_path = f"{path}[{index}].jsonPath", field.get("jsonPath", "")
        if not json_path:
            yield errors.required(at)
        elif json_path in seen:
            yield errors.duplicate(at, json_path)
        elif why := _unselectable(schema, json_path):
            yield errors.invalid(at, shown(json_path), why)
        seen.add(json_path)


def _unselectable(schema: Node, json_path: str) -> str:
    if "[" in json_path:
        return "is an invalid path: array notation is not allowed"
    if not json_path.startswith("."):
        word = json_path.partition(".")[0]
        return f"is an invalid path: expected [ or . but got: {word}"
    node: Node | None = schema
    for name in json_path[1:].split("."):
        node = None if node is None else node.get("properties", NOTHING).get(name)
    if node is None or json_path.startswith(".metadata"):
        return "is an invalid path: does not refer to a valid field"
    if node.get("type") not in _SELECTABLE_TYPES:
        return (
            "must point to a field of type string, boolean or integer. "
            "Enum string fields and strings with formats are allowed."
        )
    return ""
