"""Evidence that contradicts its own attestations: it is refused at every assurance level (ADR 0023).

Nothing here asks who signed. A statement of a type that is neither known nor asked for by the policy is held
against nothing; its envelope must be one all the same.
"""

from collections.abc import Iterator
from typing import Final

from actgate.api.predicates import KNOWN_TYPES
from actgate.api.quoting import quoted
from actgate.decision.attestation import Attestation
from actgate.decision.manifest import Manifest
from actgate.decision.policies import Policy
from actgate.decision.rules import plan
from actgate.decision.rules.rule import ACTGATE, HOUSE_POLICY, Rule
from actgate.decision.verdict import Finding

FORMAT: Final = Rule(
    "evidence/format",
    HOUSE_POLICY,
    requirement="Each attestation is an in-toto Statement v1 in a DSSE envelope or a Sigstore bundle (v0.1 "
    "to v0.3), and a statement of a type that actgate knows has the form of that type.",
    rationale="What is not understood cannot be judged, and one signed text that two readers understand "
    "differently would let a forgery through.",
    remediation="Write the envelope with actgate attest, cosign or another tool that makes DSSE envelopes of "
    "in-toto statements.",
)
MISMATCH: Final = Rule(
    "evidence/mismatch",
    ACTGATE,
    requirement="Each field of spec that an attestation covers is what the signed payload says.",
    rationale="The signed bytes are the evidence, and spec is a view of them: where they differ, one of "
    "them was edited after signing.",
    remediation="Restore spec as it was signed, or have the changed manifest signed again.",
)
SUBJECT: Final = Rule(
    "evidence/subject",
    ACTGATE,
    requirement="Each attestation is about the manifest's own model, by spec.model.digest or the digest of "
    "one of its images, and an approval approves another attestation of the same manifest.",
    rationale="A statement about another artefact proves nothing about this one, however it is signed.",
    remediation="State spec.model.digest, and attach the statements that were signed for this model.",
)
WITHDRAWN: Final = Rule(
    "evidence/withdrawn",
    HOUSE_POLICY,
    requirement="No policy that applies lists the manifest, or the payload of one of its attestations, under "
    "evidence.withdrawn.",
    rationale="An audit can turn out to be wrong after it was signed; its signature stays valid for ever.",
    remediation="Assess the model again, and have the new evidence signed.",
)
RULES: Final = (FORMAT, MISMATCH, SUBJECT, WITHDRAWN)
_SHOWN: Final = len("sha256:") + 12


def findings(manifest: Manifest, policy: Policy) -> Iterator[Finding]:
    """Yield where a manifest and its attestations contradict each other."""
    for index in range(len(manifest.attestations)):
        yield from of_attestation(index, manifest, policy)
    if manifest.digest is not None and manifest.digest in policy.spec.evidence.withdrawn:
        yield WITHDRAWN.finding(
            policy.spec.enforcement,
            "spec",
            f"Forbidden: manifest {manifest.digest} is withdrawn (policy {policy.name})",
            "assess the model again and write a new manifest",
        )
    yield from plan.findings(manifest, policy)


def of_attestation(index: int, manifest: Manifest, policy: Policy) -> Iterator[Finding]:
    """Yield what contradicts one attestation; what a plan fixes is held against results by ``plan``."""
    effect, evidence = policy.spec.enforcement, policy.spec.evidence
    item, path = manifest.attestations[index], manifest.path("spec.attestations", index)
    if (problem := item.unreadable) is not None:
        within = f"{path}.{problem.path}" if problem.path else path
        yield FORMAT.finding(effect, within, problem.message, problem.remediation)
        return
    asked = {requirement.predicate_type for requirement in evidence.require}
    if item.predicate_type not in KNOWN_TYPES | asked:
        return
    if (problem := item.mismatch) is not None:
        message = f"{problem.message} (attestation {quoted(item.name)})"
        yield MISMATCH.finding(effect, problem.path, message, problem.remediation)
    if (about := _foreign(item, manifest)) is not None:
        yield SUBJECT.finding(
            effect,
            path,
            f"Invalid value: {quoted(item.name)}: {about}",
            "attach the statement that was signed for this model",
        )
    if item.payload_digest is not None and item.payload_digest in evidence.withdrawn:
        yield WITHDRAWN.finding(
            effect,
            path,
            f"Forbidden: {quoted(item.name)}: payload {item.payload_digest} is withdrawn (policy "
            f"{policy.name})",
            "assess again, and have the new statement signed",
        )


def _foreign(item: Attestation, manifest: Manifest) -> str | None:
    """Say what a statement is about, if that is not this manifest's model."""
    digest = manifest.model.digest if manifest.model is not None else None
    own = {digest, *(image.rpartition("@")[2] for image in manifest.images)}
    if item.subjects.isdisjoint(own):
        about = f"{min(item.subjects)[:_SHOWN]}.." if item.subjects else "nothing that has a SHA-256"
        bound = "is missing" if digest is None else f"is {digest[:_SHOWN]}.."
        return f"is about {about}: must be about spec.model.digest, which {bound}, or an image of the model"
    others = {other.payload_digest for other in manifest.attestations if other is not item}
    if item.approves is not None and item.approves not in others - {item.payload_digest}:
        approved = f"{item.approves[:_SHOWN]}.."
        return f"approves {approved}: must approve the payload digest of another attestation of this manifest"
    return None
