"""``actgate audit``: arguments to a request, and its result to files, standard output and an exit code."""

import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path

from actgate import documents
from actgate.api.compliance_manifest import Metric
from actgate.api.quoting import quoted
from actgate.cli import audit_report, streams
from actgate.cli.exits import Exit, UnusableError
from actgate.cli.plan import from_file, of_folder, save
from actgate.cli.sources import read_one
from actgate.decision import groups
from actgate.extras import needs
from actgate.manifests.errors import EvidenceError, UnreadableError
from actgate.pipeline.audit import files, measuring, quality_rules, result, run, site_counts
from actgate.pipeline.audit.errors import AuditError
from actgate.pipeline.audit.measuring import Rules, Wanted
from actgate.pipeline.audit.quality_rules import QualityRules
from actgate.pipeline.audit.result import Audit
from actgate.pipeline.audit.run import Request
from actgate.pipeline.audit.sql import Question
from actgate.pipeline.audit.tally import Grouping, attribute
from actgate.pipeline.plan import Plan, PlannedBias

_TABLE = "predictions"
"""Name of the table in printed SQL where none is given."""


def audited(options: Namespace) -> Exit:
    """Audit data or counts, or print the query.

    Raises:
        UnusableError: It cannot be done; nothing was written.
    """
    _require_usage(options)
    try:
        if options.print_sql is not None:
            return _print(options)
        request = _request(options)
        found = _audit(options, request)
    except EvidenceError as error:
        raise UnusableError(*str(error).splitlines()) from None
    _write(found, options)
    return Exit.PASSED if found.passed else Exit.DENIED


def _require_usage(options: Namespace) -> None:
    if options.data and options.counts:
        raise UnusableError("DATA and --counts are two sources: name either")
    if not options.data and not options.counts and options.print_sql is None:
        raise UnusableError("DATA is missing: name files, or counts with --counts")
    if options.counts and (options.train or options.quality):
        beside = "--train" if options.train else "--quality"
        raise UnusableError(f"{beside} needs the data itself, and --counts has none of its rows")
    if options.print_sql == "ansi" and len(options.data) > 1:
        raise UnusableError("--print-sql ansi is about one table: name one")
    if options.print_sql == "duckdb" and not options.data:
        raise UnusableError("--print-sql duckdb reads the columns of the data: name it")


def _print(options: Namespace) -> Exit:
    plan, _ = _plan(options)
    question = Question(options.label, options.prediction, _groupings(options, plan), options.positive)
    if options.print_sql == "ansi":
        text = run.printed(question, next(iter(options.data), _TABLE), None)
    else:
        with needs("actgate audit", "pipeline"):
            text = run.printed(question, _TABLE, files.listed(options.data))
    streams.write(lambda: sys.stdout.write(text))
    return Exit.PASSED


def _audit(options: Namespace, request: Request) -> Audit:
    if options.counts:
        return run.of_counts(request, options.counts)
    from actgate.cli.audit_progress import shown

    data = files.listed(options.data)
    training = files.listed(options.train) if options.train else None
    with needs("actgate audit", "pipeline"), shown() as progress:
        return run.of_data(
            request, data, training, memory=options.memory, threads=options.threads, progress=progress
        )


def _request(options: Namespace) -> Request:
    plan, digest = _plan(options)
    groupings = _groupings(options, plan)
    references = _references(options.reference, groupings)
    seeds = (plan.seeds or {}) if plan is not None else {}
    confidence, smallest = measuring.CONFIDENCE, 0
    if plan is not None:
        confidence = confidence if plan.confidence is None else plan.confidence
        smallest = plan.min_group_count or 0
    wanted = [*_wanted(options, plan, groupings, references)]
    references |= {attribute(one.grouping): one.reference for one in wanted if one.reference is not None}
    return Request(
        Question(options.label, options.prediction, groupings, options.positive),
        wanted,
        Rules(
            confidence if options.confidence is None else options.confidence,
            smallest if options.min_count is None else options.min_count,
        ),
        references,
        options.nulls,
        QualityRules() if options.quality is None else _rules(options.quality),
        options.dataset,
        plan,
        digest,
        seeds.get("bootstrap", 0) if options.seed is None else options.seed,
        options.bootstrap,
    )


def _plan(options: Namespace) -> tuple[Plan | None, str | None]:
    """Return the plan of ``--plan``, or the one in the folder of the run: signed, where it was signed."""
    if options.plan is not None:
        return from_file(options.plan)
    return of_folder(options.run_dir)


def _groupings(options: Namespace, plan: Plan | None) -> tuple[Grouping, ...]:
    if options.by:
        return site_counts.groupings_of(options.by)
    planned = [one.attribute for one in plan.bias] if plan is not None else []
    if not planned:
        raise AuditError(
            "--by is missing: name the columns of protected attributes, such as --by sex --by sex,race"
        )
    return site_counts.groupings_of(planned)


def _references(arguments: list[str], groupings: tuple[Grouping, ...]) -> dict[str, str]:
    known = {attribute(one) for one in groupings}
    found = {}
    for argument in arguments:
        name, equals, group = argument.partition("=")
        if not equals or not group or name not in known:
            listed = ", ".join(map(quoted, sorted(known)))
            raise AuditError(
                f"--reference: {quoted(argument)} must be ATTRIBUTE=GROUP, of an attribute of --by: {listed}"
            )
        found[name] = group
    return found


def _wanted(
    options: Namespace, plan: Plan | None, groupings: tuple[Grouping, ...], references: Mapping[str, str]
) -> Iterator[Wanted]:
    """Yield what is judged: what is planned, and what is asked for beside it."""
    planned = {} if plan is None else {(groups.key(one.attribute), one.metric): one for one in plan.bias}
    for grouping in groupings:
        name = attribute(grouping)
        of_plan = [metric for key, metric in planned if key == groups.key(name)]
        for metric in _metrics(options.metric) or of_plan or [Metric.DEMOGRAPHIC_PARITY_DIFFERENCE]:
            one = planned.get((groups.key(name), metric))
            reference = references.get(name) or (one.reference_group if one is not None else None)
            yield Wanted(grouping, metric, _limit(options, metric, one), reference, planned=one is not None)


def _limit(options: Namespace, metric: Metric, planned: PlannedBias | None) -> float:
    given: float | None = options.min_ratio if metric.is_ratio else options.max_difference
    if given is not None:
        return given
    return measuring.default_limit(metric) if planned is None else planned.threshold


def _metrics(arguments: list[str]) -> list[Metric]:
    if "all" in arguments:
        return [*Metric]
    return [*dict.fromkeys(map(Metric, arguments))]


def _rules(name: str) -> QualityRules:
    document = read_one(name)
    try:
        return quality_rules.read(document.value)
    except UnreadableError as error:
        place = document.place
        raise UnusableError(
            *(f"{place(one.path)}: {one.path}: {one.message}; {one.remediation}" for one in error.problems)
        ) from None


def _write(found: Audit, options: Namespace) -> None:
    document = documents.to_json(result.document(found))
    target = options.output_file
    chosen = options.output or ("json" if target is not None and target.lower().endswith(".json") else "text")
    text = document if chosen == "json" else audit_report.report(found)
    if options.run_dir is not None:
        save(Path(options.run_dir) / result.FILE, document)
    if target is not None:
        save(Path(target), text)
    else:
        streams.write(lambda: sys.stdout.write(text))
    streams.note([*audit_report.remarks(found)])
