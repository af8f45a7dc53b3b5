"""Whether a webhook is to be asked: rules, selectors, then match conditions, in this order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from actgate_sandbox.admission.attributes import Attributes
from actgate_sandbox.cel import CelError, Expression

Labels = Mapping[str, str]
Webhook = Mapping[str, Any]

_REQUEST_FIELDS = frozenset(
    {
        *("dryRun", "kind", "name", "namespace", "operation", "options", "requestKind"),
        *("requestResource", "requestSubResource", "resource", "subResource", "userInfo"),
    }
)
_REQUEST_FIELD = re.compile(r"\brequest\.(\w+)")
_NAMESPACES = ("", "namespaces")


class ConditionError(Exception):
    """A match condition has no value for this request; the message names every such condition."""


def concerned(webhook: Webhook, attributes: Attributes) -> bool:
    """Return whether a rule of a webhook fits the request."""
    return any(_rule_matches(rule, attributes) for rule in webhook.get("rules", ()))


def selected(webhook: Webhook, attributes: Attributes, namespace_labels: Labels | None) -> bool:
    """Return whether the namespace and the object, old or new, carry the labels that are asked for."""
    if attributes.namespace or _is_namespace(attributes):
        labels = namespace_labels or {}
        if _is_namespace(attributes):
            labels = labels_of(attributes.object or attributes.old_object)
        if not matches(webhook.get("namespaceSelector") or {}, labels):
            return False
    selector = webhook.get("objectSelector") or {}
    if not selector:
        return True
    versions = (attributes.object, attributes.old_object)
    return any(matches(selector, labels_of(obj)) for obj in versions if obj is not None)


def conditions_hold(webhook: Webhook, attributes: Attributes) -> bool:
    """Return whether every match condition is true; a false one outweighs those that fail.

    Raises:
        ConditionError: None is false, and at least one has no value.
    """
    variables = {"request": attributes.request(), **attributes.objects()}
    problems = []
    for condition in webhook.get("matchConditions", ()):
        try:
            if not compiled(condition["expression"]).holds(variables):
                return False
        except CelError as error:
            problems.append(f"expression '{condition['expression']}' resulted in error: {error}")
    if problems:
        text = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
        raise ConditionError(text)
    return True


@cache
def compiled(source: str) -> Expression:
    """Compile a match condition; CelError where that cannot be done."""
    for name in _REQUEST_FIELD.findall(source):
        if name not in _REQUEST_FIELDS:
            raise CelError(f"compilation failed: undefined field '{name}'")
    return Expression(source, ("request", "object", "oldObject"))


def matches(selector: Mapping[str, Any], labels: Labels) -> bool:
    """Apply a LabelSelector; the empty one matches everything."""
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_requirement_holds(part, labels) for part in selector.get("matchExpressions") or ())


def labels_of(obj: Mapping[str, Any] | None) -> Labels:
    """Return an object's labels, none for no object."""
    labels: Labels | None = ((obj or {}).get("metadata") or {}).get("labels")
    return labels or {}


def _requirement_holds(requirement: Mapping[str, Any], labels: Labels) -> bool:
    key, values = requirement["key"], requirement.get("values") or ()
    match requirement["operator"]:
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case unknown:
            raise ValueError(f"{unknown!r} is no label selector operator")


def _rule_matches(rule: Mapping[str, Any], attributes: Attributes) -> bool:
    endpoint = attributes.endpoint
    return (
        _listed(rule.get("operations", ()), attributes.operation)
        and _listed(rule.get("apiGroups", ()), endpoint.group)
        and _listed(rule.get("apiVersions", ()), endpoint.version)
        and _in_scope(rule.get("scope", "*"), attributes)
        and any(
            _resource_matches(entry, endpoint.resource, attributes.subresource)
            for entry in rule.get("resources", ())
        )
    )


def _listed(entries: Sequence[str], value: str) -> bool:
    return "*" in entries or value in entries


def _in_scope(scope: str, attributes: Attributes) -> bool:
    cluster = not attributes.namespace or _is_namespace(attributes)
    return scope == "*" or (scope == "Cluster") is cluster


def _resource_matches(entry: str, resource: str, subresource: str) -> bool:
    wanted, _, wanted_part = entry.partition("/")
    return wanted in ("*", resource) and wanted_part in (subresource, "*")


def _is_namespace(attributes: Attributes) -> bool:
    return (attributes.endpoint.group, attributes.endpoint.resource) == _NAMESPACES
