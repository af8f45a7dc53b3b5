"""Evidence rules: it can be read, and it counts at this moment.

Periods include their beginning and exclude their end, so that a timer set to the end of one finds
the evidence expired when it fires.
"""

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from actgate.api.compliance_policy import Enforcement
from actgate.api.times import timestamp
from actgate.decision.manifest import Manifest, Measurement
from actgate.decision.policies import Policy
from actgate.decision.rules.rule import ACTGATE, HOUSE_POLICY, Rule
from actgate.decision.verdict import Finding

INVALID: Final = Rule(
    "manifest/invalid",
    ACTGATE,
    requirement="Every field of the manifest is one that the schema has, with its type and range; of a v0 "
    "file "
    "every key under bias_metrics is known and holds a number, and no other key holds a measurement.",
    rationale="A value that cannot be read cannot be judged, and generous reading would let forgeries "
    "through: what a file measures must not disappear.",
    remediation="Write the field as the schema requires: kubectl explain compliancemanifest.spec.",
)
EXPIRED: Final = Rule(
    "evidence/expired",
    HOUSE_POLICY,
    requirement="The decision is made before validity.notAfter.",
    rationale="Evidence ages: its author stated until when it holds.",
    remediation="Assess the model again and write a new manifest.",
)
FUTURE: Final = Rule(
    "evidence/future",
    HOUSE_POLICY,
    requirement="The decision is made at or after validity.notBefore, and nothing is dated in the future.",
    rationale="Nothing can have been measured or approved tomorrow; such dates signal a wrong clock or a "
    "forgery.",
    remediation="Wait until the evidence is valid, or correct the clock that wrote it.",
)
AGE: Final = Rule(
    "evidence/age",
    HOUSE_POLICY,
    requirement="The training run ended less than the policy's maxAge ago.",
    rationale="Data, use and population drift away from what was once measured.",
    remediation="Train or evaluate again, and write a new manifest.",
)
RULES: Final = (INVALID, EXPIRED, FUTURE, AGE)


def unreadable(manifest: Manifest, effect: Enforcement) -> Iterator[Finding]:
    """Yield every field that has the wrong type or range."""
    for problem in manifest.problems:
        yield INVALID.finding(effect, problem.path, problem.message, problem.remediation)
    for index, measurement in enumerate(manifest.bias):
        for name, message in _out_of_range(measurement):
            yield INVALID.finding(
                effect,
                f"{manifest.path('spec.bias', index)}.{name}",
                message,
                "state a difference from -1 to 1, a ratio from 0 upwards, a threshold from 0 to 1",
            )


def _out_of_range(measurement: Measurement) -> Iterator[tuple[str, str]]:
    value, threshold = measurement.value, measurement.threshold
    if not math.isfinite(value):
        yield "value", f"Invalid value: {value}: {measurement.metric} must be a finite number"
    elif measurement.metric.is_ratio and value < 0:
        yield "value", f"Invalid value: {value}: {measurement.metric} must be >= 0"
    elif not measurement.metric.is_ratio and abs(value) > 1:
        yield "value", f"Invalid value: {value}: {measurement.metric} must be between -1 and 1"
    if threshold is not None and not 0 <= threshold <= 1:
        yield "threshold", f"Invalid value: {threshold}: the threshold must be between 0 and 1"


def check_validity(manifest: Manifest, policy: Policy, now: datetime) -> Iterator[Finding]:
    """Yield why the evidence does not count at a moment."""
    effect = policy.spec.enforcement
    if manifest.not_after is not None and now >= manifest.not_after:
        yield EXPIRED.finding(
            effect,
            "spec.validity.notAfter",
            f"Invalid value: {timestamp(manifest.not_after)}: the evidence has expired",
            "assess the model again and write a new manifest",
        )
    if manifest.not_before is not None and now < manifest.not_before:
        yield FUTURE.finding(
            effect,
            "spec.validity.notBefore",
            f"Invalid value: {timestamp(manifest.not_before)}: the evidence is not valid yet",
            "wait until then, or write a manifest that is valid earlier",
        )
    for path, dated in _dated(manifest):
        if now < dated:
            yield FUTURE.finding(
                effect,
                path,
                f"Invalid value: {timestamp(dated)}: must not be in the future",
                "correct the clock or the date, and write a new manifest",
            )
    yield from _age(manifest, policy, now)


def _age(manifest: Manifest, policy: Policy, now: datetime) -> Iterator[Finding]:
    finished = manifest.finished_at
    if finished is None:
        yield AGE.finding(
            policy.spec.enforcement,
            "spec.training.finishedAt",
            f"Required value: must state when training ended (policy {policy.name} limits the age)",
            "record spec.training.finishedAt",
        )
    elif now - finished >= policy.max_age:
        yield AGE.finding(
            policy.spec.enforcement,
            "spec.training.finishedAt",
            f"Invalid value: {timestamp(finished)}: training must have ended less than "
            f"{policy.spec.evidence.max_age} ago (policy {policy.name})",
            "train or evaluate again, and write a new manifest",
        )


def transition_times(manifest: Manifest, policy: Policy) -> Iterator[datetime]:
    """Yield the moments at which ``check_validity`` changes its answer."""
    yield from (moment for moment in (manifest.not_after, manifest.not_before) if moment is not None)
    yield from (dated for _, dated in _dated(manifest))
    if manifest.finished_at is not None and (end := later(manifest.finished_at, policy.max_age)):
        yield end


def _dated(manifest: Manifest) -> Iterator[tuple[str, datetime]]:
    if manifest.finished_at is not None:
        yield "spec.training.finishedAt", manifest.finished_at
    yield from manifest.records


def later(moment: datetime, duration: timedelta) -> datetime | None:
    """Return a later moment; None past the end of the calendar."""
    try:
        return moment + duration
    except OverflowError:
        return None
