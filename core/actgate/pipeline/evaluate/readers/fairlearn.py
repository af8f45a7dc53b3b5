"""Fairlearn's ``MetricFrame``: ``by_group.to_csv()``, ``by_group.to_json()``, or an object with both parts.

The object is ``{"by_group": ..., "overall": ...}``. Of each metric the smallest and largest value of a group
and their difference are taken; the metric ``count`` says how many persons there are.
"""

import csv
import io
import math
from collections.abc import Iterator, Mapping
from typing import Any

from actgate.api.compliance_manifest import Evaluation
from actgate.pipeline.evaluate.readers.report import Extract, Report, extracted

_COUNT = "count"
Frame = Mapping[str, Mapping[str, float | None]]
"""Value by metric, then by group."""


def read(report: Report) -> Extract:
    """Return the extract of a report.

    Raises:
        EvaluationError: It is no MetricFrame.
    """
    frame, overall = _of_json(report) if report.text.lstrip()[:1] in ("{", "[") else (_of_csv(report), {})
    return extracted(report, "MetricFrame", None, _results(report, frame, overall))


def _results(report: Report, frame: Frame, overall: Mapping[str, float | None]) -> Iterator[Evaluation]:
    counts = frame.get(_COUNT)
    n = None if counts is None else sum(report.count(one, _COUNT) for one in counts.values())
    for metric, groups in frame.items():
        if metric == _COUNT:
            continue
        known = [one for one in groups.values() if one is not None]
        if len(groups) < 2:
            raise report.refused(f"{metric}: has one group, and groups are compared")
        # A group for which nothing could be computed leaves the difference unknown.
        whole = len(known) == len(groups)
        values = {
            "min": min(known) if whole else None,
            "max": max(known) if whole else None,
            "difference": max(known) - min(known) if whole else None,
        }
        for name, value in values.items():
            yield report.evaluation("fairness", f"{metric}_{name}", value, n)
        if metric in overall:
            yield report.evaluation("accuracy", metric, overall[metric], n)


def _of_json(report: Report) -> tuple[Frame, Mapping[str, float | None]]:
    stated = report.fields(report.json(), "report")
    if "by_group" not in stated:
        return _frame(report, stated), {}
    overall = stated.get("overall", {})
    named = overall if isinstance(overall, dict) else {}
    return (
        _frame(report, report.fields(stated["by_group"], "by_group")),
        {name: _value(report, value, "overall") for name, value in named.items()},
    )


def _frame(report: Report, stated: Mapping[str, Any]) -> Frame:
    if stated and all(not isinstance(one, dict) for one in stated.values()):
        stated = {"metric": stated}  # of one metric, which has no name in JSON
    elif stated and all(isinstance(one, dict) and _COUNT in one for one in stated.values()):
        # pandas' orient="index": by group, then by metric.
        metrics = [*next(iter(stated.values()))]
        stated = {metric: {name: one.get(metric) for name, one in stated.items()} for metric in metrics}
    return {
        metric: {group: _value(report, one, metric) for group, one in report.fields(groups, metric).items()}
        for metric, groups in stated.items()
    }


def _of_csv(report: Report) -> Frame:
    try:
        header, *lines = [*csv.reader(io.StringIO(report.text, newline=""), strict=True)] or [[]]
    except csv.Error:
        raise report.refused("is not CSV") from None
    lines = [line for line in lines if line]
    if any(len(line) != len(header) for line in lines) or len(header) < 2 or not lines:
        raise report.refused("its lines do not have the columns of the first one")
    keys = 1
    while keys < len(header) - 1 and any(_is_text(line[keys]) for line in lines):
        keys += 1
    groups = [",".join(line[:keys]) for line in lines]
    if len(set(groups)) < len(groups) or len(set(header)) < len(header):
        raise report.refused("has a group or a column twice; names of groups that are numbers need JSON")
    return {
        name: {group: _cell(report, line[place], name) for group, line in zip(groups, lines, strict=True)}
        for place, name in enumerate(header)
        if place >= keys
    }


def _is_text(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return True
    return False


def _cell(report: Report, cell: str, name: str) -> float | None:
    if _is_text(cell):
        raise report.refused(f"{name}: must hold numbers")
    number = float(cell or "nan")
    return None if math.isnan(number) else report.number(number, name)


def _value(report: Report, value: object, path: str) -> float | None:
    return None if value is None else report.number(value, path)
