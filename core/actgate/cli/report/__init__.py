"""How a report is written: for people on a terminal or in a log, and for machines."""

import sys
from importlib import import_module
from typing import Any, Final

from actgate.cli.check import Report

FORMATS: Final = {"text": "plain", "json": "machine", "junit": "junit", "sarif": "sarif"}
"""Formats by the names that users give them, and the module that writes each."""


def write(report: Report, output_format: str) -> None:
    """Write a report to standard output: text on a terminal in colours, anything else as it is.

    The modules are loaded when they are asked for: rich is slow to load, and seldom needed.
    """
    terminal = _terminal() if output_format == "text" and sys.stdout.isatty() else None
    if terminal is not None:
        terminal.show(report)
    else:
        sys.stdout.write(_module(output_format).render(report))


def remarks(report: Report, output_format: str) -> list[str]:
    """Return sentences about the report that belong on standard error: what a format had to leave out."""
    return _module(output_format).remarks(report) if output_format == "sarif" else []


def _terminal() -> Any:  # noqa: ANN401 - a module of this package
    """Return the module for terminals; None without the extra ``cli``: the plain text is as complete."""
    try:
        return import_module(f"{__name__}.terminal")
    except ModuleNotFoundError as error:
        if error.name != "rich":
            raise
        return None


def _module(output_format: str) -> Any:  # noqa: ANN401 - one of the modules of this package
    return import_module(f"{__name__}.{FORMATS[output_format]}")
