"""Bias rules: measurements exist, hold the limits, and do not contradict their own claims.

No metric and no limit stands in the AI Act: Art. 10(2)(f) asks for an examination, and the numbers
are house policy. What a limit is held against is in ``decision.limits``.
"""

from collections.abc import Iterator
from typing import Final

from actgate.api.compliance_policy import Enforcement, Tier
from actgate.api.quoting import counted, quoted
from actgate.decision import certainty, groups, limits, metrics
from actgate.decision.manifest import Manifest, Measurement, Problem
from actgate.decision.metrics import NOISE, Rate
from actgate.decision.policies import Policy
from actgate.decision.rules.rule import ACTGATE, HOUSE_POLICY, Rule
from actgate.decision.verdict import Finding

MISSING: Final = Rule(
    "bias/missing",
    "AI Act Art. 10(2)(f)",
    requirement="The manifest holds a bias measurement, and one for each attribute that the policy names.",
    rationale="High-risk systems are to be examined for biases that may harm persons or discriminate.",
    remediation="Measure a group fairness metric on the evaluation data and record it under spec.bias, "
    "for instance with EUAIActGovernanceLogger.log_bias_check.",
)
LIMIT: Final = Rule(
    "bias/limit",
    HOUSE_POLICY,
    requirement="Every difference is at most the limit in absolute value, and every ratio and its reciprocal "
    "at least the limit; the stricter of the manifest's own threshold and the policy's counts. Where the "
    "groups state the counts of the metric, its value is recomputed from them.",
    rationale="The organisation decides how much disparity it accepts; a manifest can only be stricter.",
    remediation="Mitigate the disparity and train again. A looser threshold in the manifest does not help.",
)
CLAIM: Final = Rule(
    "bias/claim",
    ACTGATE,
    requirement="A measurement's own verdict agrees with the recomputation, in every tier.",
    rationale="A claim that its own numbers contradict signals a defect or a manipulation of the evidence.",
    remediation="Write a new manifest from the measured values, or leave compliant out.",
)
SAMPLE: Final = Rule(
    "bias/sample",
    HOUSE_POLICY,
    requirement="A measurement that names its groups compares at least two, none of them empty, and each "
    "as large as the policy's minimum; a metric of true or false positives has persons to count them on in "
    "each group.",
    rationale="With few persons per group chance decides the number, and without any there is none: "
    "inconclusive is not a pass.",
    remediation="Evaluate on more data, and record every group with its count.",
)
RULES: Final = (MISSING, LIMIT, CLAIM, SAMPLE)
_MITIGATE: Final = "mitigate the disparity, measure again and write a new manifest"


def findings(manifest: Manifest, tier: Tier, policy: Policy) -> Iterator[Finding]:
    """Yield what the measurements lack under a policy, for a system of that tier."""
    required = tier in policy.spec.bias.required_for
    if required:
        yield from _missing(manifest, policy)
    for index, measurement in enumerate(manifest.bias):
        path = manifest.path("spec.bias", index)
        limit = limits.limit_of(measurement, policy)
        if required:
            yield from _over_limit(measurement, limit, path, policy)
            yield from _beyond_by_its_groups(measurement, limit, path, policy)
        yield from _sample(measurement, path, policy, policy.spec.bias.min_group_count if required else 0)
        yield from _claim(
            measurement, limit if required else _claimed_limit(measurement, limit), path, policy
        )


def recommendations(manifest: Manifest, policies: tuple[Policy, ...]) -> Iterator[Finding]:
    """Yield a warning for each measurement without groups, where no policy asks for them."""
    if any(policy.spec.bias.min_group_count for policy in policies):
        return
    for index, measurement in enumerate(manifest.bias):
        if not measurement.groups:
            yield SAMPLE.finding(
                Enforcement.WARN,
                f"{manifest.path('spec.bias', index)}.groups",
                "should name the groups that were compared, and their sizes",
                "record at least two groups with their counts",
            )


def _missing(manifest: Manifest, policy: Policy) -> Iterator[Finding]:
    effect = policy.spec.enforcement
    if not manifest.bias:
        yield MISSING.finding(
            effect,
            "spec.bias",
            "Required value: must hold at least one bias measurement",
            "record at least one group fairness metric under spec.bias",
        )
    measured = {measurement.attribute for measurement in manifest.bias}
    for attribute in sorted(set(policy.spec.bias.attributes) - measured):
        yield MISSING.finding(
            effect,
            "spec.bias",
            f"Required value: must hold a measurement for attribute {quoted(attribute)} (policy "
            f"{policy.name})",
            f"record a bias measurement with attribute: {attribute}",
        )


def _over_limit(measurement: Measurement, limit: float, path: str, policy: Policy) -> Iterator[Finding]:
    if limits.holds(measurement, limit):
        return
    if limits.states_within(measurement, limit):
        yield _beyond(measurement, metrics.disparity(measurement), "counts", limit, path, policy)
        return
    measured = str(measurement.metric)
    if measurement.attribute is not None:
        measured = f"{measured} of {quoted(measurement.attribute)}"
    yield LIMIT.finding(
        policy.spec.enforcement,
        f"{path}.value",
        f"Invalid value: {measurement.value}: must be {_bound(measurement, limit)} "
        f"({limits.owner(limit, measurement, policy)}) for {measured}",
        _remediation(measurement, limit, policy),
    )


