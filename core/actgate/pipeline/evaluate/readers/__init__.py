"""Readers of the reports of other libraries: an extract each, never a dependency.

A reader is a module with ``read``, which takes a ``Report`` and returns an ``Extract``; a new one is one line
in ``FORMATS``. The original is named by its SHA-256.
"""

from collections.abc import Callable, Mapping
from typing import Final

from actgate.pipeline.evaluate.readers import fairlearn, great_expectations, lm_eval, pointblank
from actgate.pipeline.evaluate.readers.report import Extract, Report, of_file

FORMATS: Final[Mapping[str, Callable[[Report], Extract]]] = {
    "fairlearn": fairlearn.read,
    "great-expectations": great_expectations.read,
    "lm-eval": lm_eval.read,
    "pointblank": pointblank.read,
}


def extract(path: str, form: str) -> Extract:
    """Return the extract of a report.

    Raises:
        EvaluationError: It cannot be read, or is no report of that format.
    """
    return FORMATS[form](of_file(path, form))


__all__ = ["FORMATS", "Extract", "extract"]
