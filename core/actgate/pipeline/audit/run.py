"""One audit from beginning to end: list the data, count it, measure, check its quality.

Needs the extra ``pipeline`` for data; counts that were made elsewhere need nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from actgate.api.canonical import sha256
from actgate.api.compliance_manifest import DataQualityCheck
from actgate.api.quoting import quoted
from actgate.pipeline import plan as plans
from actgate.pipeline.audit import files, measuring, quality, site_counts, sql, tally
from actgate.pipeline.audit.errors import AuditError
from actgate.pipeline.audit.files import Data, DataFile
from actgate.pipeline.audit.measuring import Rules, Wanted
from actgate.pipeline.audit.quality import Queries
from actgate.pipeline.audit.quality_rules import QualityRules
from actgate.pipeline.audit.result import Audit
from actgate.pipeline.audit.sql import Question
from actgate.pipeline.audit.tally import REFUSE, Counts, Tally
from actgate.pipeline.plan import Plan

if TYPE_CHECKING:
    from actgate.pipeline.audit.engine import Engine, Table

REPLICATES: Final = 1000
"""Bootstrap replicates by default."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is audited."""

    question: Question
    wanted: Sequence[Wanted]
    rules: Rules = field(default_factory=Rules)
    references: Mapping[str, str] = field(default_factory=dict)
    """Reference group by attribute."""
    nulls: str = REFUSE
    quality: QualityRules = field(default_factory=QualityRules)
    dataset: str | None = None
    """Name of the data set; that of its first file by default."""
    plan: Plan | None = None
    plan_digest: str | None = None
    seed: int = 0
    replicates: int = REPLICATES

    @property
    def roles(self) -> dict[str, str]:
        """Return what each column is, for messages."""
        groups = dict.fromkeys(self.question.attributes, "group")
        return {**groups, self.question.prediction: "prediction", self.question.label: "label"}


class Progress:
    """Takes reports of progress; this one drops them."""

    def step(self, words: str, total: int | None = None) -> None:
        """Begin a step, which has so many bytes."""

    def advance(self, number: int) -> None:
        """Add to the bytes of the step that are done."""

    def watching(self, percent: Callable[[], float]) -> AbstractContextManager[None]:
        """Show what a function returns, in percent, while the block runs."""
        return _nothing(percent)


@contextmanager
def _nothing(_: object) -> Iterator[None]:
    yield


