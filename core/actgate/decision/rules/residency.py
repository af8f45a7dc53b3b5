"""Residency rules: training and serving happen in countries that the policy allows.

House policy throughout: the AI Act asks for no residency. What counts is the country that the
provider's region lies in, from ``data/regions.csv``; a code proves nothing by its letters.
"""

from collections.abc import Iterator
from typing import Final

from actgate.api.compliance_policy import Enforcement, Requirement, Tier
from actgate.api.quoting import quoted
from actgate.decision.manifest import Manifest, Region
from actgate.decision.policies import Policy
from actgate.decision.regions import Place, locate
from actgate.decision.residency_text import read
from actgate.decision.rule_ids import RESIDENCY_SERVING
from actgate.decision.rules.rule import HOUSE_POLICY, Rule
from actgate.decision.subject import Subject
from actgate.decision.suggestions import did_you_mean, in_words
from actgate.decision.verdict import Finding

TRAINING: Final = Rule(
    "residency/training",
    HOUSE_POLICY,
    requirement="Every training region is stated, known, unambiguous and in an allowed country, and every "
    "word of its statement is explained by that region: its code, provider, city or country.",
    rationale="The organisation keeps training data within chosen countries; an unknown place is not one "
    "of them, and a text that is not understood may mean that data went elsewhere.",
    remediation="Train in an allowed region, and record it as provider and region code under "
    "spec.training.regions.",
)
SERVING: Final = Rule(
    RESIDENCY_SERVING,
    HOUSE_POLICY,
    requirement="Where placement is declared or required, every region of it is known, unambiguous and in an "
    "allowed country.",
    rationale="The organisation keeps personal data that the model sees within chosen countries.",
    remediation="Declare spec.placement.regions with provider and region code of an allowed country; on a "
    "plain workload select nodes by topology.kubernetes.io/region.",
)
RULES: Final = (TRAINING, SERVING)


def training(manifest: Manifest, tier: Tier, policy: Policy) -> Iterator[Finding]:
    """Yield what is wrong with the regions in which the model was trained."""
    residency = policy.spec.residency
    if tier not in residency.required_for or residency.training is Requirement.IGNORE:
        return
    if not manifest.training_regions and residency.training is Requirement.REQUIRE:
        yield TRAINING.finding(
            policy.spec.enforcement,
            "spec.training.regions",
            "Required value: must state at least one training region",
            "record provider and region code under spec.training.regions",
        )
    for index, region in enumerate(manifest.training_regions):
        yield from _region(TRAINING, region, manifest.path("spec.training.regions", index), policy)


def serving(subject: Subject, tiers: set[Tier], policy: Policy) -> Iterator[Finding]:
    """Yield what is wrong with the regions where the subject declares to run models of these tiers."""
    residency = policy.spec.residency
    if tiers.isdisjoint(residency.required_for) or residency.serving is Requirement.IGNORE:
        return
    unreadable = subject.problems and [problem for problem in subject.problems if problem.rule == SERVING.id]
    for problem in unreadable:
        yield SERVING.finding(policy.spec.enforcement, problem.path, problem.message, problem.remediation)
    # A manifest judged by itself runs nowhere; only a deployment has a placement.
    if (
        not subject.placement
        and not unreadable
        and residency.serving is Requirement.REQUIRE
        and subject.kind != "ComplianceManifest"
    ):
        yield SERVING.finding(
            policy.spec.enforcement,
            "spec.placement.regions",
            f"Required value: the {subject.kind} must declare a region to run in (policy {policy.name})",
            "declare where it runs: spec.placement.regions of a ModelDeployment, or a node selector on "
            "topology.kubernetes.io/region",
        )
    for path, region in subject.placement or ():
        yield from _region(SERVING, region, path, policy)


def _region(rule: Rule, region: Region, path: str, policy: Policy) -> Iterator[Finding]:
    places = locate(region.code, region.provider)
    if not places:
        yield rule.finding(policy.spec.enforcement, path, *_unknown(region))
        return
    elsewhere = [place for place in places if place.country not in policy.countries]
    if elsewhere:
        allowed = ", ".join(policy.spec.residency.countries) or "none"
        found = " or ".join(dict.fromkeys(_words(place) for place in places))
        remediation = (
            "state the provider beside the region"
            if len(elsewhere) < len(places)
            else f"use a region in an allowed country ({allowed})"
        )
        yield rule.finding(
            policy.spec.enforcement,
            path,
            f"Invalid value: {quoted(region.code)}: must be in an allowed country ({allowed}), is {found}",
            remediation,
        )
    if region.statement is not None:
        yield from _statement(rule, region, places, path, policy)


def _unknown(region: Region) -> tuple[str, str]:
    meant = in_words(did_you_mean(region.code, region.provider))
    if region.provider is None:
        return (
            f"Invalid value: {quoted(region.code)}: region not found at any provider",
            f"{meant}state provider and region code as the provider writes them, such as aws and eu-west-3",
        )
    return (
        f"Invalid value: {quoted(region.code)}: region not found at provider {quoted(region.provider)}",
        f"{meant}state the region code as that provider writes it; an unknown place is never allowed",
    )


def _words(place: Place) -> str:
    return f"{place.town}, {place.country} ({place.provider})"


def _statement(
    rule: Rule, region: Region, places: tuple[Place, ...], path: str, policy: Policy
) -> Iterator[Finding]:
    """Hold the source's own words against the region: none of them may be left over.

    A place that the policy allows makes the statement doubtful, any other one makes it wrong.
    """
    statement = region.statement or ""
    reading = read(statement, places)
    if reading.unexplained:
        yield rule.finding(
            policy.spec.enforcement,
            f"{path}.statement",
            f"Invalid value: {quoted(statement)}: {_quoted(reading.unexplained)} cannot be understood as "
            f"region {quoted(region.code)}, its provider, city or country",
            "state the region code alone, or with its provider, city and country; leave out remarks",
        )
    for allowed, effect in ((False, policy.spec.enforcement), (True, Enforcement.WARN)):
        named = [
            label for label, countries in reading.others if policy.countries.issuperset(countries) is allowed
        ]
        if named:
            yield rule.finding(
                effect,
                f"{path}.statement",
                f"Invalid value: {quoted(statement)}: also names {_listed(named)}, which is not "
                f"region {quoted(region.code)}",
                "state each region by itself, with its provider",
            )


def _quoted(words: tuple[str, ...]) -> str:
    return _listed([quoted(word, 32) for word in words])


def _listed(items: list[str]) -> str:
    """Return some items in words; a statement of a thousand words is not repeated as a whole."""
    more = [f"{len(items) - _MOST_NAMED} more"] if len(items) > _MOST_NAMED else []
    return " and ".join([*items[:_MOST_NAMED], *more])


_MOST_NAMED: Final = 4
