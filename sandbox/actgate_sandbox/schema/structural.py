"""What makes a schema structural, and what the API server refuses in one that is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from actgate_sandbox.cel import CelError
from actgate_sandbox.schema import errors, formats
from actgate_sandbox.schema.correlation import ABSENT
from actgate_sandbox.schema.errors import FieldError, SchemaError, shown
from actgate_sandbox.schema.objects import NOTHING, Node, defaulted, embeds, preserves, pruned
from actgate_sandbox.schema.rules import compiled
from actgate_sandbox.schema.values import value_errors

TYPES = ("array", "boolean", "integer", "number", "object", "string")
REASONS = (
    "FieldValueDuplicate",
    "FieldValueForbidden",
    "FieldValueInvalid",
    "FieldValueRequired",
)
_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
_NOT_IN_BRANCHES = (
    "additionalProperties",
    "default",
    "description",
    "nullable",
    "title",
    "type",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-preserve-unknown-fields",
)


def schema_errors(root: Node, path: str) -> Iterator[FieldError]:
    """Yield what the API server refuses in the schema of a CRD; `path` is where the schema stands."""
    if "type" not in root:
        yield errors.required(f"{path}.type", "must not be empty at the root")
    elif root["type"] != "object":
        yield errors.invalid(f"{path}.type", shown(root["type"]), "must be object at the root")
    yield from _root_field_errors(root.get("properties", NOTHING), f"{path}.properties")
    yield from _node_errors(root, path, uncorrelatable=None)


def _root_field_errors(properties: Node, path: str) -> Iterator[FieldError]:
    for name, kind in (("apiVersion", "string"), ("kind", "string"), ("metadata", "object")):
        declared = properties.get(name, NOTHING).get("type", kind)
        if declared != kind:
            yield errors.invalid(f"{path}[{name}].type", shown(declared), f"must be {kind}")
    metadata = properties.get("metadata", NOTHING)
    named = metadata.get("properties", NOTHING).keys() - {"name", "generateName"}
    if named or "x-kubernetes-validations" in metadata:
        yield errors.forbidden(
            f"{path}[metadata]",
            "must not specify anything other than name and generateName, "
            "but metadata is implicitly specified",
        )


def _node_errors(node: Node, path: str, *, uncorrelatable: str | None) -> Iterator[FieldError]:
    """Yield the errors of a node; `uncorrelatable` is the list above it that hides old values."""
    if node.get("type", "object") not in TYPES:
        yield errors.unsupported(f"{path}.type", node["type"], TYPES)
        return
    yield from _keyword_errors(node, path)
    yield from _list_type_errors(node, path)
    yield from _branch_errors(node, path)
    yield from _default_errors(node, path)
    for index, rule in enumerate(node.get("x-kubernetes-validations", ())):
        at = f"{path}.x-kubernetes-validations[{index}]"
        yield from _rule_errors(node, rule, at, uncorrelatable)
    for name, part in node.get("properties", NOTHING).items():
        yield from _child_errors(part, f"{path}.properties[{name}]", "object fields", uncorrelatable)
    if isinstance(rest := node.get("additionalProperties"), Mapping):
        at = f"{path}.additionalProperties"
        yield from _child_errors(rest, at, "object fields", uncorrelatable)
    if isinstance(items := node.get("items"), Mapping):
        hides = None if node.get("x-kubernetes-list-type") == "map" else path
        at = f"{path}.items"
        yield from _child_errors(items, at, "array items", uncorrelatable or hides)


def _child_errors(node: Node, path: str, what: str, uncorrelatable: str | None) -> Iterator[FieldError]:
    if "$ref" in node:
        yield errors.forbidden(f"{path}.$ref", "$ref is not supported")
    elif "type" not in node and not (node.get("x-kubernetes-int-or-string") or preserves(node)):
        yield errors.required(f"{path}.type", f"must not be empty for specified {what}")
    else:
        yield from _node_errors(node, path, uncorrelatable=uncorrelatable)


def _keyword_errors(node: Node, path: str) -> Iterator[FieldError]:
    if node.get("type") == "array" and "items" not in node and not preserves(node):
        yield errors.required(f"{path}.items", "must be specified")
    if node.get("x-kubernetes-preserve-unknown-fields") is False:
        at = f"{path}.x-kubernetes-preserve-unknown-fields"
        yield errors.invalid(at, "false", "must be true or undefined")
    if node.get("uniqueItems"):
        message = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield errors.forbidden(f"{path}.uniqueItems", message)
    if "additionalProperties" in node and "properties" in node:
        message = "additionalProperties and properties are mutual exclusive"
        yield errors.forbidden(f"{path}.additionalProperties", message)
    if isinstance(node.get("additionalProperties"), bool):
        message = "the sandbox takes a schema here, not a boolean"
        yield errors.forbidden(f"{path}.additionalProperties", message)
    if embeds(node) and not node.get("properties") and not preserves(node):
        message = (
            "must not be empty if x-kubernetes-embedded-resource is true "
            "without x-kubernetes-preserve-unknown-fields"
        )
        yield errors.required(f"{path}.properties", message)
    if "pattern" in node:
        try:
            formats.pattern(node["pattern"])
        except SchemaError as error:
            yield errors.invalid(f"{path}.pattern", shown(node["pattern"]), str(error))


def _list_type_errors(node: Node, path: str) -> Iterator[FieldError]:
    map_type = node.get("x-kubernetes-map-type", "atomic")
    if map_type not in ("atomic", "granular"):
        at = f"{path}.x-kubernetes-map-type"
        yield errors.unsupported(at, map_type, ("atomic", "granular"))
    kind = node.get("x-kubernetes-list-type")
    if kind is None:
        return
    items = node.get("items", NOTHING)
    if kind not in ("atomic", "set", "map"):
        at = f"{path}.x-kubernetes-list-type"
        yield errors.unsupported(at, kind, ("atomic", "set", "map"))
    elif node.get("type") != "array":
        message = "must be array if x-kubernetes-list-type is specified"
        yield errors.invalid(f"{path}.type", shown(node.get("type")), message)
    elif kind == "map":
        yield from _list_map_errors(node, items, path)
    elif kind == "set" and items.get("type") in ("object", "array"):
        word = "map" if items["type"] == "object" else "list"
        value = items.get(f"x-kubernetes-{word}-type")
        if value != "atomic":
            message = "must be atomic as item of a list with x-kubernetes-list-type=set"
            yield errors.invalid(f"{path}.items.x-kubernetes-{word}-type", shown(value), message)


def _list_map_errors(node: Node, items: Node, path: str) -> Iterator[FieldError]:
    keys, at = node.get("x-kubernetes-list-map-keys", ()), f"{path}.x-kubernetes-list-map-keys"
    if items.get("type") != "object":
        message = "must be object if parent array's x-kubernetes-list-type is map"
        yield errors.invalid(f"{path}.items.type", shown(items.get("type")), message)
        return
    if not keys:
        yield errors.required(at, "must not be empty if x-kubernetes-list-type is map")
    properties = items.get("properties", NOTHING)
    if any(key not in properties for key in keys):
        yield errors.invalid(at, shown(keys), "entries must all be names of item properties")
    for key in keys:
        declared = properties.get(key)
        if declared and key not in items.get("required", ()) and "default" not in declared:
            message = (
                "this property is in x-kubernetes-list-map-keys, "
                "so it must have a default or be a required property"
            )
            yield errors.required(f"{path}.items.properties[{key}].default", message)


def _branch_errors(node: Node, path: str) -> Iterator[FieldError]:
    for word in ("allOf", "anyOf", "oneOf"):
        if node.get("x-kubernetes-int-or-string") and node.get(word) == _INT_OR_STRING:
            continue
        for index, branch in enumerate(node.get(word, ())):
            yield from _inside_branch_errors(branch, f"{path}.{word}[{index}]")
    if "not" in node:
        yield from _inside_branch_errors(node["not"], f"{path}.not")


def _inside_branch_errors(branch: Node, path: str) -> Iterator[FieldError]:
    for word in _NOT_IN_BRANCHES:
        if branch.get(word):
            yield errors.forbidden(f"{path}.{word}", "must be empty to be structural")
    for name, part in branch.get("properties", NOTHING).items():
        yield from _inside_branch_errors(part, f"{path}.properties[{name}]")
    yield from _branch_errors(branch, path)


def _default_errors(node: Node, path: str) -> Iterator[FieldError]:
    if node.get("default") is None:
        return
    at, value = f"{path}.default", node["default"]
    _, unknown = pruned(node, value, whole_object=embeds(node))
    if unknown:
        yield errors.invalid(at, shown(value), "must not have unknown fields")
    for error in value_errors(node, defaulted(node, value), "", ABSENT):
        yield FieldError(f"{at}.{error.path}" if error.path else at, error.kind, error.message)


def _rule_errors(
    node: Node, rule: Mapping[str, Any], path: str, uncorrelatable: str | None
) -> Iterator[FieldError]:
    source, message = str(rule.get("rule", "")), rule.get("message", "")
    if not source.strip():
        yield errors.required(f"{path}.rule", "rule is not specified")
        return
    if "\n" in message.strip():
        yield errors.invalid(f"{path}.message", shown(message), "must not contain line breaks")
    if "\n" in source.strip() and not message:
        why = "message must be specified if rule contains line breaks"
        yield errors.required(f"{path}.message", why)
    if "reason" in rule and rule["reason"] not in REASONS:
        yield errors.unsupported(f"{path}.reason", rule["reason"], REASONS)
    if "fieldPath" in rule and not _declared(node, rule["fieldPath"]):
        at = f"{path}.fieldPath"
        yield errors.invalid(at, shown(rule["fieldPath"]), "must be a valid path")
    if rule.get("optionalOldSelf"):
        at = f"{path}.optionalOldSelf"
        yield errors.forbidden(at, "the sandbox does not do optionalOldSelf")
    yield from _expression_errors(rule, path, uncorrelatable)


def _expression_errors(
    rule: Mapping[str, Any], path: str, uncorrelatable: str | None
) -> Iterator[FieldError]:
    try:
        expression = compiled(rule["rule"])
        if uncorrelatable and "oldSelf" in expression.variables:
            message = (
                f"oldSelf cannot be used on the uncorrelatable portion of the schema within {uncorrelatable}"
            )
            yield errors.invalid(f"{path}.rule", shown(rule["rule"]), message)
    except CelError as error:
        yield errors.invalid(f"{path}.rule", _printed(rule), str(error))
    try:
        compiled(rule.get("messageExpression", "''"))
    except CelError as error:
        at = f"{path}.messageExpression"
        yield errors.invalid(at, _printed(rule), f"messageExpression {error}")


def _printed(rule: Mapping[str, Any]) -> str:
    words = ("rule", "message", "messageExpression", "reason", "fieldPath", "optionalOldSelf")
    absent = {"reason": None, "optionalOldSelf": None}
    fields = {word[0].upper() + word[1:]: rule.get(word, absent.get(word, "")) for word in words}
    return "{" + ",".join(f"{shown(key)}:{shown(value)}" for key, value in fields.items()) + "}"


def _declared(node: Node, field_path: str) -> bool:
    if not field_path.startswith("."):
        return False
    part: Node | None = node
    for name in field_path[1:].split("."):
        part = None if part is None else part.get("properties", NOTHING).get(name)
    return part is not None
