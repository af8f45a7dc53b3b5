"""CEL as the API server uses it, as far as the library goes.

An expression is checked when it is registered: syntax, functions and variables that the
library lacks are refused then, never at the first object. Not done here and left to the real API
server: type checks (a misspelt field is an error at evaluation only) and cost estimates. And an
item without a value is an error of the whole `exists` or `all`, even where another item decides it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import cel

FUNCTIONS = frozenset(
    [
        "size",
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "string",
        "int",
        "uint",
        "double",
        "bytes",
        "timestamp",
        "duration",
        "dyn",
        "type",
    ]
)
"""Functions that every CEL has, and that the library evaluates as cel-go does."""

KUBERNETES: dict[str, Callable[..., Any]] = {
    "sum": sum,
    "join": lambda texts, separator: separator.join(texts),
    "replace": lambda text, old, new: text.replace(old, new),
}
"""Functions that Kubernetes adds, as far as a definition of ours needs them."""

_TYPES = frozenset(["bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type"])
_MACRO_VARIABLE = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*(\w+)\s*,")


class CelError(Exception):
    """An expression cannot be compiled, or has no value for these variables."""


class Expression:
    """A compiled expression over a fixed set of variables."""

    def __init__(self, source: str, variables: Iterable[str]) -> None:
        """Compile.

        Raises:
            CelError: The syntax is wrong, or it uses what is not known here.
        """
        try:
            self._program = cel.compile(source)
        except ValueError as error:
            raise CelError(f"compilation failed: {_words(error)}") from error
        self.source = source
        self.variables = frozenset(self._program.variables())
        bound = set(_MACRO_VARIABLE.findall(source))
        unknown = [
            *(self.variables - set(variables) - bound - _TYPES),
            *(name for name in self._program.functions() if not _known(name)),
        ]
        if unknown:
            raise CelError(
                f"compilation failed: undeclared reference to '{min(unknown)}' (in container ''), "
                "or a CEL function that the sandbox does not have"
            )

    def evaluate(self, variables: Mapping[str, object]) -> Any:  # noqa: ANN401 - any CEL value
        """Return the value.

        Raises:
            CelError: A field is missing, or an operation does not fit its operands.
        """
        try:
            return self._program.execute(_context(variables))
        except KeyError as error:
            raise CelError(f"no such key: {error.args[0]}") from error
        except Exception as error:  # the library raises whatever Python type is nearest
            raise CelError(_words(error)) from error

    def holds(self, variables: Mapping[str, object]) -> bool:
        """Evaluate an expression that must be a condition.

        Raises:
            CelError: There is no value, or it is not a bool.
        """
        value = self.evaluate(variables)
        if not isinstance(value, bool):
            raise CelError("cel expression must evaluate to a bool")
        return value


def _known(function: str) -> bool:
    return function in FUNCTIONS or function in KUBERNETES or not function[0].isalpha()


def _context(variables: Mapping[str, object]) -> cel.Context:
    context = cel.Context(dict(variables))
    for name, function in KUBERNETES.items():
        context.add_function(name, function)
    return context


def _words(error: Exception) -> str:
    text = str(error)
    return text.partition(": ERROR: ")[2].join(("ERROR: ", "")) if ": ERROR: " in text else text
