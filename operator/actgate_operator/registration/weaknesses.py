"""In what a registration asks the webhook less than the generated one does: pure, a comparison.

What asks more is no weakness: rules for an administrator's kinds, a match condition that was taken out, or
``Fail`` where ``Ignore`` was generated. Namespaces that opt in are a choice of the components, and so none.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

from actgate.api.names import ENFORCE_LABEL, EXEMPT_LABEL, NAMESPACE_NAME_LABEL, OUTSIDE_NAMESPACES
from actgate.kube.objects import Object

_GENERATED: Final = Path(__file__).with_name("generated.json")
_OPERATIONS: Final = ("CREATE", "UPDATE")
_CHOICES: Final = (
    {"key": EXEMPT_LABEL, "operator": "DoesNotExist"},
    {"key": ENFORCE_LABEL, "operator": "Exists"},
    {"key": ENFORCE_LABEL, "operator": "NotIn", "values": ["false"]},
)
"""What a namespaceSelector may ask for, beside the names of namespaces."""


class Reason(StrEnum):
    """In which respect a registration is weak; a label of the metric."""

    UNREAD = "Unread"
    """It could not be read yet."""
    MISSING = "Missing"
    """The registration, or one of its webhooks."""
    FAILURE_POLICY = "FailurePolicy"
    RULES = "Rules"
    NAMESPACES = "Namespaces"
    OBJECTS = "Objects"
    CONDITIONS = "Conditions"
    ADDRESS = "Address"
    """Another server is asked."""


class Weakness(NamedTuple):
    """One respect in which the API server asks the webhook less, or another server."""

    reason: Reason
    detail: str
    """Where, what it is and what it must be; one sentence."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What an installation chooses."""

    namespace: str
    """Of the webhook's Service; nothing in it is asked about."""
    service: str
    failure_policy: Literal["Fail", "Ignore"] = "Fail"
    """Of the webhooks that are generated with Fail; Ignore for the first weeks."""


def weaknesses(registration: Object | None, chosen: Chosen) -> tuple[Weakness, ...]:
    """Return in what a registration is weaker than the generated one; None is one that does not exist."""
    if registration is None:
        return (Weakness(Reason.MISSING, "the ValidatingWebhookConfiguration: not found"),)
    found = {item["name"]: item for item in registration.get("webhooks") or []}
    return tuple(
        weakness
        for name, expected in _generated().items()
        for weakness in (
            _of_webhook(f"webhooks[{name}]", found[name], expected, chosen)
            if name in found
            else (Weakness(Reason.MISSING, f"webhooks[{name}]: not found"),)
        )
    )


def digest(expression: str) -> str:
    """Return what stands for the expression of a match condition, however its lines are broken.

    Kustomize, Helm and YAML libraries fold a text in different ways.
    """
    return hashlib.sha256(" ".join(expression.split()).encode()).hexdigest()


def _of_webhook(at: str, found: Object, expected: Object, chosen: Chosen) -> Iterator[Weakness]:
    policy = found.get("failurePolicy", "Fail")
    if policy == "Ignore" and "Fail" == expected["failurePolicy"] == chosen.failure_policy:
        yield Weakness(Reason.FAILURE_POLICY, f"{at}.failurePolicy: Invalid value: Ignore: must be Fail")
    yield from _of_rules(at, found, expected)
    yield from _of_selectors(at, found, chosen)
    for condition in found.get("matchConditions") or ():
        name = condition["name"]
        if expected["matchConditions"].get(name) != digest(condition["expression"]):
            yield Weakness(
                Reason.CONDITIONS, f"{at}.matchConditions[{name}]: must be the one of this version, or none"
            )
    service = found["clientConfig"].get("service") or {}
    if (service.get("namespace"), service.get("name")) != (chosen.namespace, chosen.service):
        yield Weakness(
            Reason.ADDRESS, f"{at}.clientConfig: must be Service {chosen.namespace}/{chosen.service}"
        )


def _of_rules(at: str, found: Object, expected: Object) -> Iterator[Weakness]:
    rules = [rule for rule in found.get("rules") or () if "*" in rule["apiVersions"]]
    rules = [rule for rule in rules if rule.get("scope", "*") in ("*", "Namespaced")]
    for group, resource in ((group, name) for group, names in expected["rules"].items() for name in names):
        asked = {
            operation
            for rule in rules
            if _has(rule["apiGroups"], group) and _has_resource(rule["resources"], resource)
            for operation in rule["operations"]
        }
        if "*" not in asked and not asked.issuperset(_OPERATIONS):
            what = f"{resource}.{group}" if group else resource
            yield Weakness(Reason.RULES, f"{at}.rules: must have CREATE and UPDATE of {what}, any version")


def _of_selectors(at: str, found: Object, chosen: Chosen) -> Iterator[Weakness]:
    if any((found.get("objectSelector") or {}).values()):
        yield Weakness(Reason.OBJECTS, f"{at}.objectSelector: must be empty")
    selector = found.get("namespaceSelector") or {}
    if selector.get("matchLabels"):
        yield Weakness(Reason.NAMESPACES, f"{at}.namespaceSelector.matchLabels: must be empty")
    outside = {*OUTSIDE_NAMESPACES, chosen.namespace}
    for item in selector.get("matchExpressions") or ():
        is_by_name = item["key"] == NAMESPACE_NAME_LABEL and item["operator"] == "NotIn"
        if item not in _CHOICES and not (is_by_name and outside.issuperset(item["values"])):
            yield Weakness(
                Reason.NAMESPACES,
                f"{at}.namespaceSelector: must not select by {item['key']} {item['operator']}",
            )


def _has(listed: list[str], name: str) -> bool:
    return "*" in listed or name in listed


def _has_resource(listed: list[str], resource: str) -> bool:
    whole, _, sub = resource.partition("/")
    return any(item in listed for item in (resource, "*/*", f"*/{sub}" if sub else "*", f"{whole}/*"))


@cache
def _generated() -> dict[str, Object]:
    """Return, by webhook, failurePolicy, resources by group, and digests of match conditions."""
    generated: dict[str, Object] = json.loads(_GENERATED.read_text("utf-8"))
    return generated
