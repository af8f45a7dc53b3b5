"""The rules, one module per family, and the list of all of them in the order of their findings."""

from typing import Final

from actgate.decision.rules import (
    assurance,
    attestation,
    bias,
    contradiction,
    counts,
    evidence,
    inference,
    interval,
    link,
    logging,
    oversight,
    plan,
    residency,
    risk,
)
from actgate.decision.rules.rule import Rule

ALL: Final[tuple[Rule, ...]] = (
    *link.RULES,
    *inference.RULES,
    *risk.RULES,
    *bias.RULES,
    *counts.RULES,
    *interval.RULES,
    *residency.RULES,
    *oversight.RULES,
    *evidence.RULES,
    *assurance.RULES,
    *attestation.RULES,
    *contradiction.RULES,
    *plan.RULES,
    *logging.RULES,
)
"""Every rule; a verdict's findings stand in this order."""

BY_ID: Final[dict[str, Rule]] = {rule.id: rule for rule in ALL}
"""The rules by their ids."""

__all__ = ["ALL", "BY_ID", "Rule"]
