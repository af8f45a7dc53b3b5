"""The counts of a scan: by outcome, rule, tier, kind and namespace."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from actgate.api.compliance_policy import Enforcement
from actgate.decision import Outcome
from actgate.scan.candidates import Tier
from actgate.scan.judging import Judged


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How many subjects a rule has findings about, each counted by its strongest one."""

    denied: int = 0
    warned: int = 0
    audited: int = 0
    exempted: int = 0

    @property
    def subjects(self) -> int:
        """All of them."""
        return self.denied + self.warned + self.audited + self.exempted


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of judged subjects."""

    judged: int
    outcomes: Mapping[Outcome, int]
    """Every outcome, from best to worst."""
    tiers: Mapping[Tier, int]
    """Those that are judged, the surest first."""
    rules: Mapping[str, RuleCount]
    """By rule id, the ones that deny most often first."""
    namespaces: Mapping[str, Mapping[Outcome, int]]
    """By namespace, sorted by name; outcomes that do not occur are 0."""
    next_change: datetime | None
    """The next moment at which time alone changes a verdict; None if there is none."""


def summarise(judged: Iterable[Judged]) -> Summary:
    """Return the counts of subjects that were judged."""
    outcomes, tiers = Counter[Outcome](), Counter[Tier]()
    namespaces: dict[str, Counter[Outcome]] = {}
    rules: dict[str, Counter[str]] = {}
    ends: list[datetime] = []
    for one in judged:
        verdict = one.verdict
        outcomes[verdict.outcome] += 1
        tiers[one.tier] += 1
        namespaces.setdefault(one.subject.namespace, Counter())[verdict.outcome] += 1
        strongest: dict[str, str] = {}
        for finding in verdict.findings:  # The strongest first.
            strongest.setdefault(finding.rule, finding.reported_effect)
        for rule, effect in strongest.items():
            rules.setdefault(rule, Counter())[effect] += 1
        if verdict.valid_until is not None:
            ends.append(verdict.valid_until)
    counted = {rule: _rule_count(effects) for rule, effects in rules.items()}
    return Summary(
        judged=outcomes.total(),
        outcomes={outcome: outcomes[outcome] for outcome in Outcome},
        tiers={tier: tiers[tier] for tier in Tier if tier is not Tier.WEAK},
        rules=dict(sorted(counted.items(), key=lambda item: (-item[1].denied, -item[1].subjects, item[0]))),
        namespaces={
            name: {outcome: found[outcome] for outcome in Outcome}
            for name, found in sorted(namespaces.items())
        },
        next_change=min(ends, default=None),
    )


def _rule_count(effects: Counter[str]) -> RuleCount:
    return RuleCount(
        effects[Enforcement.DENY], effects[Enforcement.WARN], effects[Enforcement.AUDIT], effects["Exempted"]
    )
