"""Evidence as the decision sees it: small immutable values, read from a ComplianceManifest.

``actgate.manifests`` reads them from documents and objects; the rules only ever see these. A value
that could not be read is not here: it left a ``Problem``, and a problem always fails.
"""

from dataclasses import dataclass, field
from datetime import datetime

from actgate.api.compliance_manifest import DigestDomain, Metric, RiskCategory
from actgate.decision.attestation import Attestation
from actgate.decision.problem import Problem

__all__ = [
    "Classification",
    "Evaluated",
    "GroupCount",
    "Manifest",
    "Measurement",
    "ModelIdentity",
    "Oversight",
    "Problem",
    "Region",
]


@dataclass(frozen=True, slots=True)
class Region:
    """A stated place: provider (None: not stated), region or zone code, and the source's words."""

    code: str
    provider: str | None = None
    statement: str | None = None


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model: its name, and version and SHA-256 digest where they are stated."""

    name: str
    version: str | None = None
    digest: str | None = None
    domain: DigestDomain | None = None


@dataclass(frozen=True, slots=True)
class GroupCount:
    """A group of persons in a bias measurement, its size, and the share of it that was selected."""

    name: str
    count: int
    selection_rate: float | None = None
    selected: int | None = None
    positives: int | None = None
    true_positives: int | None = None
    false_positives: int | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One fairness metric of one attribute; ``value`` is a difference or a ratio."""

    metric: Metric
    value: float
    attribute: str | None = None
    threshold: float | None = None
    compliant: bool | None = None
    groups: tuple[GroupCount, ...] = ()
    reference_group: str | None = None
    plan_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One test of accuracy, robustness or cybersecurity, and whether it has a result."""

    kind: str
    metric: str | None = None
    has_value: bool = False
    comparator: str | None = None
    threshold: float | None = None
    plan_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Classification:
    """Why the system is in its tier: a point of the Act, profiling, and whether reasons are given."""

    basis: str | None = None
    profiling: bool | None = None
    reasoned: bool = False


@dataclass(frozen=True, slots=True)
class Oversight:
    """Human oversight: whether it is the boolean true, and which fields are filled in."""

    enabled: bool
    filled: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Manifest:
    """One ComplianceManifest, reduced to what decisions need; every moment in it is aware."""

    namespace: str
    name: str
    model: ModelIdentity | None
    uid: str | None = None
    resource_version: str | None = field(default=None, compare=False)
    """Of the object when it was read. A status or a label makes another version, but no other evidence."""
    generation: int | None = field(default=None, compare=False)
    """Of the object's spec, which two versions of one object with the same generation have in common."""
    digest: str | None = None
    """Canonical SHA-256 (RFC 8785) of the spec without its attestations, ``sha256:<hex>``."""
    images: tuple[str, ...] = ()
    """Images by digest that the manifest binds to."""
    uris: tuple[str, ...] = ()
    """What the model is loaded from; an entry that ends in / stands for all below it."""
    risk_category: RiskCategory | None = None
    stated_category: str | None = None
    """What stood in place of a known risk category."""
    classification: Classification | None = None
    finished_at: datetime | None = None
    training_regions: tuple[Region, ...] = ()
    bias: tuple[Measurement, ...] = ()
    evaluations: tuple[Evaluated, ...] = ()
    positions: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """Where items stand in a list of the document from which unreadable ones were cut out."""
    oversight: Oversight | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    records: tuple[tuple[str, datetime], ...] = ()
    """Other dated records (path, moment); none of them may be in the future."""
    problems: tuple[Problem, ...] = ()
    attestations: tuple[Attestation, ...] = ()
    verified_against: frozenset[str] = field(default=frozenset(), compare=False)
    """Anchors of every key and root certificate that signatures were tried with."""
    created_at: datetime | None = None
    """When the API server stored the object, which no client can set: its signatures are no younger than
    that. None for evidence from a file."""

    def path(self, items: str, index: int) -> str:
        """Return where an item of a list stands in the document, such as ``spec.bias[2]``."""
        stood = next((kept[index] for cut, kept in self.positions if cut == items), index)
        return f"{items}[{stood}]"
