"""What is wrong with the shape of a document, in sentences: got, expected, and how to mend it.

pydantic finds it; its words are for programmers, and these are for the person who wrote the file.
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
    "string_too_short": lambda bound: f"at least {counted(bound['min_length'], 'character')}",
    "string_too_long": lambda bound: f"at most {counted(bound['max_length'], 'character')}",
    "string_pattern_mismatch": lambda bound: f"text of the form {bound['pattern']}",
    "float_type": lambda _: "a number",
    "int_type": lambda _: "a whole number",
    "bool_type": lambda _: "true or false, as a boolean",
    "list_type": lambda _: "a list",
    "too_long": lambda bound: f"at most {bound['max_length']} items",
    "dict_type": lambda _: "an object",
    "model_type": lambda _: "an object",
    "enum": lambda bound: f"one of {bound['expected']}",
    "greater_than_equal": lambda bound: f"at least {bound['ge']}",
    "less_than_equal": lambda bound: f"at most {bound['le']}",
    "invalid_key": lambda _: "a string as the name of the field",
}


def problem(error: ErrorDetails, location: Location) -> Problem:
    """Return a validation error as a problem of the field at a location."""
    path = dotted(location)
    match error["type"]:
        case "missing":
            return Problem(path, "this field is required, and it is missing", f"state {path}")
        case "extra_forbidden":
            return Problem(
                path,
                f"there is no such field; it holds {got(error['input'])}",
                "remove it, or correct its name",
            )
        case "value_error":
            return Problem(
                path,
                f"got {got(error['input'])}, which {error['ctx']['error']}",
                "write it in that form",
            )
        case kind:
            words = _EXPECTED.get(kind)
            expected = words(error.get("ctx", {})) if words is not None else error["msg"]
            return Problem(path, f"got {got(error['input'])}, expected {expected}", f"write {expected}")
