"""pointblank's ``Validate.get_json_report()``: a list of steps, each with how many test units passed.

A step is held against its threshold for errors, else that for critical ones, else that for warnings; one
without a threshold has to pass as a whole. A step that is not active counts as one that did not pass: the
report says the same of a step that its author left out and of one that could not run, since a column is not
there. The library's version is not in the report.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from actgate.api.compliance_manifest import Comparator, Evaluation
from actgate.pipeline.evaluate.readers.report import Extract, Report, checked

_STATED: Final = re.compile(r"(warning|error|critical)=([0-9.]+)")
_LEVELS: Final = ("error", "critical", "warning")


def read(report: Report) -> Extract:
    """Return the extract of a report.

    Raises:
        EvaluationError: It is no report of steps.
    """
    return checked(report, "Validate", None, _steps(report))


def _steps(report: Report) -> Iterator[tuple[Evaluation, bool]]:
    for place, item in enumerate(report.items(report.json(), "report")):
        path = f"[{place}]"
        step = report.fields(item, path)
        name = _name(report, step, path)
        if step.get("active") is False or step.get("eval_error"):
            yield report.evaluation("data-quality", name, 0.0, None, 1.0, Comparator.AT_LEAST), False
            continue
        n = report.count(step.get("n"), f"{path}.n")
        passed = report.count(step.get("n_passed"), f"{path}.n_passed")
        if passed > n:
            raise report.refused(f"{path}.n_passed: must be at most n")
        threshold = _threshold(report, step, n, path)
        one = report.evaluation(
            "data-quality", name, passed / n if n else 1.0, n, threshold, Comparator.AT_LEAST
        )
        if threshold == 1.0 and step.get("all_passed") is not (passed == n):
            raise report.refused(f"{path}.all_passed: contradicts n and n_passed")
        yield one, one.met is True


def _name(report: Report, step: Mapping[str, Any], path: str) -> str:
    kind, column = step.get("assertion_type"), step.get("column")
    if not isinstance(kind, str) or not kind:
        raise report.refused(f"{path}.assertion_type: must be text")
    listed = column if isinstance(column, list) else [column]
    columns = ",".join(one for one in listed if isinstance(one, str))
    return f"{kind}[{columns}]" if columns else kind


def _threshold(report: Report, step: Mapping[str, Any], n: int, path: str) -> float:
    """Return the share of units that has to pass; a threshold is a share of failures below 1, or a number."""
    stated = step.get("thresholds")
    if isinstance(stated, str):
        levels: Mapping[str, Any] = {name: float(value) for name, value in _numbers(report, stated, path)}
    else:
        levels = stated if isinstance(stated, dict) else {}
    for level in _LEVELS:
        if levels.get(level) is not None:
            failures = report.number(levels[level], f"{path}.thresholds.{level}")
            return max(0.0, 1 - (failures if failures < 1 else failures / max(n, 1)))
    return 1.0


def _numbers(report: Report, stated: str, path: str) -> Iterator[tuple[str, float]]:
    for name, value in _STATED.findall(stated):
        try:
            yield name, float(value)
        except ValueError:
            raise report.refused(f"{path}.thresholds: must hold numbers") from None
