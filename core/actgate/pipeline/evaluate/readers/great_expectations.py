"""Great Expectations: a validation result, or the result of a checkpoint with several of them.

Read are ``ExpectationSuiteValidationResult.to_json_dict()`` (``results``) and what a ``CheckpointResult``
writes (``run_results`` or ``validation_results``). Values that failed, which such reports may list, are not
taken.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from actgate.api.compliance_manifest import Comparator, Evaluation
from actgate.pipeline.evaluate.readers.report import Extract, Report, checked


def read(report: Report) -> Extract:
    """Return the extract of a report.

    Raises:
        EvaluationError: It is no validation result.
    """
    stated = report.fields(report.json(), "report")
    results = [*_validations(report, stated)]
    meta = results[0].get("meta") if results else None
    version = meta.get("great_expectations_version") if isinstance(meta, dict) else None
    suite = results[0].get("suite_name") or (meta or {}).get("expectation_suite_name") if results else None
    return checked(report, suite, version, (one for found in results for one in _expectations(report, found)))


def _validations(report: Report, stated: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "run_results" in stated:
        for name, item in report.fields(stated["run_results"], "run_results").items():
            found = report.fields(item, f"run_results.{name}")
            yield report.fields(
                found.get("validation_result", found), f"run_results.{name}.validation_result"
            )
    elif "validation_results" in stated:
        for place, item in enumerate(report.items(stated["validation_results"], "validation_results")):
            yield report.fields(item, f"validation_results[{place}]")
    else:
        yield stated


def _expectations(report: Report, found: Mapping[str, Any]) -> Iterator[tuple[Evaluation, bool]]:
    for place, item in enumerate(report.items(found.get("results", found.get("expectations")), "results")):
        path = f"results[{place}]"
        one = report.fields(item, path)
        held = one.get("success")
        if not isinstance(held, bool):
            raise report.refused(f"{path}.success: must be true or false")
        config = report.fields(one.get("expectation_config", one), f"{path}.expectation_config")
        kind = config.get("type", config.get("expectation_type"))
        if not isinstance(kind, str) or not kind:
            raise report.refused(f"{path}.expectation_config.type: must be text")
        kwargs = report.fields(config.get("kwargs", {}), f"{path}.expectation_config.kwargs")
        column = kwargs.get("column")
        metric = f"{kind}[{column}]" if isinstance(column, str) else kind
        share, n = _share(report, one, path)
        mostly = kwargs.get("mostly")
        limit = 1.0 if mostly is None or share is None else report.number(mostly, f"{path}.kwargs.mostly")
        value = float(held) if share is None else share
        yield report.evaluation("data-quality", metric, value, n, limit, Comparator.AT_LEAST), held


def _share(report: Report, one: Mapping[str, Any], path: str) -> tuple[float | None, int | None]:
    """Return the share of values that met an expectation, and of how many; None where it has no counts."""
    result = one.get("result")
    counts = result if isinstance(result, dict) else {}
    if counts.get("element_count") is None:
        return None, None
    n = report.count(counts["element_count"], f"{path}.result.element_count")
    if counts.get("unexpected_count") is None:
        return None, n
    n -= report.count(counts.get("missing_count") or 0, f"{path}.result.missing_count")
    unexpected = report.count(counts["unexpected_count"], f"{path}.result.unexpected_count")
    if unexpected > n:
        raise report.refused(f"{path}.result.unexpected_count: must be at most the number of values")
    return (n - unexpected) / n if n else 1.0, n
