"""Link rules: the subject refers to evidence, and the evidence speaks of what will run."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from actgate.api.compliance_policy import Enforcement
from actgate.api.quoting import quoted
from actgate.decision.manifest import Manifest, ModelIdentity
from actgate.decision.policies import Policy
from actgate.decision.rule_ids import LINK_MANIFEST, LINK_MODEL
from actgate.decision.rules.rule import ACTGATE, HOUSE_POLICY, Rule
from actgate.decision.subject import MODEL_DEPLOYMENT, Link, Subject
from actgate.decision.verdict import Finding

MANIFEST: Final = Rule(
    LINK_MANIFEST,
    ACTGATE,
    requirement="The subject and its pods refer to a ComplianceManifest that exists in their own "
    "namespace, by labels and annotations that are spelt and placed as actgate reads them.",
    rationale="Without evidence nothing can be judged, evidence of another namespace belongs to another "
    "team, and pods are judged by what they carry themselves.",
    remediation="Apply the ComplianceManifest first, and name it in spec.complianceManifestRef.name or in "
    "the annotation actgate.dev/compliance-manifest of the pod template.",
)
MODEL: Final = Rule(
    LINK_MODEL,
    ACTGATE,
    requirement="The manifest is about the model that is deployed: the same name, and the same version, "
    "digest and images wherever both sides state them. Every image that would run can be read.",
    rationale="A passing bias check of one model proves nothing for another one.",
    remediation="Refer to the manifest that was written for this model, or deploy the model and the images "
    "that the manifest names.",
)
DIGEST: Final = Rule(
    "link/digest",
    HOUSE_POLICY,
    requirement="Where the policy requires digests, model and manifest name the artefact by digest.",
    rationale="Names and versions can be reused for other bytes; a digest cannot.",
    remediation="State the artefact's sha256 digest in the deployment and in the manifest, or list the "
    "images by digest in the manifest.",
)
RULES: Final = (MANIFEST, MODEL, DIGEST)


def findings(subject: Subject, linked: Mapping[str, Manifest], policy: Policy) -> Iterator[Finding]:
    """Yield what is wrong with the links of a subject, and how what it runs differs from what they state.

    Args:
        subject: What is asked about.
        linked: The manifests that it links and that exist, by name and sorted by it.
        policy: One that applies.
    """
    if not subject.links:
        yield from _unlinked(subject, policy)
        return
    effect, lists_images, all_named = policy.spec.enforcement, False, True
    for link in subject.links if len(subject.links) < 2 else _sorted(subject.links):
        all_named = all_named and link.model is not None
        manifest = linked.get(link.manifest)
        if manifest is None:
            yield _missing(subject, link, effect)
            continue
        served, path = _served(subject, link)
        yield from _model(subject, served, path, manifest, effect)
        if policy.spec.evidence.require_digest:
            yield from _digest(subject, served, path, manifest, effect)
        lists_images = lists_images or bool(manifest.images)
    if lists_images:
        yield from _images(subject, linked, policy)
    if linked and subject.model is not None and all_named:
        yield from _own_model(subject, subject.model, effect)


def _sorted(links: tuple[Link, ...]) -> Iterable[Link]:
    """Return links in an order that does not depend on how they were written."""
    return sorted(set(links), key=lambda link: (link.manifest, link.model is not None, link.model or ""))


def _unlinked(subject: Subject, policy: Policy) -> Iterator[Finding]:
    if any(problem.rule == MANIFEST.id for problem in subject.problems):
        return
    yield MANIFEST.finding(
        policy.spec.enforcement,
        subject.reference_path,
        f"Required value: the {subject.kind} must refer to a ComplianceManifest",
        f"set {subject.reference_path} to the name of a ComplianceManifest in namespace "
        f"{quoted(subject.namespace)}",
    )


def _missing(subject: Subject, link: Link, effect: Enforcement) -> Finding:
    # Flux dry-runs a whole set before it applies the first object of it.
    return MANIFEST.finding(
        Enforcement.WARN if subject.dry_run and effect is Enforcement.DENY else effect,
        subject.reference_path,
        f"ComplianceManifest {quoted(link.manifest)} not found in namespace {quoted(subject.namespace)}",
        "apply that ComplianceManifest to the same namespace, or refer to one that exists",
    )


def _served(subject: Subject, link: Link) -> tuple[ModelIdentity | None, str]:
    """Return the model that a link is about, and the field that names it."""
    if link.model is None or (subject.model is not None and subject.model.name == link.model):
        return subject.model, subject.model_path
    return ModelIdentity(link.model), subject.reference_path


def _model(
    subject: Subject, served: ModelIdentity | None, path: str, manifest: Manifest, effect: Enforcement
) -> Iterator[Finding]:
    """Yield how the manifest's model differs from the one that is served."""
    assessed = manifest.model
    if served is None:
        if not any(problem.rule == MODEL.id for problem in subject.problems):
            yield MODEL.finding(
                effect,
                path,
                f"Required value: the {subject.kind} must name its model, else its manifest could be about "
                "any",
                f"set {path} to the manifest's model" + (f", {quoted(assessed.name)}" if assessed else ""),
            )
        return
    if assessed is None:
        yield MODEL.finding(
            effect,
            path,
            f"Invalid value: {quoted(served.name)}: {_the(subject, manifest)} names no model",
            "state spec.model.name in the manifest",
        )
        return
    pairs = (
        ("name", served.name, assessed.name),
        ("version", served.version, assessed.version),
        ("digest", served.digest, assessed.digest),
    )
    for part, ours, theirs in pairs:
        if ours is not None and theirs is not None and ours != theirs:
            yield MODEL.finding(
                effect,
                path,
                f"Invalid value: {quoted(ours, 80)}: must be {quoted(theirs, 80)}, "
                f"the model {part} in {_the(subject, manifest)}",
                "refer to the manifest of this model, or deploy the model that the manifest names",
            )


