"""A schema, ready for use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from actgate_sandbox.cel import CelError
from actgate_sandbox.schema.errors import SchemaError
from actgate_sandbox.schema.objects import NOTHING, Node, defaulted, pruned
from actgate_sandbox.schema.rules import compiled, rule_errors
from actgate_sandbox.schema.values import ABSENT, mistyped, value_errors
from actgate_sandbox.status import Cause

_UNDERSTOOD: Final = frozenset(
    {
        *("additionalProperties", "default", "description", "enum", "format", "items", "maxItems"),
        *("maxLength", "maxProperties", "maximum", "minItems", "minLength", "minimum", "nullable"),
        *("pattern", "properties", "required", "title", "type"),
        *("x-kubernetes-int-or-string", "x-kubernetes-list-map-keys", "x-kubernetes-list-type"),
        *("x-kubernetes-map-type", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-validations"),
    }
)
_RULE_UNDERSTOOD: Final = frozenset({"fieldPath", "message", "rule"})


class Schema:
    """The schema of whole objects (apiVersion, kind and metadata are there without being declared).

    Raises:
        SchemaError: It uses what the sandbox cannot do; nothing is passed over in silence.
    """

    def __init__(self, node: Node) -> None:
        for path, part in _parts(node, ""):
            _refuse_what_cannot_be_done(path, part)
        self._node = node

    def default(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return a copy with defaults filled in; nulls are dropped where null is not allowed."""
        return dict(defaulted(self._node, value))

    def prune(self, value: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Return a copy without undeclared fields, and their paths (`spec.list[0].field`)."""
        return pruned(self._node, value)

    def misfits(self, value: dict[str, Any]) -> list[str]:
        """Return a sentence for each field that is not declared, and each of another type than declared."""
        unknown = [f".{path}: field not declared in schema" for path in self.prune(value)[1]]
        return unknown + [f".{path}: of another type" for path in mistyped(self._node, value, "")]

    def validate(self, value: dict[str, Any], old: dict[str, Any] | None = None) -> list[Cause]:
        """Return what is wrong; with the old object, what did not change is not judged again.

        Rules are asked only of an object whose values fit.
        """
        before: object = ABSENT if old is None else old
        return list(value_errors(self._node, value, "", before)) or list(
            rule_errors(self._node, value, "", before)
        )


def _refuse_what_cannot_be_done(path: str, node: Node) -> None:
    rules = node.get("x-kubernetes-validations", ())
    unknown = {*node.keys()} - _UNDERSTOOD | {key for rule in rules for key in rule} - _RULE_UNDERSTOOD
    if isinstance(node.get("additionalProperties"), bool):
        unknown.add("additionalProperties: true")
    if unknown:
        raise SchemaError(f"{path}: the sandbox does not do {', '.join(sorted(unknown))}")
    try:
        for rule in rules:
            compiled(rule["rule"])
    except CelError as error:
        raise SchemaError(f"{path}: {error}") from error


def _parts(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    yield path, node
    for key, part in node.get("properties", NOTHING).items():
        yield from _parts(part, f"{path}.{key}" if path else key)
    for word in ("items", "additionalProperties"):
        if isinstance(node.get(word), dict):
            yield from _parts(node[word], f"{path}[*]")
