"""How a report is written: for people on a terminal or in a log, and for machines."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Final

from actgate.cli.check import Report

FORMATS: Final = {"text": "plain", "json": "machine", "junit": "junit", "sarif": "sarif"}
"""Formats by the names that users give them, and the module that writes each."""


def write(report: Report, output_format: str) -> None:
    """Write a report to standard output: text on a terminal in colours, anything else as it is.

    The modules are loaded when they are asked for: rich is slow to load, and seldom needed.
    """
    if output_format == "text" and sys.stdout.isatty():
        from actgate.cli.report import terminal

        terminal.show(report)
        return
    render: Callable[[Report], str] = import_module(f"{__name__}.{FORMATS[output_format]}").render
    sys.stdout.write(render(report))
