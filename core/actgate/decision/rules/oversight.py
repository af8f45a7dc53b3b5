"""Oversight rules: natural persons can understand, override and stop the system."""

from collections.abc import Iterator
from typing import Final

from actgate.api.compliance_policy import Enforcement, OversightField, Tier
from actgate.decision.manifest import Manifest
from actgate.decision.policies import Policy
from actgate.decision.rules.rule import HOUSE_POLICY, Rule
from actgate.decision.verdict import Finding

MISSING: Final = Rule(
    "oversight/missing",
    "AI Act Art. 14",
    requirement="Human oversight is enabled; only the boolean true counts.",
    rationale="High-risk systems are to be designed so that natural persons can effectively oversee them.",
    remediation="Put human oversight in place and record it as spec.humanOversight.enabled: true, with the "
    "role, contact, override and stop that make it real.",
)
FIELDS: Final = Rule(
    "oversight/fields",
    HOUSE_POLICY,
    requirement="The fields of human oversight that the policy requires are filled in.",
    rationale="A bare true proves nothing: it must be stated who can override and stop the system, and how.",
    remediation="Fill in spec.humanOversight.role, contact, override and stop.",
)
RULES: Final = (MISSING, FIELDS)


def findings(manifest: Manifest, tier: Tier, policy: Policy) -> Iterator[Finding]:
    """Yield what human oversight lacks under a policy, for a system of that tier."""
    asked = policy.spec.human_oversight
    if tier not in asked.required_for:
        return
    oversight = manifest.oversight
    if oversight is None or oversight.enabled is not True:
        yield MISSING.finding(
            policy.spec.enforcement,
            "spec.humanOversight.enabled",
            "Required value: human oversight must be recorded"
            if oversight is None
            else "Invalid value: false: human oversight must be enabled",
            "put human oversight in place and record enabled: true as a boolean",
        )
    filled = oversight.filled if oversight is not None else frozenset()
    for name in sorted(set(asked.fields) - filled):
        yield FIELDS.finding(
            policy.spec.enforcement,
            f"spec.humanOversight.{name}",
            f"Required value: {name} must not be empty (policy {policy.name})",
            f"fill in spec.humanOversight.{name}",
        )


def recommendations(manifest: Manifest, policies: tuple[Policy, ...]) -> Iterator[Finding]:
    """Yield a warning where oversight is a bare boolean, and no policy asks for more."""
    if any(policy.spec.human_oversight.fields for policy in policies):
        return
    if manifest.oversight is not None and manifest.oversight.enabled and not manifest.oversight.filled:
        fields = ", ".join(OversightField)
        yield FIELDS.finding(
            Enforcement.WARN,
            "spec.humanOversight",
            "should state who oversees, overrides and stops the system, not only true",
            f"fill in {fields} of spec.humanOversight",
        )