def _the(subject: Subject, manifest: Manifest) -> str:
    """Return what a manifest is called: by its name where it is not the only one."""
    return "the manifest" if len(subject.links) == 1 else f"the manifest {quoted(manifest.name)}"


def _own_model(subject: Subject, own: ModelIdentity, effect: Enforcement) -> Iterator[Finding]:
    """Yield the model that the subject names by itself where none of its links is about it."""
    if any(link.model == own.name for link in subject.links):
        return
    yield MODEL.finding(
        effect,
        subject.model_path,
        f"Invalid value: {quoted(own.name, 80)}: must be a model that a link is about",
        f"link its manifest in {subject.reference_path}, or name a model that is linked",
    )


def _images(subject: Subject, linked: Mapping[str, Manifest], policy: Policy) -> Iterator[Finding]:
    """Yield images that are in no list of the manifests, and manifests of whose images none runs.

    Nothing says which image serves which model, so an image counts as assessed where any linked manifest
    lists it; in return each manifest that lists images must list one of those that run. A recorder that the
    policy trusts needs no assessment of its own: it carries requests to the model, and is none.
    """
    effect, recorders = policy.spec.enforcement, _trusted_recorders(subject, policy)
    lists = {
        name: {image.rpartition("@")[2] for image in manifest.images}
        for name, manifest in linked.items()
        if manifest.images
    }
    assessed = set().union(*lists.values())
    who, s = ("the manifest", "s") if len(subject.links) == 1 else ("the linked manifests", "")
    for path, image in subject.images:
        _, at, digest = image.rpartition("@")
        if path in recorders:
            continue
        if not at:
            yield MODEL.finding(
                effect,
                path,
                f"Invalid value: {quoted(image, 100)}: must have a digest, as {who} bind{s} images by digest",
                "pin the image as name@sha256:..., with a digest that the manifest lists",
            )
        elif digest not in assessed:
            yield MODEL.finding(
                effect,
                path,
                f"Invalid value: {quoted(image, 100)}: must be one of the images that {who} list{s}",
                "run an image that was assessed, or list this one in the manifest's "
                "spec.model.images and assess it",
            )
    if len(subject.links) > 1 and subject.images:
        running = {image.rpartition("@")[2] for _, image in subject.images if "@" in image}
        for name, listed in lists.items():
            if listed.isdisjoint(running):
                yield MODEL.finding(
                    effect,
                    subject.reference_path,
                    f"Invalid value: {quoted(name)}: the {subject.kind} must run one of the images that "
                    "this manifest lists",
                    "run the image that was assessed, or remove that link",
                )


def _trusted_recorders(subject: Subject, policy: Policy) -> set[str]:
    """Return the fields of the images of recorders that the policy trusts."""
    return {path for path, image in subject.recorders if image.rpartition("@")[2] in policy.recorders}


def _digest(
    subject: Subject, served: ModelIdentity | None, path: str, manifest: Manifest, effect: Enforcement
) -> Iterator[Finding]:
    if subject.kind != MODEL_DEPLOYMENT and subject.images and manifest.images:
        return  # A workload's model is in its images: _images compares them, by digest.
    sides = (
        (path, f"the {subject.kind}", served, None),
        ("spec.model.digest", "the manifest", manifest.model, manifest.name),
    )
    for where, who, identity, about in sides:
        if identity is None or identity.digest is None:
            finding = DIGEST.finding(
                effect,
                where,
                f"Required value: {who} must state the digest of the model, as the policy requires one",
                "state the artefact's digest as sha256:<64 hex digits>",
            )
            yield finding if about is None else finding.about_manifest(about)


def recommendations(manifest: Manifest, policies: tuple[Policy, ...]) -> Iterator[Finding]:
    """Yield a warning where evidence is bound to a name alone, and no policy asks for more."""
    if any(policy.spec.evidence.require_digest for policy in policies):
        return
    if manifest.model is not None and manifest.model.digest is None and not manifest.images:
        yield DIGEST.finding(
            Enforcement.WARN,
            "spec.model.digest",
            "should bind the model by its digest: other bytes of the same name would pass too",
            "state spec.model.digest, or list spec.model.images by digest",
        )
