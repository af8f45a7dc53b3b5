"""The result of an evaluation for people: each number with its threshold, and what was not measured."""

from collections.abc import Iterator

from actgate.api.compliance_manifest import Evaluation
from actgate.api.quoting import counted, printable
from actgate.pipeline.evaluate.judging import Judged
from actgate.pipeline.evaluate.result import Result

_WORDS = {True: "PASS", False: "FAIL", None: "-"}


def report(whole: Result, found: Judged) -> str:
    """Return the report as text."""
    parts = [_head(whole), _results(found), _groups(whole), _drift(whole), _without(whole, found)]
    if whole.deviations:
        parts.append(["not as planned", *(f"  {printable(line)}" for line in whole.deviations)])
    parts.append([_sum(whole, found)])
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def remarks(whole: Result, found: Judged) -> Iterator[str]:
    """Yield what a reader of the result alone would miss."""
    if not any(one.threshold is not None for one in found.evaluations):
        yield "no result has a threshold, so nothing was judged: fix thresholds in a plan before the run"
    if whole.details and "digest" not in whole.details.get("model", {}):
        yield "a function has no digest: the evidence names the model by its name alone"
    for report in whole.imported:
        if report.get("leftOut"):
            left = counted(int(report["leftOut"]), "check")
            yield f"{report['reportFormat']}: {left} that passed stand in checks_met alone"


def _head(whole: Result) -> list[str]:
    lines = []
    if whole.details:
        model, data = whole.details.get("model", {}), whole.details.get("dataset", {})
        lines.append(printable(f"{model.get('name')} {model.get('digest', '')}".rstrip()))
        lines.append(
            printable(f"{data.get('name')} {data.get('digest')}: {counted(data.get('rows', 0), 'row')}")
        )
    for one in whole.imported:
        version = f" {one['version']}" if one.get("version") else ""
        lines.append(printable(f"{one['reportFormat']}{version} {one.get('suite')} {one['reportDigest']}"))
    return lines


def _results(found: Judged) -> list[str]:
    names = [printable(f"{one.kind} {one.metric or ''}".rstrip()) for one in found.evaluations]
    width = max(map(len, names), default=0)
    return [
        f"{_WORDS[one.met]:4} {name:{width}}  {_value(one):>12}{_threshold(one)}"
        for one, name in zip(found.evaluations, names, strict=True)
    ]


def _value(one: Evaluation) -> str:
    return "not measured" if one.value is None else f"{one.value:.6g}"


def _threshold(one: Evaluation) -> str:
    n = "" if one.samples is None else f"  n {one.samples}"
    limit = "" if one.threshold is None else f"  {one.comparator or ''} {one.threshold:g}"
    return f"{limit}{n}"


def _groups(whole: Result) -> list[str]:
    rows = whole.details.get("groups", [])
    if not rows:
        return []
    lines = [
        f"  {printable(one['group'])}: {one['accuracy']:.4f} of {counted(one['count'], 'row')}"
        + ("" if one["largeEnough"] else ", too few to be judged")
        for one in rows
    ]
    return ["accuracy of groups", *lines]


def _drift(whole: Result) -> list[str]:
    rows = whole.details.get("drift", [])
    return (
        ["population stability index", *(f"  {printable(o['column'])}: {o['psi']:.4f}" for o in rows)]
        if rows
        else []
    )


def _without(whole: Result, found: Judged) -> list[str]:
    lines = [f"  {one['check']}: {one['why']}" for one in whole.not_measured]
    lines += [f"  {line}" for line in found.unplanned]
    return ["not measured", *map(printable, lines)] if lines else []


def _sum(whole: Result, found: Judged) -> str:
    met = sum(one.met is True for one in found.evaluations)
    without = len(whole.not_measured) + len(found.unplanned) + len(found.unknown)
    words = [f"{met} passed", f"{len(found.missed)} failed", f"{without} not measured"]
    if whole.deviations:
        words.append(f"{counted(len(whole.deviations), 'deviation')} from the plan")
    missed = ", ".join(printable(one.metric or one.kind) for one in found.missed)
    return ", ".join(words) + (f": {missed}" if missed else "")
