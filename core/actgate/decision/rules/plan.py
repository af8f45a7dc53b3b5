"""Results that are not what a plan fixed before the run: refused at every assurance level (ADR 0023).

Art. 9(8) asks for testing against prior defined metrics and thresholds. A plan that is attached counts for
every result, and a result that names a plan needs it. Nothing here asks who signed the plan, or when.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Final

from actgate.api.quoting import quoted
from actgate.decision import groups
from actgate.decision.attestation import Attestation, PlannedMeasurement, PlannedTest
from actgate.decision.manifest import Evaluated, Manifest, Measurement
from actgate.decision.policies import Policy
from actgate.decision.rules.rule import HOUSE_POLICY, Rule
from actgate.decision.verdict import Finding

PLAN: Final = Rule(
    "evidence/plan",
    HOUSE_POLICY,
    requirement="Every measurement that an attached plan names is there with the planned threshold, every "
    "test that it names has a value and the planned comparator and threshold, and every planDigest is the "
    "payload digest of an attached plan that names the measurement or test.",
    rationale="A limit that is set or moved after the numbers are known proves nothing, and neither does a "
    "result that is dropped because of what it says.",
    remediation="Record everything that was planned with its planned threshold; for another limit sign a new "
    "plan, and measure again.",
)
RULES: Final = (PLAN,)
_ATTACH: Final = (
    "attach the plan that was signed before the run: actgate attest MANIFEST --envelope plan.dsse.json"
)
_ANEW: Final = "for another one sign a new plan and measure again"


def findings(manifest: Manifest, policy: Policy) -> Iterator[Finding]:
    """Yield where the results of a manifest are not those that its plans fixed."""
    plans = [item for item in manifest.attestations if item.planned is not None and item.unreadable is None]
    for path, message, remediation in _deviations(manifest, plans):
        yield PLAN.finding(policy.spec.enforcement, path, message, remediation)


def _deviations(manifest: Manifest, plans: Iterable[Attestation]) -> Iterator[tuple[str, str, str]]:
    """Yield path, message and remediation of each deviation."""
    known = {item.payload_digest for item in manifest.attestations if item.unreadable is not None}
    """What cannot be read may be the plan, and has a finding of its own."""
    for plan in plans:
        known.add(plan.payload_digest)
        yield from _of_measurements(plan, manifest)
        yield from _of_tests(plan, manifest)
    yield from _without_plan("spec.bias", manifest.bias, known, manifest)
    yield from _without_plan("spec.evaluations", manifest.evaluations, known, manifest)


def _without_plan(
    field: str, items: Sequence[Measurement | Evaluated], known: Set[str | None], manifest: Manifest
) -> Iterator[tuple[str, str, str]]:
    for index, item in enumerate(items):
        if item.plan_digest is not None and item.plan_digest not in known:
            message = (
                f"Invalid value: {quoted(item.plan_digest, 71)}: must be the payload digest of a plan in "
                "spec.attestations"
            )
            yield f"{manifest.path(field, index)}.planDigest", message, _ATTACH


def _of_measurements(plan: Attestation, manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    called = f"plan {quoted(plan.name)}"
    thresholds: dict[tuple[str | None, str], list[float | None]] = {}
    for planned in plan.planned or ():
        thresholds.setdefault(_key(planned), []).append(planned.threshold)
    for index, measurement in enumerate(manifest.bias):
        path = manifest.path("spec.bias", index)
        wanted = thresholds.get(_key(measurement))
        if wanted is None and _names(measurement, plan):
            yield _unplanned(path, _measured(measurement), called)
        for threshold in wanted or ():
            if measurement.threshold != threshold:
                message = _changed(measurement.threshold, threshold, called)
                yield f"{path}.threshold", message, f"state the planned threshold; {_ANEW}"
    done = {_key(measurement) for measurement in manifest.bias}
    for planned in plan.planned or ():
        if _key(planned) not in done:
            message = f"Required value: must hold {_measured(planned)}, as {called} fixed it"
            yield "spec.bias", message, "record every planned measurement, whatever its result"


def _of_tests(plan: Attestation, manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """Yield the same of tests. A test that is planned without a threshold is held against none."""
    called = f"plan {quoted(plan.name)}"
    for index, test in enumerate(manifest.evaluations):
        path = manifest.path("spec.evaluations", index)
        wanted = [planned for planned in plan.planned_tests if _is(test, planned)]
        if not wanted and _names(test, plan):
            yield _unplanned(path, _tested(test), called)
        for planned in wanted:
            if planned.threshold is None:
                continue
            if test.threshold != planned.threshold:
                message = _changed(test.threshold, planned.threshold, called)
                yield f"{path}.threshold", message, f"state the planned threshold; {_ANEW}"
            if test.comparator != planned.comparator:
                message = _changed(test.comparator, planned.comparator, called)
                yield f"{path}.comparator", message, f"state the planned comparator; {_ANEW}"
    for planned in plan.planned_tests:
        if not any(test.has_value and _is(test, planned) for test in manifest.evaluations):
            message = f"Required value: must hold a value of {_tested(planned)}, as {called} fixed it"
            yield "spec.evaluations", message, "record the result of every planned test, whatever it is"


def _names(item: Measurement | Evaluated, plan: Attestation) -> bool:
    return item.plan_digest is not None and item.plan_digest == plan.payload_digest


def _is(test: Evaluated, planned: PlannedTest) -> bool:
    return test.kind == planned.kind and planned.metric in (None, test.metric)


def _key(item: Measurement | PlannedMeasurement) -> tuple[str | None, str]:
    return None if item.attribute is None else groups.key(item.attribute), str(item.metric)


def _measured(item: Measurement | PlannedMeasurement) -> str:
    about = f" of {quoted(item.attribute)}" if item.attribute is not None else ""
    return f"{item.metric}{about}"


def _tested(item: Evaluated | PlannedTest) -> str:
    return quoted(item.kind if item.metric is None else f"{item.kind} {item.metric}")


def _unplanned(path: str, what: str, called: str) -> tuple[str, str, str]:
    message = f"Invalid value: {what} is not planned: must be one that {called} names"
    return f"{path}.planDigest", message, "leave out planDigest, or plan it before the run"


def _changed(found: float | str | None, planned: float | str | None, called: str) -> str:
    if planned is None:
        return f"Invalid value: {found}: must be absent, as {called} fixed none"
    if found is None:
        return f"Required value: must be {planned}, as {called} fixed it"
    return f"Invalid value: {found}: must be {planned}, as {called} fixed it"
