"""CRDs with one thing wrong, and what the API server says about each."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple


class Case(NamedTuple):
    """What is laid over an acceptable CRD, and the complaints (`field: message`) it earns."""

    patch: dict[str, Any]
    complaints: tuple[str, ...] = ()


BASE: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "bads.crd.test"},
    "spec": {
        "group": "crd.test",
        "scope": "Namespaced",
        "names": {"plural": "bads", "kind": "Bad", "singular": "bad", "listKind": "BadList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "a": {"type": "string"},
                                    "n": {"type": "integer"},
                                    "l": {"type": "array", "items": {"type": "string"}},
                                },
                            }
                        },
                    }
                },
            }
        ],
    },
}


def patched(value: Any, patch: Any) -> Any:  # noqa: ANN401 - any JSON
    """Lay a patch over a CRD: null removes, and item 0 of a list is patched by a mapping."""
    if isinstance(value, list) and isinstance(patch, dict):
        return [patched(value[0], patch), *value[1:]]
    if not isinstance(patch, dict) or not isinstance(value, dict):
        return copy.deepcopy(patch)
    merged = copy.deepcopy(value)
    for key, change in patch.items():
        if change is None:
            merged.pop(key, None)
        else:
            merged[key] = patched(merged.get(key), change)
    return merged


def _version(**changes: object) -> dict[str, Any]:
    return {"spec": {"versions": changes}}


def _schema(**changes: object) -> dict[str, Any]:
    return _version(schema={"openAPIV3Schema": changes})


_X = "spec.validation.openAPIV3Schema.properties[spec].properties[x]"


def _x(node: dict[str, Any], *complaints: str) -> Case:
    """A field `spec.x` with this schema; complaints are told from its place on."""
    patch = _schema(properties={"spec": {"properties": {"x": node}}})
    return Case(patch, tuple(f"{_X}{complaint}" for complaint in complaints))


def _ruled(rule: dict[str, Any], *complaints: str) -> Case:
    node = {
        "type": "object",
        "properties": {"a": {"type": "string", "maxLength": 5}},
        "x-kubernetes-validations": [rule],
    }
    return _x(node, *(f".x-kubernetes-validations[0].{complaint}" for complaint in complaints))


def _printed(rule: str, expression: str = "") -> str:
    return (
        f'Invalid value: {{"Rule":"{rule}","Message":"","MessageExpression":"{expression}",'
        '"Reason":null,"FieldPath":"","OptionalOldSelf":null}: '
    )


def _keyed(items: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"type": "array", "x-kubernetes-list-type": "map", "items": items, **more}


_ITEM = {"type": "object", "properties": {"k": {"type": "string"}}}
_LABEL = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character"
)
_MESSAGE_EXPRESSION = _printed("self.a == 'x'", "self.a +")
_REASONS = '"FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"'

STRUCTURE = {
    "no type at the root": Case(
        _schema(type=None),
        ("spec.validation.openAPIV3Schema.type: Required value: must not be empty at the root",),
    ),
    "a string at the root": Case(
        {
            "spec": {
                "versions": [
                    {**BASE["spec"]["versions"][0], "schema": {"openAPIV3Schema": {"type": "string"}}}
                ]
            }
        },
        ('spec.validation.openAPIV3Schema.type: Invalid value: "string": must be object at the root',),
    ),
    "a field without a type": _x(
        {"properties": {"a": {"type": "string"}}},
        ".type: Required value: must not be empty for specified object fields",
    ),
    "items without a type": _x(
        {"type": "array", "items": {"description": "x"}},
        ".items.type: Required value: must not be empty for specified array items",
    ),
    "a list without items": _x({"type": "array"}, ".items: Required value: must be specified"),
    "an unknown type": _x(
        {"type": "text"},
        '.type: Unsupported value: "text": supported values: '
        '"array", "boolean", "integer", "number", "object", "string"',
    ),
    "preserve-unknown-fields false": _x(
        {"type": "object", "x-kubernetes-preserve-unknown-fields": False},
        ".x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined",
    ),
    "unique items": _x(
        {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
        ".uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity "
        "becomes quadratic",
    ),
    "properties and additionalProperties": _x(
        {**_ITEM, "additionalProperties": {"type": "string"}},
        ".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
    ),
    "a reference": _x({"$ref": "#/x"}, ".$ref: Forbidden: $ref is not supported"),
    "a default of the wrong type": _x(
        {"type": "string", "default": 5},
        '.default: Invalid value: "integer":  in body must be of type string: "integer"',
    ),
    "a default with unknown fields": _x(
        {**_ITEM, "default": {"b": 1}},
        '.default: Invalid value: {"b":1}: must not have unknown fields',
    ),
    "a default outside its enumeration": _x(
        {"type": "string", "enum": ["a"], "default": "b"},
        '.default: Unsupported value: "b": supported values: "a"',
    ),
    "a pattern that is none": _x(
        {"type": "string", "pattern": "("},
        '.pattern: Invalid value: "(": must be a valid regular expression, but isn\'t: '
        "error parsing regexp: ",
    ),
    "a pattern that looks ahead": _x(
        {"type": "string", "pattern": "(?=x)"},
        '.pattern: Invalid value: "(?=x)": must be a valid regular expression, but isn\'t: '
        "error parsing regexp: ",
    ),
    "a map without keys": _x(
        _keyed(_ITEM),
        ".x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map",
    ),
    "an optional key": _x(
        _keyed(_ITEM, **{"x-kubernetes-list-map-keys": ["k"]}),
        ".items.properties[k].default: Required value: this property is in "
        "x-kubernetes-list-map-keys, so it must have a default or be a required property",
    ),
    "a key that is no property": _x(
        _keyed(_ITEM, **{"x-kubernetes-list-map-keys": ["z"]}),
        '.x-kubernetes-list-map-keys: Invalid value: ["z"]: entries must all be names of item properties',
    ),
    "a map of strings": _x(
        _keyed({"type": "string"}, **{"x-kubernetes-list-map-keys": ["z"]}),
        '.items.type: Invalid value: "string": '
        "must be object if parent array's x-kubernetes-list-type is map",
    ),
    "a set of objects": _x(
        {"type": "array", "x-kubernetes-list-type": "set", "items": _ITEM},
        ".items.x-kubernetes-map-type: Invalid value: null: "
        "must be atomic as item of a list with x-kubernetes-list-type=set",
    ),
    "an unknown list type": _x(
        {"type": "array", "x-kubernetes-list-type": "bag", "items": {"type": "string"}},
        '.x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map"',
    ),
    "a list type on an object": _x(
        {"type": "object", "x-kubernetes-list-type": "set"},
        '.type: Invalid value: "object": must be array if x-kubernetes-list-type is specified',
    ),
    "an unknown map type": _x(
        {"type": "object", "x-kubernetes-map-type": "bag"},
        '.x-kubernetes-map-type: Unsupported value: "bag": supported values: "atomic", "granular"',
    ),
    "an embedded object without a shape": _x(
        {"type": "object", "x-kubernetes-embedded-resource": True},
        ".properties: Required value: must not be empty if x-kubernetes-embedded-resource is true "
        "without x-kubernetes-preserve-unknown-fields",
    ),
    "a type in a branch": _x(
        {"type": "object", "anyOf": [{"type": "object"}]},
        ".anyOf[0].type: Forbidden: must be empty to be structural",
    ),
    "a description in a branch": _x(
        {"type": "object", "anyOf": [{"description": "x"}]},
        ".anyOf[0].description: Forbidden: must be empty to be structural",
    ),
    "a schema for labels": Case(
        _schema(properties={"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}}),
        (
            "spec.validation.openAPIV3Schema.properties[metadata]: Forbidden: must not specify "
            "anything other than name and generateName, but metadata is implicitly specified",
        ),
    ),
    "metadata of the wrong type": Case(
        _schema(properties={"metadata": {"type": "string"}}),
        (
            "spec.validation.openAPIV3Schema.properties[metadata].type: "
            'Invalid value: "string": must be object',
        ),
    ),
}

RULES = {
    "a rule": _ruled({"rule": "self.a == 'x'"}),
    "wrong syntax": _ruled(
        {"rule": "self.a =="},
        f"rule: {_printed('self.a ==')}compilation failed: ERROR: <input>:1:10: ",
    ),
    "an unknown function": _ruled(
        {"rule": "other(self.a)"}, f"rule: {_printed('other(self.a)')}compilation failed: "
    ),
    "an unknown method": _ruled(
        {"rule": "self.a.other()"}, f"rule: {_printed('self.a.other()')}compilation failed: "
    ),
    "an unknown variable": _ruled(
        {"rule": "other == 1"}, f"rule: {_printed('other == 1')}compilation failed: "
    ),
    "no rule": _ruled({"message": "x"}, "rule: Required value: rule is not specified"),
    "an empty rule": _ruled({"rule": "  "}, "rule: Required value: rule is not specified"),
    "a message of two lines": _ruled(
        {"rule": "self.a == 'x'", "message": "a\nb"},
        'message: Invalid value: "a\\nb": must not contain line breaks',
    ),
    "a rule of two lines without a message": _ruled(
        {"rule": "self.a ==\n'x'"},
        "message: Required value: message must be specified if rule contains line breaks",
    ),
    "an unknown reason": _ruled(
        {"rule": "self.a == 'x'", "reason": "Bad"},
        f'reason: Unsupported value: "Bad": supported values: {_REASONS}',
    ),
    "a field path without a dot": _ruled(
        {"rule": "self.a == 'x'", "fieldPath": "a"},
        'fieldPath: Invalid value: "a": must be a valid path',
    ),
    "a field path to nowhere": _ruled(
        {"rule": "self.a == 'x'", "fieldPath": ".z"},
        'fieldPath: Invalid value: ".z": must be a valid path',
    ),
    "a wrong message expression": _ruled(
        {"rule": "self.a == 'x'", "messageExpression": "self.a +"},
        f"messageExpression: {_MESSAGE_EXPRESSION}messageExpression compilation failed: ERROR: <input>:1:9: ",
    ),
    "an old value that cannot be found": _x(
        {
            "type": "array",
            "maxItems": 3,
            "items": {
                "type": "string",
                "maxLength": 5,
                "x-kubernetes-validations": [{"rule": "self == oldSelf"}],
            },
        },
        '.items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": '
        f"oldSelf cannot be used on the uncorrelatable portion of the schema within {_X}",
    ),
}


def _label(path: str, value: str, patch: dict[str, Any]) -> Case:
    return Case(patch, (f'{path}: Invalid value: "{value}": {_LABEL}',))


def _scale(paths: dict[str, str], *complaints: str) -> Case:
    told = tuple(f"spec.subresources.scale.{complaint}" for complaint in complaints)
    return Case(_version(subresources={"scale": paths}), told)


def _column(column: dict[str, str], *complaints: str) -> Case:
    told = tuple(f"spec.additionalPrinterColumns[0].{complaint}" for complaint in complaints)
    return Case(_version(additionalPrinterColumns=[column]), told)


def _selectable(paths: list[str], *complaints: str) -> Case:
    told = tuple(f"spec.selectableFields{complaint}" for complaint in complaints)
    return Case(_version(selectableFields=[{"jsonPath": path} for path in paths]), told)


DEFINITION = {
    "an acceptable CRD": Case({}),
    "a name that does not fit": Case(
        {"metadata": {"name": "others.crd.test"}},
        ('metadata.name: Invalid value: "others.crd.test": must be spec.names.plural+"."+spec.group',),
    ),
    "a group without a dot": Case(
        {"metadata": {"name": "bads.crd"}, "spec": {"group": "crd"}},
        ('spec.group: Invalid value: "crd": should be a domain with at least one dot',),
    ),
    "a protected group": Case(
        {"metadata": {"name": "bads.crd.k8s.io"}, "spec": {"group": "crd.k8s.io"}},
        (
            "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups "
            'must have approval annotation "api-approved.kubernetes.io", '
            "see https://github.com/kubernetes/enhancements/pull/1111",
        ),
    ),
    "no scope": Case({"spec": {"scope": None}}, ("spec.scope: Required value",)),
    "an unknown scope": Case(
        {"spec": {"scope": "World"}},
        ('spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"',),
    ),
    "a kind that is no word": Case(
        {"spec": {"names": {"kind": "bad kind"}}},
        (
            'spec.names.kind: Invalid value: "bad kind": '
            f"may have mixed case, but should otherwise match: {_LABEL}",
        ),
    ),
    "one name for kind and list": Case(
        {"spec": {"names": {"listKind": "Bad"}}},
        ('spec.names.listKind: Invalid value: "Bad": kind and listKind may not be the same',),
    ),
    "a short name that is no label": _label(
        "spec.names.shortNames[0]", "B B", {"spec": {"names": {"shortNames": ["B B"]}}}
    ),
    "a category that is no label": _label(
        "spec.names.categories[0]", "B B", {"spec": {"names": {"categories": ["B B"]}}}
    ),
    "no schema": Case(_version(schema=None), ("spec.versions[0].schema.openAPIV3Schema: Required value",)),
    "preserveUnknownFields": Case(
        {"spec": {"preserveUnknownFields": True}},
        (
            "spec.preserveUnknownFields: Invalid value: true: cannot set to true, "
            "set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
        ),
    ),
    "a scale without paths": _scale(
        {}, "specReplicasPath: Required value", "statusReplicasPath: Required value"
    ),
    "a scale with wrong paths": _scale(
        {
            "specReplicasPath": "spec.replicas",
            "statusReplicasPath": ".spec.replicas",
            "labelSelectorPath": ".other",
        },
        'specReplicasPath: Invalid value: "spec.replicas": must be a simple json path starting with .',
        'statusReplicasPath: Invalid value: ".spec.replicas": should be a json path under .status',
        'labelSelectorPath: Invalid value: ".other": should be a json path under either .spec or .status',
    ),
    "a column without a path": _column({"name": "A", "type": "string"}, "JSONPath: Required value"),
    "a column whose path lacks the dot": _column(
        {"name": "A", "type": "string", "jsonPath": "spec.a"},
        'JSONPath: Invalid value: "spec.a": must be a simple json path starting with .',
    ),
    "a column without a name": _column({"type": "string", "jsonPath": ".spec.a"}, "name: Required value"),
    "a column of unknown type and format": _column(
        {"name": "A", "type": "text", "format": "x", "jsonPath": ".spec.a"},
        'type: Invalid value: "text": must be one of boolean,date,integer,number,string',
        'format: Invalid value: "x": must be one of byte,date,date-time,double,float,int32,int64,password',
    ),
    "a column with a filter": _column(
        {"name": "A", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'}
    ),
    "selectable fields": _selectable([".spec.a", ".spec.n"]),
    "a selectable field that is not there": _selectable(
        [".spec.z"],
        '[0].jsonPath: Invalid value: ".spec.z": is an invalid path: does not refer to a valid field',
    ),
    "a selectable list": _selectable(
        [".spec.l"],
        '[0].jsonPath: Invalid value: ".spec.l": must point to a field of type string, boolean or '
        "integer. Enum string fields and strings with formats are allowed.",
    ),
    "a selectable list item": _selectable(
        [".spec.l[0]"],
        '[0].jsonPath: Invalid value: ".spec.l[0]": is an invalid path: array notation is not allowed',
    ),
    "selectable metadata": _selectable(
        [".metadata.name"],
        '[0].jsonPath: Invalid value: ".metadata.name": is an invalid path: does not refer to a valid field',
    ),
    "a selectable field twice": _selectable(
        [".spec.a", ".spec.a"], '[1].jsonPath: Duplicate value: ".spec.a"'
    ),
    "a selectable field without the dot": _selectable(
        ["spec.a"],
        '[0].jsonPath: Invalid value: "spec.a": is an invalid path: expected [ or . but got: spec',
    ),
}

CASES = DEFINITION | STRUCTURE | RULES
"""Complaints are compared as beginnings: two compilers differ after their first words."""
