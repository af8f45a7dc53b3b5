"""The LM Evaluation Harness: ``results_*.json``, with a metric and its filter for each task.

``{"results": {"arc_easy": {"acc,none": 0.71, "acc_stderr,none": 0.01}}, "n-samples": {...}}``. Standard
errors are left out; a metric that is no number, such as "N/A", was not measured.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from actgate.api.compliance_manifest import Evaluation
from actgate.pipeline.evaluate.readers.report import Extract, Report, extracted


def read(report: Report) -> Extract:
    """Return the extract of a report.

    Raises:
        EvaluationError: It is no report of tasks.
    """
    stated = report.fields(report.json(), "report")
    version = stated.get("lm_eval_version")
    if version is None and isinstance(stated.get("git_hash"), str):
        version = f"git {stated['git_hash']}"
    tasks = report.fields(stated.get("results"), "results")
    suite = ", ".join(sorted(tasks)) if len(tasks) < 4 else f"{len(tasks)} tasks"
    return extracted(report, suite, version, _results(report, tasks, stated.get("n-samples")))


def _results(report: Report, tasks: Mapping[str, Any], samples: object) -> Iterator[Evaluation]:
    for task in sorted(tasks):
        found = report.fields(tasks[task], f"results.{task}")
        n = _samples(report, task, found, samples)
        for key in sorted(found):
            metric, comma, filtered = key.partition(",")
            if not comma or metric.endswith("_stderr"):
                continue
            name = f"{task}/{metric}" if filtered in ("", "none") else f"{task}/{metric},{filtered}"
            value = None if _is_text(found[key]) else report.number(found[key], f"results.{task}.{key}")
            yield report.evaluation("benchmark", name, value, n)


def _samples(report: Report, task: str, found: Mapping[str, Any], samples: object) -> int | None:
    stated = samples.get(task) if isinstance(samples, dict) else None
    number = stated.get("effective") if isinstance(stated, dict) else found.get("sample_len")
    return None if number is None else report.count(number, f"n-samples.{task}")


def _is_text(value: object) -> bool:
    """Return whether a metric was not measured: the harness writes "N/A", and NaN, which is null here."""
    return value is None or isinstance(value, str)
