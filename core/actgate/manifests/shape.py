"""What is wrong with the shape of a document, in the form of Kubernetes API messages, and how to fix it.

pydantic finds it; its words are for programmers, and these are for the author of the file.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic_core import ErrorDetails

from actgate.api.paths import Location, dotted
from actgate.api.quoting import counted, got
from actgate.decision.manifest import Problem

_EXPECTED: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "string_type": lambda _: "a string",
    "string_unicode": lambda _: "Unicode text",
    "string_too_short": lambda bound: f"text of at least {counted(bound['min_length'], 'character')}",
    "string_too_long": lambda bound: f"text of at most {counted(bound['max_length'], 'character')}",
    "string_pattern_mismatch": lambda bound: f"text of the form {bound['pattern']}",
    "float_type": lambda _: "a number",
    "int_type": lambda _: "a whole number",
    "bool_type": lambda _: "true or false, as a boolean",
    "list_type": lambda _: "a list",
    "too_long": lambda bound: _at_most(bound),
    "dict_type": lambda _: "an object",
    "model_type": lambda _: "an object",
    "greater_than_equal": lambda bound: f">= {bound['ge']}",
    "less_than_equal": lambda bound: f"<= {bound['le']}",
    "invalid_key": lambda _: "a string as the name of the field",
}


def problem(error: ErrorDetails, location: Location) -> Problem:
    """Return a validation error as a problem of the field at a location."""
    path = dotted(location)
    match error["type"]:
        case "missing":
            return Problem(path, "Required value", f"state {path}")
        case "extra_forbidden":
            return unknown_field(path, error["input"])
        case "enum":
            supported = error["ctx"]["expected"].replace(" or ", ", ").replace("'", '"')
            message = f"Unsupported value: {got(error['input'])}: supported values: {supported}"
            return Problem(path, message, "write one of the supported values")
        case "value_error":
            message = f"Invalid value: {got(error['input'])}: {error['ctx']['error']}"
            return Problem(path, message, "write it in that form")
        case kind:
            words = _EXPECTED.get(kind)
            if words is None:
                return Problem(path, f"Invalid value: {got(error['input'])}: {error['msg']}", "correct it")
            expected = words(error.get("ctx", {}))
            message = f"Invalid value: {got(error['input'])}: must be {expected}"
            return Problem(path, message, f"write {'a number ' if expected[0] in '<>' else ''}{expected}")


def _at_most(bound: Mapping[str, Any]) -> str:
    """Return how long a list may be, or a text that is validated before its length is."""
    if bound.get("field_type") == "Value":
        return f"text of at most {counted(bound['max_length'], 'character')}"
    return f"a list of at most {counted(bound['max_length'], 'item')}"


def unknown_field(path: str, value: object, remediation: str = "remove it, or correct its name") -> Problem:
    """Return the problem of a field that no schema has, with what it holds."""
    return Problem(path, f"Invalid value: {got(value)}: unknown field", remediation)
