"""What a document is made of: one manifest, and what the verification of its signatures found.

The border: a manifest is read here once, strictly; one that cannot be read makes no document. Signatures are
verified by the caller, whose result is a ``Verification``. No clock: a moment stands in a document only where
the evidence or the caller states it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final, cast

from actgate import manifests
from actgate.api.compliance_manifest import ComplianceManifestSpec
from actgate.api.compliance_policy import AssuranceLevel
from actgate.api.predicates import covers
from actgate.decision import BASELINE, metrics
from actgate.decision.attestation import Assessment, Result
from actgate.decision.manifest import Manifest, Measurement
from actgate.decision.policies import Policy
from actgate.decision.verdict import Finding
from actgate.manifests.digests import without_nulls
from actgate.manifests.errors import UnreadableError
from actgate.pipeline.card.content import Source

CONTRADICTING: Final = frozenset(
    {
        "manifest/invalid",
        "bias/claim",
        "bias/counts",
        "evidence/format",
        "evidence/mismatch",
        "evidence/plan",
        "evidence/signature",
        "evidence/subject",
        "evidence/withdrawn",
    }
)
"""Rules whose findings say that evidence contradicts itself, whatever the house's limits are."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What verifying a manifest under some policies found."""

    policies: tuple[Policy, ...] = ()
    """The policies that apply; none where none was given."""
    trusting: bool = False
    """Whether one of them names anyone whose signature counts. Else no signature was verified."""
    at: datetime | None = None
    """The moment as of which it was verified, where the caller states one."""
    level: AssuranceLevel | None = None
    """The assurance level that the manifest reaches under the policies."""
    attestations: tuple[Assessment, ...] = ()
    """Each attestation of the manifest, in its order."""
    findings: tuple[Finding, ...] = ()
    """What the rules find; where no policy was given, under the built-in baseline."""


@dataclass(frozen=True)
class Evidence:
    """A manifest as a document shows it."""

    spec: ComplianceManifestSpec
    manifest: Manifest
    """The same as the rules judge it."""
    value: Mapping[str, Any]
    """``spec`` as the file has it."""
    verification: Verification = field(default_factory=Verification)

    @property
    def digest(self) -> str:
        """SHA-256 of the evidence, by which signatures and registries name it."""
        return str(self.manifest.digest)  # Without a digest the manifest would have a problem.

    @property
    def contradictions(self) -> tuple[Finding, ...]:
        """Where the evidence contradicts itself or its signatures."""
        found = self.verification.findings
        return tuple(finding for finding in found if finding.rule in CONTRADICTING)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the given policies find; without one, nothing but contradictions."""
        return self.verification.findings if self.verification.policies else self.contradictions

    def contradicted(self, path: str) -> bool:
        """Return whether a contradiction is about a field or a part of it."""
        return any(_within(finding.path, path) for finding in self.contradictions)

    def source(self, path: str) -> Source:
        """Return where a field of ``spec`` comes from, such as ``bias[0].value``, and what it is worth.

        Of a bias measurement value and groups are recomputed; what else it states is signed or a claim.
        """
        name = path.partition(".")[0].partition("[")[0]
        signers = self.signers(name)
        level = AssuranceLevel.ATTESTED if signers else AssuranceLevel.DECLARED
        if name == "bias" and path.endswith((".value", ".groups")):
            index = int(path.partition("[")[2].partition("]")[0])
            if not metrics.recomputable(self.manifest.bias[index]):
                level = AssuranceLevel.DECLARED
            elif not signers:
                level = AssuranceLevel.RECOMPUTABLE
        return Source(f"spec.{path}", level, signers)

    def signers(self, name: str) -> tuple[str, ...]:
        """Return the authorities of which an accepted signature covers a field of ``spec``."""
        return self._signers.get(name, ())

    @cached_property
    def _signers(self) -> dict[str, tuple[str, ...]]:
        accepted = [one for one in self.verification.attestations if one.result is Result.ACCEPTED]
        return {
            name: tuple(
                dict.fromkeys(
                    one.authority for one in accepted if one.authority and covers(one.predicate_type, name)
                )
            )
            for name in self.value
        }

    def measurement(self, index: int) -> Measurement:
        """Return a bias measurement as the rules judge it."""
        return self.manifest.bias[index]

    @property
    def judging(self) -> tuple[Policy, ...]:
        """The policies by which values are held against limits; none where none was given."""
        return self.verification.policies


def read(document: Mapping[str, Any], verification: Verification | None = None) -> Evidence:
    """Read a ComplianceManifest object of which a document is made.

    Raises:
        UnreadableError: A field of it cannot be read.
    """
    manifest = manifests.read_document(document)
    if manifest.problems:
        raise UnreadableError(manifest.problems)
    spec = cast("Mapping[str, Any]", without_nulls(document["spec"]))
    stated = ComplianceManifestSpec.model_validate(spec, by_alias=True, by_name=False)
    return Evidence(stated, manifest, spec, verification or Verification())


def confidence(found: Evidence) -> float:
    """Return the confidence of the intervals in a document: the strictest that a policy asks for, or 0.95."""
    asked = max((policy.spec.bias.confidence for policy in found.judging), default=0.0)
    return asked or 0.95


def strictest(found: Evidence) -> tuple[Policy, ...]:
    """Return the policies that limits are taken from, the built-in baseline for none."""
    return found.judging or (BASELINE,)


def _within(path: str, field: str) -> bool:
    return path == field or path.startswith((f"{field}.", f"{field}["))
