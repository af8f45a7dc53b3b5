"""Risk rules: prohibited practices never run, and an unclear category counts as high-risk.

Sources: Regulation (EU) 2024/1689, Art. 5, Art. 6 and Annex III, as in ``data/ai_act.json``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from actgate.api.compliance_manifest import RiskCategory
from actgate.api.compliance_policy import Enforcement, Tier
from actgate.api.quoting import quoted
from actgate.decision.data import ai_act
from actgate.decision.manifest import Classification, Manifest
from actgate.decision.rules.rule import Rule
from actgate.decision.verdict import Finding

PROHIBITED: Final = Rule(
    "risk/prohibited",
    "AI Act Art. 5",
    requirement="The system is not a prohibited practice.",
    rationale="Art. 5 forbids these practices outright; no policy of an organisation can relax it.",
    remediation="No evidence can change this: the system must not run. If the category is wrong, correct "
    "riskCategory and classification in a new manifest.",
)
CATEGORY: Final = Rule(
    "risk/category",
    "AI Act Art. 6",
    requirement="The manifest states the system's risk category, and its classification supports it.",
    rationale="What is required of a system depends on its category; one that is missing, unknown or "
    "contradicted is judged as HighRisk.",
    remediation="State spec.riskCategory, and for a use of Annex III below high-risk the reasoning of Art. "
    "6(3) in spec.classification.rationale with profiling: false.",
)
RULES: Final = (PROHIBITED, CATEGORY)

_BASIS: Final = "spec.classification.basis"
_NO_POINT: Final = "none"
_ANNEX_I: Final = "I"


def _starts() -> dict[str, datetime]:
    """Return when each practice of Art. 5 became or becomes prohibited, at midnight UTC."""
    return {
        entry["id"]: datetime.combine(date.fromisoformat(entry["from"]), time(), UTC)
        for entry in ai_act()["art5_prohibited"]
    }


def _spellings() -> dict[str, str]:
    """Return the id of every point that a classification can rest on, by its lower-case spellings."""
    points = (*ai_act()["art5_prohibited"], *ai_act()["annex_iii"])
    spelt = {point[field].lower(): point["id"] for point in points for field in ("id", "cite")}
    return spelt | {_NO_POINT: _NO_POINT, _ANNEX_I.lower(): _ANNEX_I}


_ART_5: Final = _starts()
_SPELLINGS: Final = _spellings()
_POINTS: Final = frozenset(_SPELLINGS.values())


@dataclass(frozen=True, slots=True)
class Classified:
    """The tier that a manifest is judged in; ``doubt`` is the message why it is not the one it states."""

    tier: Tier
    path: str = "spec.riskCategory"
    """The field that decided."""
    prohibited_by: str | None = None
    """The words that make it a prohibited practice, or None."""
    doubt: str | None = None


def classify(manifest: Manifest, now: datetime) -> Classified:
    """Return the tier in which a manifest is judged at a moment."""
    category, stated = manifest.risk_category, manifest.classification
    if category is RiskCategory.PROHIBITED:
        return Classified(Tier.HIGH_RISK, prohibited_by="its risk category is Prohibited")
    basis = _point(stated)
    if basis is not None and (start := _ART_5.get(basis)) is not None:
        if now >= start:
            words = f"its classification rests on point {basis} of Art. 5, in force since {start:%Y-%m-%d}"
            return Classified(Tier.HIGH_RISK, _BASIS, prohibited_by=words)
        doubt = f"point {basis} of Art. 5 prohibits the system from {start:%Y-%m-%d} on"
        return _doubted(_BASIS, _invalid(stated), doubt)
    if category is None:
        what = manifest.stated_category
        if what is None:
            return _doubted("spec.riskCategory", "Required value", "must state the risk category")
        known = ", ".join(map(quoted, RiskCategory))
        return _doubted(
            "spec.riskCategory", f"Unsupported value: {quoted(what)}", f"supported values: {known}"
        )
    tier = Tier(category.value)
    if stated is None or (contradiction := _contradiction(basis, stated, tier)) is None:
        return Classified(tier)
    return _doubted(_BASIS, _invalid(stated), contradiction)


def _doubted(path: str, problem: str, why: str) -> Classified:
    return Classified(Tier.HIGH_RISK, path, doubt=f"{problem}: judged as HighRisk: {why}")


def _invalid(stated: Classification | None) -> str:
    return f"Invalid value: {quoted(stated.basis if stated is not None else None)}"


def transition_times(manifest: Manifest) -> Iterator[datetime]:
    """Yield the moments at which ``classify`` changes its answer."""
    if (basis := _point(manifest.classification)) in _ART_5:
        yield _ART_5[basis]


def _point(stated: Classification | None) -> str | None:
    """Return the point of the Act that a classification rests on, as actgate writes it if it knows it."""
    if stated is None or stated.basis is None:
        return None
    stripped = stated.basis.strip()
    return _SPELLINGS.get(stripped.lower(), stripped)


def _contradiction(basis: str | None, stated: Classification, tier: Tier) -> str | None:
    """Say why a classification does not bear out its tier, if it does not."""
    if basis is None or basis == _NO_POINT:
        return None
    if basis not in _POINTS:
        return "must be a point of the Act that actgate knows"
    if tier is Tier.HIGH_RISK:
        return None
    if basis == _ANNEX_I:
        return "a product of Annex I is high-risk, Art. 6(1)"
    if stated.profiling is not False:
        return f"point {basis} of Annex III is high-risk unless profiling is stated to be false, Art. 6(3)"
    if not stated.reasoned:
        return f"point {basis} of Annex III is below high-risk only with a documented reasoning, Art. 6(4)"
    return None


def findings(classified: Classified) -> Iterator[Finding]:
    """Yield what the classification itself means; a prohibition denies under every policy."""
    if classified.prohibited_by is not None:
        yield PROHIBITED.finding(
            Enforcement.DENY,
            classified.path,
            f"Forbidden: the system is a prohibited practice: {classified.prohibited_by}",
            "do not deploy it; if the category is wrong, write a corrected manifest",
        )
    if classified.doubt is not None:
        yield CATEGORY.finding(
            Enforcement.WARN,
            classified.path,
            classified.doubt,
            "state riskCategory as HighRisk, LimitedRisk or MinimalRisk, and a classification that "
            "supports it",
        )
