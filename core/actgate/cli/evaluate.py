"""``actgate evaluate``: arguments to a request, and its result to files, standard output and an exit code."""

import sys
from argparse import Namespace
from pathlib import Path

from actgate import documents
from actgate.cli import evaluate_report, streams
from actgate.cli.exits import Exit, UnusableError
from actgate.cli.plan import from_file, of_folder, save
from actgate.extras import needs
from actgate.manifests.errors import EvidenceError
from actgate.pipeline.audit import site_counts
from actgate.pipeline.evaluate import by_group, result, run
from actgate.pipeline.evaluate.checks import Request
from actgate.pipeline.evaluate.judging import Judged
from actgate.pipeline.evaluate.result import Result
from actgate.pipeline.plan import Plan


def evaluated(options: Namespace) -> Exit:
    """Evaluate a model, take a report, or both.

    Raises:
        UnusableError: It cannot be done; nothing was written.
    """
    _require_usage(options)
    plan, digest = from_file(options.plan) if options.plan is not None else of_folder(options.run_dir)
    try:
        whole = result.of_folder(options.run_dir)
        if options.model is not None:
            with needs("actgate evaluate", "pipeline"):
                whole = result.joined(whole, run.of_data(_request(options, plan), options.data))
        if options.report is not None:
            whole = result.joined(whole, run.of_report(options.report, options.format))
        found = whole.judged(plan, digest)
    except EvidenceError as error:
        raise UnusableError(*str(error).splitlines()) from None
    _write(whole, found, options)
    return Exit.PASSED if result.passed(whole, found) else Exit.DENIED


def _require_usage(options: Namespace) -> None:
    if options.model is None and options.report is None:
        raise UnusableError("MODEL is missing: name a model and data, or a report with --import")
    if (options.report is None) is not (options.format is None):
        raise UnusableError("--import and --format go together: name a report and what wrote it")
    if options.model is not None and not options.data:
        raise UnusableError("DATA is missing: name files that the model is evaluated on")
    if options.model is not None and options.label is None:
        raise UnusableError("--label is missing: name the column of the right class")


def _request(options: Namespace, plan: Plan | None) -> Request:
    seed, smallest = 0, by_group.MIN_COUNT
    if plan is not None:
        seed = (plan.seeds or {}).get("evaluation", seed)
        smallest = smallest if plan.min_group_count is None else max(1, plan.min_group_count)
    return Request(
        options.model,
        options.label,
        trust_pickle=options.trust_pickle,
        checks=options.checks,
        groupings=site_counts.groupings_of(options.by or _planned(plan)),
        features=options.features,
        positive=options.positive,
        baseline=options.baseline,
        min_count=smallest if options.min_count is None else options.min_count,
        seed=seed if options.seed is None else options.seed,
        dataset=options.dataset,
        memory=options.memory,
        plan=plan,
    )


def _planned(plan: Plan | None) -> list[str]:
    return [] if plan is None else [one.attribute for one in plan.bias]


def _write(whole: Result, found: Judged, options: Namespace) -> None:
    document = documents.to_json(result.document(whole, found))
    target = options.output_file
    chosen = options.output or ("json" if target is not None and target.lower().endswith(".json") else "text")
    text = document if chosen == "json" else evaluate_report.report(whole, found)
    if options.run_dir is not None:
        save(Path(options.run_dir) / result.FILE, document)
    if target is not None:
        save(Path(target), text)
    else:
        streams.write(lambda: sys.stdout.write(text))
    streams.note([*evaluate_report.remarks(whole, found)])
