"""A schema, ready for use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from actgate_sandbox.cel import CelError
from actgate_sandbox.schema import errors, formats
from actgate_sandbox.schema.correlation import ABSENT
from actgate_sandbox.schema.errors import FieldError, SchemaError
from actgate_sandbox.schema.objects import Node, defaulted, pruned
from actgate_sandbox.schema.rules import compiled, has_rules, rule_findings
from actgate_sandbox.schema.values import duplicate_errors, value_errors

# With one of these in the object, the API server does not ask its rules.
_BLOCKING = frozenset(
    {
        "FieldValueNotSupported",
        "FieldValueRequired",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
    }
)
_UNCHECKED = (
    "some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is wrong with an object, and what is only warned of since it was so before."""

    errors: list[FieldError]
    warnings: list[str]


class Schema:
    """The schema of whole objects (apiVersion, kind and metadata are there without being declared)."""

    def __init__(self, node: Node) -> None:
        for path, part in _parts(node, ""):
            _refuse_what_cannot_be_done(path, part)
        self.node = node
        self._has_rules = has_rules(node)

    def default(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return a copy with defaults filled in; nulls are dropped where null is not allowed."""
        return dict(defaulted(self.node, value))

    def prune(self, value: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Return a copy without undeclared fields, and their paths (`spec.list[0].field`)."""
        kept, dropped = pruned(self.node, value, whole_object=True)
        return dict(kept), dropped

    def validate(self, value: dict[str, Any], old: dict[str, Any] | None = None) -> list[FieldError]:
        """Return what is wrong; with the old object, what did not change is forgiven."""
        return self.judge(value, old).errors

    def judge(self, value: dict[str, Any], old: dict[str, Any] | None = None) -> Judgement:
        """Validate as `validate` does, and return the warnings about forgiven rules as well."""
        before: object = ABSENT if old is None else old
        found = list(value_errors(self.node, value, "", before))
        found += duplicate_errors(self.node, value, "")
        if not self._has_rules:
            return Judgement(found, [])
        if any(error.kind in _BLOCKING for error in found):
            return Judgement([*found, errors.invalid(errors.NO_PATH, "null", _UNCHECKED)], [])
        failed = list(rule_findings(self.node, value, "", before, whole_object=True))
        warnings = [f"{f.error.path}: {f.error.message}" for f in failed if f.ratcheted]
        return Judgement(found + [f.error for f in failed if not f.ratcheted], warnings)


def compile_schema(node: Node) -> Schema:
    """Make an OpenAPI v3 schema ready for use.

    Raises:
        SchemaError: It uses what the sandbox cannot do; nothing is passed over in silence.
    """
    return Schema(node)


def _refuse_what_cannot_be_done(path: str, node: Node) -> None:
    if "$ref" in node:
        raise SchemaError(f"{path}.$ref: the sandbox follows no references; write the schema out")
    if isinstance(node.get("additionalProperties"), bool):
        raise SchemaError(f"{path}.additionalProperties: the sandbox takes a schema here, not a boolean")
    if any(rule.get("optionalOldSelf") for rule in node.get("x-kubernetes-validations", ())):
        raise SchemaError(f"{path}: the sandbox does not do optionalOldSelf")
    try:
        if "pattern" in node:
            formats.pattern(node["pattern"])
        for rule in node.get("x-kubernetes-validations", ()):
            compiled(rule["rule"])
            compiled(rule.get("messageExpression", "''"))
    except (CelError, SchemaError) as error:
        raise SchemaError(f"{path}: {error}") from error


def _parts(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    yield path, node
    named: Mapping[str, Node] = node.get("properties") or {}
    for key, part in named.items():
        yield from _parts(part, f"{path}.{key}" if path else key)
    for word in ("items", "additionalProperties", "not"):
        if isinstance(node.get(word), Mapping):
            yield from _parts(node[word], f"{path}[*]")
    for word in ("allOf", "anyOf", "oneOf"):
        for part in node.get(word, ()):
            yield from _parts(part, path)
