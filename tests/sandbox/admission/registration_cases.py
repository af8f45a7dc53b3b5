"""Changes to a webhook, and what the API server says about the registration."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.sandbox.admission.configurations import rule


class Case(NamedTuple):
    """Fields changed in an acceptable webhook, and the complaints; none where it is fine."""

    changes: dict[str, Any]
    complaints: tuple[str, ...] = ()


def _url(url: str, complaint: str) -> Case:
    message = f"webhooks[0].clientConfig.url: Invalid value: {complaint}"
    return Case({"clientConfig": {"url": url}}, (message,))


def _selector(field: str, requirement: dict[str, Any], complaint: str) -> Case:
    message = f"webhooks[0].{field}.matchExpressions[0].{complaint}"
    return Case({field: {"matchExpressions": [requirement]}}, (message,))


def _condition(condition: dict[str, str], complaint: str) -> Case:
    return Case({"matchConditions": [condition]}, (f"webhooks[0].matchConditions[0].{complaint}",))


_FORM = "desired format: https://host[/path]"
_SIDE_EFFECTS = '"None", "NoneOnDryRun"'

CASES = {
    "fine": Case({}),
    "fine, with conditions": Case(
        {"matchConditions": [{"name": "a", "expression": "request.operation == 'CREATE'"}]}
    ),
    "a short name": Case(
        {"name": "check"},
        (
            'webhooks[0].name: Invalid value: "check": '
            "should be a domain with at least three segments separated by dots",
        ),
    ),
    "no review versions": Case(
        {"admissionReviewVersions": None},
        ("webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1",),
    ),
    "an unknown review version": Case(
        {"admissionReviewVersions": ["v2"]},
        (
            'webhooks[0].admissionReviewVersions: Invalid value: ["v2"]: '
            "must include at least one of v1, v1beta1",
        ),
    ),
    "no word on side effects": Case(
        {"sideEffects": None},
        ("webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun",),
    ),
    "side effects": Case(
        {"sideEffects": "Some"},
        (f'webhooks[0].sideEffects: Unsupported value: "Some": supported values: {_SIDE_EFFECTS}',),
    ),
    "no time": Case(
        {"timeoutSeconds": 0},
        ("webhooks[0].timeoutSeconds: Invalid value: 0: the timeout value must be between 1 and 30 seconds",),
    ),
    "too much time": Case(
        {"timeoutSeconds": 31},
        (
            "webhooks[0].timeoutSeconds: Invalid value: 31: "
            "the timeout value must be between 1 and 30 seconds",
        ),
    ),
    "no address": Case(
        {"clientConfig": {}},
        ("webhooks[0].clientConfig: Required value: exactly one of url or service is required",),
    ),
    "plain HTTP": _url("http://x/", f"\"http\": 'https' is the only allowed URL scheme; {_FORM}"),
    "no host": _url("https:///x", f'"": host must be specified; {_FORM}'),
    "a user": _url("https://u@x/", '"u": user information is not permitted in the URL'),
    "a fragment": _url("https://x/#f", '"f": fragments are not permitted in the URL'),
    "a query": _url("https://x/?a=b", '"a=b": query parameters are not permitted in the URL'),
    "an unknown failure policy": Case(
        {"failurePolicy": "X"},
        ('webhooks[0].failurePolicy: Unsupported value: "X": supported values: "Fail", "Ignore"',),
    ),
    "an unknown match policy": Case(
        {"matchPolicy": "X"},
        ('webhooks[0].matchPolicy: Unsupported value: "X": supported values: "Equivalent", "Exact"',),
    ),
    "a rule without operations": Case(
        {"rules": [rule("*", operations=[])]},
        ("webhooks[0].rules[0].operations: Required value",),
    ),
    "an unknown operation": Case(
        {"rules": [rule("*", operations=["PATCH"])]},
        (
            'webhooks[0].rules[0].operations[0]: Unsupported value: "PATCH": '
            'supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"',
        ),
    ),
    "a rule with everything and more": Case(
        {"rules": [rule("*", "pods", operations=["*", "CREATE"])]},
        (
            'webhooks[0].rules[0].operations: Invalid value: ["*","CREATE"]: '
            "if '*' is present, must not specify other operations",
            'webhooks[0].rules[0].resources: Invalid value: ["*","pods"]: '
            "if '*' is present, must not specify other resources without subresources",
        ),
    ),
    "every subresource and one": Case(
        {"rules": [rule("pods/*", "pods/status")]},
        (
            'webhooks[0].rules[0].resources[1]: Invalid value: "pods/status": '
            "if 'pods/*' is present, must not specify pods/status",
        ),
    ),
    "every resource and one": Case(
        {"rules": [rule("*/*", "pods")]},
        (
            'webhooks[0].rules[0].resources: Invalid value: ["*/*","pods"]: '
            "if '*/*' is present, must not specify other resources",
        ),
    ),
    "an unknown scope": Case(
        {"rules": [rule("*", scope="X")]},
        (
            'webhooks[0].rules[0].scope: Unsupported value: "X": '
            'supported values: "*", "Cluster", "Namespaced"',
        ),
    ),
    "an unknown operator": _selector(
        "namespaceSelector",
        {"key": "a", "operator": "X"},
        'operator: Invalid value: "X": not a valid selector operator',
    ),
    "In without values": _selector(
        "objectSelector",
        {"key": "a", "operator": "In"},
        "values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    ),
    "Exists with values": _selector(
        "objectSelector",
        {"key": "a", "operator": "Exists", "values": ["x"]},
        "values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    ),
    "a condition without a name": _condition({"expression": "true"}, "name: Required value"),
    "a condition without an expression": _condition({"name": "a"}, "expression: Required value"),
    "a condition of wrong syntax": _condition(
        {"name": "a", "expression": "object.x =="},
        'expression: Invalid value: "object.x ==": compilation failed: ERROR: <input>:1:12: ',
    ),
    "a condition on something unknown": _condition(
        {"name": "a", "expression": "other == 1"},
        'expression: Invalid value: "other == 1": compilation failed: ',
    ),
    "a condition on an unknown field of the request": _condition(
        {"name": "a", "expression": "request.uid == ''"},
        "expression: Invalid value: \"request.uid == ''\": compilation failed: ",
    ),
}
"""Complaints are compared as beginnings: after a compiler's first words two libraries differ."""
