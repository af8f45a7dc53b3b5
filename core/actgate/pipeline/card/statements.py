"""What a manifest states, as facts and tables: each value with its field, its level and who signed it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from actgate.api.compliance_manifest import DataQualityCheck, Evaluation
from actgate.api.times import timestamp
from actgate.pipeline.audit.quality import failing
from actgate.pipeline.card.content import (
    Block,
    Fact,
    Facts,
    Inline,
    Source,
    Table,
    Words,
    number,
    parts,
    share,
)
from actgate.pipeline.card.evidence import Evidence

NOT_STATED: Final = Words("not stated")
SOURCE: Final = Words("Source")


def where(source: Source) -> Inline:
    """Return the last cell of a row: the field, and what it is worth."""
    return (Words(f"{source.path}, "), *parts(worth(source)))


def worth(source: Source) -> Inline:
    """Return the level of a value and who signed it, in words."""
    if not source.signers:
        return Words(source.level.value)
    signers = [part for signer in source.signers for part in (Words(", "), signer)]
    return (Words(f"{source.level.value}, signed for "), *signers[1:])


def model(found: Evidence) -> tuple[Block, ...]:
    """Return which model a manifest is about."""
    stated = found.spec.model
    domain = stated.digest_domain
    return _facts(
        found,
        ("Model", "model.name", stated.name),
        ("Version", "model.version", stated.version),
        ("Digest", "model.digest", stated.digest),
        ("Digest is taken over", "model.digestDomain", None if domain is None else Words(domain.value)),
        ("Digest of names and files", "model.resourcesDigest", stated.resources_digest),
        *_each("Image", "model.images", stated.images or ()),
    )


def forms(found: Evidence) -> tuple[Block, ...]:
    """Return the container images that the manifest binds to."""
    return _facts(found, *_each("Container image", "model.images", found.spec.model.images or ()))


def classification(found: Evidence) -> tuple[Block, ...]:
    """Return the tier and why the system is in it."""
    stated, category = found.spec.classification, found.spec.risk_category
    tier = None if category is None else Words(category.value)
    if stated is None:
        return _facts(found, ("Risk category", "riskCategory", tier))
    return _facts(
        found,
        ("Risk category", "riskCategory", tier),
        ("Point of the Act", "classification.basis", stated.basis),
        ("Profiles natural persons", "classification.profiling", _yes(stated.profiling)),
        ("Reasons", "classification.rationale", stated.rationale),
        ("Assessed by", "classification.assessedBy", stated.assessed_by),
        ("Assessed at", "classification.assessedAt", _moment(stated.assessed_at)),
    )


def development(found: Evidence) -> tuple[Block, ...]:
    """Return the training run, its code and the models that it started from."""
    training, lineage = found.spec.training, found.spec.lineage
    regions = training.regions or () if training is not None else ()
    rows: list[tuple[str, str, Inline | None]] = []
    if lineage is not None:
        rows += [
            ("Commit of the code", "lineage.codeCommit", lineage.code_commit),
            ("Training run", "lineage.runId", lineage.run_id),
            *_each("Derived from", "lineage.baseModels", lineage.base_models or ()),
        ]
        if lineage.base_models == []:
            rows.append(("Derived from", "lineage.baseModels", Words("no other model")))
    if training is not None:
        rows.append(("End of training", "training.finishedAt", _moment(training.finished_at)))
    for index, place in enumerate(regions):
        stated: list[str] = [place.region]
        if place.provider is not None:
            stated = [place.provider, Words(", "), place.region]
        if place.statement is not None:
            stated += [Words(", in the words of the source: "), place.statement]
        rows.append(("Trained in", f"training.regions[{index}]", tuple(stated)))
    return _facts(found, *rows)


def oversight(found: Evidence) -> tuple[Block, ...]:
    """Return how persons oversee the system."""
    stated = found.spec.human_oversight
    if stated is None:
        return ()
    return _facts(
        found,
        (
            "Human oversight",
            "humanOversight.enabled",
            Words("in place" if stated.enabled else "not in place"),
        ),
        ("Role", "humanOversight.role", stated.role),
        ("Contact", "humanOversight.contact", stated.contact),
        *_controls(found),
    )


def controls(found: Evidence) -> tuple[Block, ...]:
    """Return how a person disregards an output, and stops the system."""
    return _facts(found, *_controls(found))


def _controls(found: Evidence) -> list[tuple[str, str, Inline | None]]:
    stated = found.spec.human_oversight
    if stated is None:
        return []
    return [
        ("Disregarding an output", "humanOversight.override", stated.override),
        ("Stopping the system", "humanOversight.stop", stated.stop),
    ]


def validity(found: Evidence) -> tuple[Block, ...]:
    """Return the period in which the evidence counts, and its digest."""
    stated = found.spec.validity
    digest = Fact(Words("Digest of the evidence"), Words(found.digest))
    if stated is None:
        return (Facts((digest,)),)
    dated = _facts(
        found,
        ("Counts from", "validity.notBefore", _moment(stated.not_before)),
        ("Counts until", "validity.notAfter", _moment(stated.not_after)),
    )
    return (Facts((digest,)), *dated)


def datasets(found: Evidence) -> tuple[Block, ...]:
    """Return the data sets that were used."""
    header = ("Data set", "Version", "SHA-256", "Licence")
    rows = [
        (
            one.name,
            one.version or NOT_STATED,
            one.digest or NOT_STATED,
            one.license or NOT_STATED,
            where(found.source(f"datasets[{index}]")),
        )
        for index, one in enumerate(found.spec.datasets or ())
    ]
    return _table(header, rows)


def data_quality(found: Evidence) -> tuple[Block, ...]:
    """Return what was checked of the data sets, in counts."""
    header = ("Data set", "Check", "What counts as a failure", "Failed", "Checked", "Share", "Accepted")
    rows = [
        (
            one.dataset,
            one.check,
            one.definition or NOT_STATED,
            number(one.failed),
            number(one.checked),
            share(one.failed, one.checked),
            NOT_STATED if one.threshold is None else number(one.threshold),
            where(found.source(f"dataQuality[{index}].failed")),
        )
        for index, one in enumerate(found.spec.data_quality or ())
    ]
    return _table(header, rows, numeric=frozenset({3, 4, 5, 6}))


def accepted(check: DataQualityCheck) -> bool | None:
    """Return whether a check found no more failures than were accepted; None without a threshold."""
    if check.threshold is None or not check.checked:
        return None
    return not any(failing([check]))


def evaluations(found: Evidence, *kinds: str) -> tuple[Block, ...]:
    """Return the tests of some kinds, all by default."""
    header = ("Test", "Metric", "Value", "Threshold", "Samples", "Result", "SHA-256 of the report")
    rows = [
        (
            one.kind,
            one.metric or NOT_STATED,
            Words("not measured") if one.value is None else number(one.value),
            _threshold(one),
            NOT_STATED if one.samples is None else number(one.samples),
            _held(one),
            one.report_digest or NOT_STATED,
            where(found.source(f"evaluations[{index}].value")),
        )
        for index, one in enumerate(found.spec.evaluations or ())
        if not kinds or one.kind.casefold() in kinds
    ]
    return _table(header, rows, numeric=frozenset({2, 3, 4}))


def approvals(found: Evidence) -> tuple[Block, ...]:
    """Return the decisions of persons on this evidence."""
    header = ("Role", "By", "At")
    rows = [
        (one.role, one.by, Words(timestamp(one.at)), where(found.source(f"approvals[{index}]")))
        for index, one in enumerate(found.spec.approvals or ())
    ]
    return _table(header, rows)


def run_files(files: Sequence[tuple[str, str]]) -> tuple[Block, ...]:
    """Return the files of the run, by which the reports behind the manifest are found again."""
    header = (Words("File of the run"), Words("SHA-256"))
    return (Table(header, tuple(files)),) if files else ()


def _held(one: Evaluation) -> Words:
    held = one.met
    if held is None:
        return Words("no threshold with a comparator" if one.value is not None else "not measured")
    return Words("threshold met" if held else "threshold not met")


def _threshold(one: Evaluation) -> Words:
    if one.threshold is None:
        return NOT_STATED
    comparator = "" if one.comparator is None else f"{one.comparator.value} "
    return Words(f"{comparator}{number(one.threshold)}")


def _facts(found: Evidence, *stated: tuple[str, str, Inline | None]) -> tuple[Block, ...]:
    """Return those of (label, field, value) that have a value."""
    facts = tuple(
        Fact(Words(label), value, found.source(path)) for label, path, value in stated if value is not None
    )
    return (Facts(facts),) if facts else ()


def _each(label: str, path: str, values: Iterable[str]) -> Iterator[tuple[str, str, Inline]]:
    for index, value in enumerate(values):
        yield label, f"{path}[{index}]", value


def _table(
    header: tuple[str, ...], rows: Sequence[tuple[Inline, ...]], numeric: frozenset[int] = frozenset()
) -> tuple[Block, ...]:
    titles = (*map(Words, header), SOURCE)
    return (Table(titles, tuple(rows), numeric),) if rows else ()


def _yes(value: bool | None) -> Words | None:
    return None if value is None else Words("yes" if value else "no")


def _moment(value: datetime | None) -> Words | None:
    return None if value is None else Words(timestamp(value))
