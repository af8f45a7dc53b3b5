"""CompliancePolicy: what a cluster or some of its namespaces ask of the evidence."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from actgate.api.base import Duration, Model, Resource, ShortText
from actgate.api.names import LABEL_VALUE

_LABEL_KEY = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
LabelKey = Annotated[str, Field(pattern=_LABEL_KEY, max_length=317)]
LabelValue = Annotated[str, Field(pattern=f"^{LABEL_VALUE}$", max_length=63)]


class Enforcement(StrEnum):
    """What a finding does: refuse, warn the user, or only be recorded."""

    DENY = "Deny"
    WARN = "Warn"
    AUDIT = "Audit"


class Tier(StrEnum):
    """The risk categories that a model may have and still run."""

    HIGH_RISK = "HighRisk"
    LIMITED_RISK = "LimitedRisk"
    MINIMAL_RISK = "MinimalRisk"


class Requirement(StrEnum):
    """How firmly a declaration is asked for."""

    REQUIRE = "Require"
    IF_DECLARED = "IfDeclared"
    IGNORE = "Ignore"


class OversightField(StrEnum):
    """Fields of a manifest's humanOversight that a policy can require."""

    ROLE = "role"
    CONTACT = "contact"
    OVERRIDE = "override"
    STOP = "stop"


class OnViolation(StrEnum):
    """What the operator does with a model that runs when its evidence stops passing."""

    KEEP = "Keep"
    SCALE_TO_ZERO = "ScaleToZero"


class SelectorOperator(StrEnum):
    """Operators of a Kubernetes label selector requirement."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class SelectorRequirement(Model):
    """One expression of a label selector."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "self.operator in ['In', 'NotIn']"
                    " ? (has(self.values) && size(self.values) > 0)"
                    " : (!has(self.values) || size(self.values) == 0)",
                    "message": "values must be set for In and NotIn, and only for them",
                }
            ]
        }
    )

    key: LabelKey
    """Label key that the expression is about."""
    operator: Annotated[SelectorOperator, Field(strict=False)]
    """How the label relates to the values."""
    values: Annotated[list[LabelValue], Field(max_length=64)] | None = None
    """Values for In and NotIn; must be absent for Exists and DoesNotExist."""


class LabelSelector(Model):
    """A Kubernetes label selector; an empty one selects everything."""

    match_labels: Annotated[dict[str, LabelValue], Field(max_length=32)] | None = None
    """Labels that must all be there with these values."""
    match_expressions: Annotated[list[SelectorRequirement], Field(max_length=32)] | None = None
    """Expressions that must all hold."""


Tiers = Annotated[list[Annotated[Tier, Field(strict=False)]], Field(max_length=3)]
_EVERY_TIER = list(Tier)


class BiasPolicy(Model):
    """What is asked of bias measurements."""

    required_for: Tiers = _EVERY_TIER
    """Tiers for which a passing bias check is required."""
    max_difference: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Largest absolute value of a difference metric that passes. House policy: no law sets it."""
    min_ratio: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Smallest ratio that passes, its reciprocal included; 0.8 is the four-fifths rule."""
    min_group_count: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    """Smallest group that counts as evidence; 0 asks for no group sizes."""
    attributes: Annotated[list[ShortText], Field(max_length=32)] = []
    """Protected attributes that must each be measured."""


class ResidencyPolicy(Model):
    """Where training and serving may happen. House policy: the AI Act asks for no residency."""

    required_for: Tiers = _EVERY_TIER
    """Tiers for which residency is judged."""
    countries: Annotated[
        list[Annotated[str, Field(pattern=r"^(EU|EEA|[A-Z]{2})$", max_length=3)]],
        Field(max_length=64),
    ] = ["EU"]
    """Allowed countries: EU, EEA, or ISO 3166-1 alpha-2 codes."""
    training: Annotated[Requirement, Field(strict=False)] = Requirement.REQUIRE
    """Whether training regions must be declared."""
    serving: Annotated[Requirement, Field(strict=False)] = Requirement.IF_DECLARED
    """Whether the deployment's placement must be declared."""


class HumanOversightPolicy(Model):
    """What is asked of human oversight."""

    required_for: Tiers = _EVERY_TIER
    """Tiers for which human oversight is required."""
    fields: Annotated[list[Annotated[OversightField, Field(strict=False)]], Field(max_length=4)] = []
    """Fields of humanOversight that must be filled in."""


class EvidencePolicy(Model):
    """What is asked of the evidence itself."""

    max_age: Duration = "8760h"
    """Oldest evidence that counts, from the end of training."""
    require_digest: bool = False
    """Whether model and manifest must both name the artefact by digest."""


class CompliancePolicySpec(Model):
    """What the selected namespaces ask of a model's evidence; the defaults are the baseline."""

    # Defaults need no validation: built without it, the parts' own validators are never made.

    enforcement: Annotated[Enforcement, Field(strict=False)] = Enforcement.DENY
    """Deny refuses, Warn warns the user, Audit only records."""
    namespace_selector: LabelSelector = LabelSelector.model_construct()
    """Namespaces that this policy applies to; empty selects every namespace."""
    bias: BiasPolicy = BiasPolicy.model_construct()
    """What is asked of bias measurements."""
    residency: ResidencyPolicy = ResidencyPolicy.model_construct()
    """Where training and serving may happen."""
    human_oversight: HumanOversightPolicy = HumanOversightPolicy.model_construct()
    """What is asked of human oversight."""
    evidence: EvidencePolicy = EvidencePolicy.model_construct()
    """What is asked of the evidence itself."""
    on_violation: Annotated[OnViolation, Field(strict=False)] = OnViolation.KEEP
    """What happens to a running model whose evidence stops passing."""


class CompliancePolicy(Resource):
    """What a cluster or some of its namespaces ask of an AI model's evidence."""

    kind: Literal["CompliancePolicy"]
    spec: CompliancePolicySpec
