"""Link rules: the subject refers to evidence, and the evidence speaks of what will run."""

from collections.abc import Iterator
from typing import Final

from actgate.api.compliance_policy import Enforcement
from actgate.api.quoting import quoted
from actgate.decision.manifest import Manifest, ModelIdentity
from actgate.decision.policies import Policy
from actgate.decision.rule_ids import LINK_MANIFEST, LINK_MODEL
from actgate.decision.rules.rule import ACTGATE, HOUSE_POLICY, Rule
from actgate.decision.subject import MODEL_DEPLOYMENT, Subject
from actgate.decision.verdict import Finding

MANIFEST: Final = Rule(
    LINK_MANIFEST,
    ACTGATE,
    asks="The subject and its pods refer to a ComplianceManifest that exists in their own namespace, by "
    "labels and annotations that are spelt and placed as actgate reads them.",
    why="Without evidence nothing can be judged, evidence of another namespace belongs to others, and pods "
    "are judged by what they carry themselves.",
    mend="Apply the ComplianceManifest first, and name it in spec.complianceManifestRef.name or in the "
    "annotation actgate.dev/compliance-manifest of the pod template.",
)
MODEL: Final = Rule(
    LINK_MODEL,
    ACTGATE,
    asks="The manifest speaks of the model that is deployed: the same name, and the same version, "
    "digest and images wherever both sides state them. Every image that would run can be read.",
    why="A passing bias check of one model says nothing about another one.",
    mend="Refer to the manifest that was written for this model, or deploy the model and the images that "
    "the manifest names.",
)
DIGEST: Final = Rule(
    "link/digest",
    HOUSE_POLICY,
    asks="Where the policy requires digests, model and manifest name the artefact by digest.",
    why="Names and versions can be reused for other bytes; a digest cannot.",
    mend="State the artefact's sha256 digest in the deployment and in the manifest, or list the images "
    "by digest in the manifest.",
)
RULES: Final = (MANIFEST, MODEL, DIGEST)


def missing(subject: Subject, policy: Policy) -> Iterator[Finding]:
    """Yield why there is no evidence: no reference, an unreadable one, or no such manifest."""
    effect = policy.spec.enforcement
    if not subject.manifest_name:
        if any(problem.rule == MANIFEST.id for problem in subject.problems):
            return
        yield MANIFEST.finding(
            effect,
            subject.reference_path,
            f"the {subject.kind} refers to no ComplianceManifest",
            f"set {subject.reference_path} to the name of a ComplianceManifest in namespace "
            f"{quoted(subject.namespace)}",
        )
        return
    # Flux dry-runs a whole set before it applies the first object of it.
    yield MANIFEST.finding(
        Enforcement.WARN if subject.dry_run and effect is Enforcement.DENY else effect,
        subject.reference_path,
        f"ComplianceManifest {quoted(subject.manifest_name)} does not exist in namespace "
        f"{quoted(subject.namespace)}",
        "apply that ComplianceManifest to the same namespace, or refer to one that exists",
    )


def model(subject: Subject, manifest: Manifest, policy: Policy) -> Iterator[Finding]:
    """Yield how the manifest's model differs from the subject's."""
    effect = policy.spec.enforcement
    if subject.model is not None:
        yield from _identity(subject.model, manifest, subject.model_path, effect)
    elif not any(problem.rule == MODEL.id for problem in subject.problems):
        yield MODEL.finding(
            effect,
            subject.model_path,
            f"the {subject.kind} names no model, so its manifest could speak of any",
            f"set {subject.model_path} to the manifest's model"
            + (f", {quoted(manifest.model.name)}" if manifest.model else ""),
        )
    yield from _images(subject, manifest, effect)
    if policy.spec.evidence.require_digest:
        yield from _digest(subject, manifest, effect)


def _identity(
    deployed: ModelIdentity, manifest: Manifest, path: str, effect: Enforcement
) -> Iterator[Finding]:
    assessed = manifest.model
    if assessed is None:
        yield MODEL.finding(
            effect,
            path,
            f"the manifest names no model, but {quoted(deployed.name)} is deployed",
            "state spec.model.name in the manifest",
        )
        return
    pairs = (
        ("name", deployed.name, assessed.name),
        ("version", deployed.version, assessed.version),
        ("digest", deployed.digest, assessed.digest),
    )
    for part, ours, theirs in pairs:
        if ours is not None and theirs is not None and ours != theirs:
            yield MODEL.finding(
                effect,
                path,
                f"the model's {part} is {quoted(ours, 80)}, but the manifest speaks of {quoted(theirs, 80)}",
                "refer to the manifest of this model, or deploy the model that the manifest names",
            )


def _images(subject: Subject, manifest: Manifest, effect: Enforcement) -> Iterator[Finding]:
    if not manifest.images:
        return
    assessed = {image.rpartition("@")[2] for image in manifest.images}
    for path, image in subject.images:
        _, at, digest = image.rpartition("@")
        if not at:
            yield MODEL.finding(
                effect,
                path,
                f"image {quoted(image, 100)} has no digest, and the manifest binds images by digest",
                "pin the image as name@sha256:..., with a digest that the manifest lists",
            )
        elif digest not in assessed:
            yield MODEL.finding(
                effect,
                path,
                f"image {quoted(image, 100)} is not among the images that the manifest lists",
                "run an image that was assessed, or list this one in the manifest's "
                "spec.model.images and assess it",
            )


def _digest(subject: Subject, manifest: Manifest, effect: Enforcement) -> Iterator[Finding]:
    if subject.kind != MODEL_DEPLOYMENT and subject.images and manifest.images:
        return  # A workload's model is in its images: _images compares them, by digest.
    sides = (
        (subject.model_path, f"the {subject.kind}", subject.model, None),
        ("spec.model.digest", "the manifest", manifest.model, manifest.name),
    )
    for path, who, identity, about in sides:
        if identity is None or identity.digest is None:
            finding = DIGEST.finding(
                effect,
                path,
                f"{who} states no digest of the model, and the policy requires one",
                "state the artefact's digest as sha256:<64 hex digits>",
            )
            yield finding if about is None else finding.about_manifest(about)


def unproven(manifest: Manifest, policies: tuple[Policy, ...]) -> Iterator[Finding]:
    """Yield a warning where evidence is bound to a name alone, and no policy asks for more."""
    if any(policy.spec.evidence.require_digest for policy in policies):
        return
    if manifest.model is not None and manifest.model.digest is None and not manifest.images:
        yield DIGEST.finding(
            Enforcement.WARN,
            "spec.model.digest",
            "the manifest names its model without a digest, so other bytes of that name would pass too",
            "state spec.model.digest, or list spec.model.images by digest",
        )