def of_data(
    request: Request,
    data: Data,
    training: Data | None = None,
    *,
    memory: str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Audit:
    """Audit data.

    Args:
        request: What is audited.
        data: The data.
        training: Data that the model was trained on, of which no row may be in the data.
        memory: What DuckDB may hold, such as ``256MB``.
        threads: Its threads.
        progress: Takes reports of progress.

    Raises:
        AuditError: The data cannot be read, changes meanwhile, or cannot be audited.
    """
    from actgate.pipeline.audit import engine as engines

    show = progress or Progress()
    with engines.Engine(memory or engines.MEMORY, threads) as engine:
        taken = _digests(engine, data, show)
        learnt = [] if training is None else _digests(engine, training, show)
        table = engine.open(data)
        table.require(request.roles)
        queries = Queries(request.quality, request.dataset or data.called, table.source, table.types)
        table.require(queries.columns())
        show.step("counting groups")
        with show.watching(engine.progress):
            counts = _counted(engine, table, request.question)
        tally.require_usable(counts, request.roles, request.nulls)
        _require_positive(counts, request.question)
        show.step("checking quality")
        with show.watching(engine.progress):
            checks = [*_checks(engine, table, queries, request, training)]
        for one in (data, training):
            if one is not None:
                one.require_unchanged()
        if data.remote and engine.remote_files(data) != taken:
            raise AuditError(files.changed(data.paths[0]))
    return _audit(request, counts, taken, checks, request.dataset or data.called, learnt)


def of_counts(request: Request, paths: Sequence[str]) -> Audit:
    """Audit counts that were made elsewhere; those of several sites add up.

    Raises:
        AuditError: They cannot be read, or cannot be audited.
    """
    counts = site_counts.of_files(paths, request.question)
    tally.require_usable(counts, request.roles, request.nulls)
    _require_positive(counts, request.question)
    taken = [DataFile(Path(one).name, sha256(raw := Path(one).read_bytes()), len(raw)) for one in paths]
    called = request.dataset or Path(paths[0]).name.partition(".")[0]
    return _audit(request, counts, taken, [], called, [], counts_only=True)


def printed(question: Question, table: str, data: Data | None) -> str:
    """Return the query: for DuckDB where data is given, else in standard SQL for a table of that name.

    Raises:
        AuditError: The data cannot be read.
    """
    if data is None:
        return sql.ansi(question, table)
    from actgate.pipeline.audit import engine as engines

    with engines.Engine() as engine:
        opened = engine.open(data)
        opened.require(dict.fromkeys(question.columns, "column"))
        return sql.duckdb(question, opened.source, opened.types)


def _digests(engine: "Engine", data: Data, show: Progress) -> list[DataFile]:
    if data.remote:
        show.step("reading for the digest")
        return engine.remote_files(data)
    show.step("taking the digest", sum(size for _, size, *_ in data.files.values()))
    return files.taken(data, show.advance)


def _counted(engine: "Engine", table: "Table", question: Question) -> Tally:
    width = len(sql.COLUMNS)
    rows = engine.rows(table, sql.duckdb(question, table.source, table.types))
    parts = ((row[0], tuple(row[1:-width]), Counts(*row[-width:])) for row in rows)
    return site_counts.of_rows(parts, question)


def _checks(
    engine: "Engine", table: "Table", queries: Queries, request: Request, training: Data | None
) -> Iterator[DataQualityCheck]:
    if (query := queries.of_rows()) is not None:
        yield from queries.checks(engine.rows(table, query)[0])
    if (query := queries.duplicates()) is not None:
        yield queries.duplicates_check(*engine.rows(table, query)[0])
    if training is not None:
        other = engine.open(training)
        query, columns = queries.overlap(other.source, other.types, request.question.prediction)
        yield queries.overlap_check(columns, *engine.rows(table, query)[0])


def _audit(
    request: Request,
    counts: Tally,
    taken: Sequence[DataFile],
    checks: Sequence[DataQualityCheck],
    dataset: str,
    training: Sequence[DataFile],
    *,
    counts_only: bool = False,
) -> Audit:
    digest = None if counts_only else files.digest_of(taken)
    measured = measuring.judged(counts, request.wanted, request.rules, digest, request.plan_digest)
    level = request.rules.confidence or measuring.CONFIDENCE
    known = measuring.information(counts, request.references, level, request.seed, request.replicates)
    question = request.question
    of_counts = quality.of_tally(
        counts, question.columns, dataset, question.label, request.quality, request.nulls
    )
    deviations: list[str] = []
    if request.plan is not None:
        stated = [one.stated for one in measured if one.stated is not None]
        deviations += plans.deviations(request.plan, request.plan_digest, stated)
        if digest is not None and (other := plans.foreign_data(request.plan, digest)) is not None:
            deviations.append(other)
        deviations += _weaker(request)
    return Audit(
        dataset,
        counts,
        measured,
        [*of_counts, *checks],
        known,
        taken,
        training,
        deviations,
        counts_only=counts_only,
    )


def _require_positive(counts: Tally, question: Question) -> None:
    """Refuse a favourable value that no label has: it is misspelt, or all are of the other class."""
    groups = counts.groups[question.groupings[0]].values()
    if question.positive is not None and not any(one.positives for one in groups):
        raise AuditError(
            f"label {quoted(question.label)}: has no value {quoted(question.positive)}: name the "
            "favourable value as the column has it with --positive"
        )


def _weaker(request: Request) -> Iterator[str]:
    """Yield where confidence, smallest group or seed are not those of the plan."""
    plan, rules = request.plan, request.rules
    if plan is None:
        return
    for name, planned, used in (
        ("confidence", plan.confidence, rules.confidence),
        ("minGroupCount", plan.min_group_count, rules.min_count),
        ("seeds.bootstrap", (plan.seeds or {}).get("bootstrap"), request.seed),
    ):
        if planned is not None and planned != used:
            yield f"{name}: Invalid value: {used}: must be {planned}, as the plan fixed it"