def _remediation(measurement: Measurement, limit: float, policy: Policy) -> str:
    """Return that of ``bias/interval`` where it speaks too, so that both are one advice."""
    confidence = policy.spec.bias.confidence
    if certainty.straddling(measurement, limit, confidence) is None:
        return _MITIGATE
    return certainty.remediation(measurement, limit, confidence)


def _bound(measurement: Measurement, limit: float) -> str:
    """Return the bound that a value does not hold; of a difference, the one on its side of zero."""
    if measurement.metric.is_ratio:
        return f"<= {1 / limit:.4g}, the reciprocal of {limit}" if measurement.value > 1 else f">= {limit}"
    return f">= -{limit}" if measurement.value < 0 else f"<= {limit}"


def _beyond_by_its_groups(
    measurement: Measurement, limit: float, path: str, policy: Policy
) -> Iterator[Finding]:
    """Refuse a value that rounding brought within the limit, or that of two groups among more of them.

    This is about selection rates; where there are counts, the limit is held against what they say.
    """
    if metrics.recomputable(measurement) or not limits.holds(measurement, limit):
        return
    least = groups.least_disparity(measurement)
    if least is None or groups.expected(measurement) is not None:
        return
    if least < limit - NOISE if measurement.metric.is_ratio else least > limit + NOISE:
        yield _beyond(measurement, least, "selection rates", limit, path, policy)


def _beyond(
    measurement: Measurement, size: float | None, source: str, limit: float, path: str, policy: Policy
) -> Finding:
    """Return the finding about what the groups say, where the stated value holds the limit."""
    at = "" if source == "counts" else "at most " if measurement.metric.is_ratio else "at least "
    kind, bound = ("ratio", ">=") if measurement.metric.is_ratio else ("difference", "<=")
    return LIMIT.finding(
        policy.spec.enforcement,
        f"{path}.groups",
        f"Invalid value: a {kind} of {at}{size:.6g} by the {source}: must be {bound} {limit} "
        f"({limits.owner(limit, measurement, policy)})",
        _remediation(measurement, limit, policy),
    )


def _claimed_limit(measurement: Measurement, limit: float) -> float | None:
    """Return what a claim is held against where the policy asks for no bias check: the pipeline's limit.

    Where it states none, a claim to hold is held against the policy's, since nothing else backs it.
    """
    own = limits.own_threshold(measurement)
    return limit if own is None and measurement.compliant else own


def _claim(measurement: Measurement, limit: float | None, path: str, policy: Policy) -> Iterator[Finding]:
    if measurement.compliant is None or limit is None:
        return
    holds = limits.holds(measurement, limit)
    if measurement.compliant is holds:
        return
    value = str(measurement.value)
    if holds is not limits.states_within(measurement, limit):
        value = f"{metrics.disparity(measurement):.6g}, by the counts,"
    claimed, computed = str(measurement.compliant).lower(), str(holds).lower()
    result = "meets" if holds else "does not meet"
    yield CLAIM.finding(
        policy.spec.enforcement,
        f"{path}.compliant",
        f"Invalid value: {claimed}: must be {computed}, as {value} {result} the limit {limit}",
        "write a new manifest from the measured values, or leave compliant out",
    )


def uncompared(measurement: Measurement) -> Iterator[Problem]:
    """Yield why the groups that a measurement names compare nothing; paths begin within the measurement."""
    for index, rate in metrics.without_cases(measurement):
        group = measurement.groups[index]
        bound = ">= 1" if rate is Rate.TRUE_POSITIVE else f"< {group.count}"
        yield Problem(
            f"groups[{index}].positives",
            f"Invalid value: {group.positives}: must be {bound}, {measurement.metric} compares "
            f"{rate.value}s, of which group {quoted(group.name)} can have none",
            "evaluate on more data of that group",
        )
    if not measurement.groups:
        return
    names = {groups.key(group.name) for group in groups.non_empty(measurement)}
    if len(names) < 2:
        yield Problem(
            "groups",
            f"Invalid value: {counted(len(names), 'non-empty group')}: must be at least 2 to compare",
            "record every group with its count",
        )
    for index, group in enumerate(measurement.groups):
        if group.count <= 0:
            yield Problem(
                f"groups[{index}].count",
                f"Invalid value: {group.count}: must be >= 1, nothing can be measured on group "
                f"{quoted(group.name)}",
                "leave out the group, or evaluate on data of it",
            )


def _sample(measurement: Measurement, path: str, policy: Policy, minimum: int) -> Iterator[Finding]:
    effect = policy.spec.enforcement
    for found in uncompared(measurement):
        yield SAMPLE.finding(effect, f"{path}.{found.path}", found.message, found.remediation)
    if minimum and not measurement.groups:
        yield SAMPLE.finding(
            effect,
            f"{path}.groups",
            "Required value: must name at least 2 groups to compare",
            "record every group with its count",
        )
    for index, group in enumerate(measurement.groups):
        if 0 < group.count < minimum:
            yield SAMPLE.finding(
                effect,
                f"{path}.groups[{index}].count",
                f"Invalid value: {group.count}: must be >= {minimum} (policy {policy.name}) "
                f"for group {quoted(group.name)}",
                "evaluate on more data of that group",
            )
