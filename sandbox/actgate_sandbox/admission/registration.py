"""What the API server refuses in a ValidatingWebhookConfiguration."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from actgate_sandbox.admission.matching import Webhook, compiled
from actgate_sandbox.cel import CelError
from actgate_sandbox.schema import errors
from actgate_sandbox.schema.errors import FieldError, shown

_OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_VERSIONS = ("v1", "v1beta1")
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
_CHOICES = (
    ("failurePolicy", "Fail", ("Fail", "Ignore")),
    ("matchPolicy", "Equivalent", ("Equivalent", "Exact")),
)
_SIDE_EFFECTS = ("None", "NoneOnDryRun")
_URL_FORM = "desired format: https://host[/path]"


def check_configuration(configuration: Mapping[str, Any]) -> list[FieldError]:
    """Return what is wrong with a ValidatingWebhookConfiguration, defaulted."""
    found: list[FieldError] = []
    names: set[str] = set()
    for index, webhook in enumerate(configuration.get("webhooks") or ()):
        path, name = f"webhooks[{index}]", webhook.get("name", "")
        found += _name_errors(name, f"{path}.name")
        if name in names:
            found.append(errors.duplicate(f"{path}.name", name))
        names.add(name)
        found += _webhook_errors(webhook, path)
    return found


def _name_errors(name: str, path: str) -> Iterator[FieldError]:
    if not name:
        yield errors.required(path)
    elif len(name.split(".")) < 3 or not all(name.split(".")):
        message = "should be a domain with at least three segments separated by dots"
        yield errors.invalid(path, shown(name), message)


def _webhook_errors(webhook: Webhook, path: str) -> Iterator[FieldError]:
    versions, at = webhook.get("admissionReviewVersions") or (), f"{path}.admissionReviewVersions"
    if not versions:
        yield errors.required(at, f"must specify one of {', '.join(_VERSIONS)}")
    elif not set(versions) & set(_VERSIONS):
        message = f"must include at least one of {', '.join(_VERSIONS)}"
        yield errors.invalid(at, shown(versions), message)
    elif "v1" not in versions:
        yield errors.invalid(at, shown(versions), "the sandbox speaks v1 only")
    if not webhook.get("sideEffects"):
        message = f"must specify one of {', '.join(_SIDE_EFFECTS)}"
        yield errors.required(f"{path}.sideEffects", message)
    elif webhook["sideEffects"] not in _SIDE_EFFECTS:
        at = f"{path}.sideEffects"
        yield errors.unsupported(at, webhook["sideEffects"], _SIDE_EFFECTS)
    seconds = webhook.get("timeoutSeconds", 10)
    if not 1 <= seconds <= 30:
        message = "the timeout value must be between 1 and 30 seconds"
        yield errors.invalid(f"{path}.timeoutSeconds", shown(seconds), message)
    for field, default, choices in _CHOICES:
        if webhook.get(field, default) not in choices:
            yield errors.unsupported(f"{path}.{field}", webhook[field], choices)
    yield from _client_errors(webhook.get("clientConfig") or {}, f"{path}.clientConfig")
    for index, rule in enumerate(webhook.get("rules") or ()):
        yield from _rule_errors(rule, f"{path}.rules[{index}]")
    for field in ("namespaceSelector", "objectSelector"):
        yield from _selector_errors(webhook.get(field) or {}, f"{path}.{field}")
    yield from _condition_errors(webhook.get("matchConditions") or (), f"{path}.matchConditions")


def _client_errors(config: Mapping[str, Any], path: str) -> Iterator[FieldError]:
    if ("url" in config) == ("service" in config):
        yield errors.required(path, "exactly one of url or service is required")
    elif "service" in config:
        message = "the sandbox has no network of services: use url"
        yield errors.forbidden(f"{path}.service", message)
    else:
        yield from _url_errors(config["url"], f"{path}.url")
    try:
        base64.b64decode(config.get("caBundle") or "", validate=True)
    except ValueError:
        message = "unable to load root certificates: illegal base64 data"
        yield errors.invalid(f"{path}.caBundle", '"…"', message)


def _url_errors(url: str, path: str) -> Iterator[FieldError]:
    parts = urlsplit(url)
    if parts.scheme != "https":
        message = f"'https' is the only allowed URL scheme; {_URL_FORM}"
        yield errors.invalid(path, shown(parts.scheme), message)
    if not parts.hostname:
        yield errors.invalid(path, '""', f"host must be specified; {_URL_FORM}")
    if parts.username:
        message = "user information is not permitted in the URL"
        yield errors.invalid(path, shown(parts.username), message)
    if parts.fragment:
        yield errors.invalid(path, shown(parts.fragment), "fragments are not permitted in the URL")
    if parts.query:
        message = "query parameters are not permitted in the URL"
        yield errors.invalid(path, shown(parts.query), message)


def _rule_errors(rule: Mapping[str, Any], path: str) -> Iterator[FieldError]:
    for field, what in (
        ("operations", "operations"),
        ("apiGroups", "API groups"),
        ("apiVersions", "API versions"),
    ):
        entries, at = rule.get(field) or (), f"{path}.{field}"
        if not entries:
            yield errors.required(at)
        elif "*" in entries and len(entries) > 1:
            message = f"if '*' is present, must not specify other {what}"
            yield errors.invalid(at, shown(entries), message)
    for index, operation in enumerate(rule.get("operations") or ()):
        if operation not in _OPERATIONS:
            yield errors.unsupported(f"{path}.operations[{index}]", operation, _OPERATIONS)
    yield from _resource_errors(rule.get("resources") or (), f"{path}.resources")
    if rule.get("scope", "*") not in ("*", "Cluster", "Namespaced"):
        yield errors.unsupported(f"{path}.scope", rule["scope"], ("*", "Cluster", "Namespaced"))


def _resource_errors(resources: Sequence[str], path: str) -> Iterator[FieldError]:
    if not resources:
        yield errors.required(path)
    everything = "*/*" in resources
    for index, entry in enumerate(resources):
        resource, _, part = entry.partition("/")
        every_part = f"{resource}/*"
        if part and entry != every_part and every_part in resources:
            message = f"if '{every_part}' is present, must not specify {entry}"
            yield errors.invalid(f"{path}[{index}]", shown(entry), message)
    if everything and len(resources) > 1:
        message = "if '*/*' is present, must not specify other resources"
        yield errors.invalid(path, shown(resources), message)
    elif "*" in resources and any("/" not in entry for entry in resources if entry != "*"):
        message = "if '*' is present, must not specify other resources without subresources"
        yield errors.invalid(path, shown(resources), message)


def _selector_errors(selector: Mapping[str, Any], path: str) -> Iterator[FieldError]:
    for index, requirement in enumerate(selector.get("matchExpressions") or ()):
        at, operator = f"{path}.matchExpressions[{index}]", requirement.get("operator", "")
        values = requirement.get("values")
        if operator not in _OPERATORS:
            yield errors.invalid(f"{at}.operator", shown(operator), "not a valid selector operator")
        elif operator in ("In", "NotIn") and not values:
            message = "must be specified when `operator` is 'In' or 'NotIn'"
            yield errors.required(f"{at}.values", message)
        elif operator in ("Exists", "DoesNotExist") and values:
            message = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            yield errors.forbidden(f"{at}.values", message)


def _condition_errors(conditions: Sequence[Mapping[str, Any]], path: str) -> Iterator[FieldError]:
    if len(conditions) > 64:
        yield errors.too_many(path, len(conditions), 64)
    names = set()
    for index, condition in enumerate(conditions):
        at, source = f"{path}[{index}]", condition.get("expression", "").strip()
        name = condition.get("name", "")
        if not name:
            yield errors.required(f"{at}.name")
        elif name in names:
            yield errors.duplicate(f"{at}.name", name)
        names.add(name)
        if not source:
            yield errors.required(f"{at}.expression")
            continue
        try:
            compiled(source)
        except CelError as error:
            yield errors.invalid(f"{at}.expression", shown(condition["expression"]), str(error))
