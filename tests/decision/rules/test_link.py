from __future__ import annotations

from dataclasses import replace

import pytest

from actgate.api.quoting import quoted
from actgate.decision.manifest import ModelIdentity
from actgate.decision.subject import Link, Subject, SubjectProblem
from tests.decision.build import (
    ASKING,
    MODEL,
    PASSING,
    found,
    judge,
    manifest,
    policy,
    refused_for,
    subject,
    warned_of,
)

DIGEST = f"sha256:{'b' * 64}"
ASSESSED = f"registry.example/scorer@{DIGEST}"
OTHER = f"registry.example/scorer@sha256:{'c' * 64}"


def test_link_manifest_without_a_reference() -> None:
    """`link/manifest`: a subject that refers to nothing is refused; the fix names the field to set."""
    finding = refused_for(judge(None, subject(links=())), "link/manifest")
    assert finding.path == "spec.complianceManifestRef.name"
    assert "must refer to a ComplianceManifest" in finding.message
    assert finding.remediation.startswith("set spec.complianceManifestRef.name")


def test_link_manifest_that_does_not_exist() -> None:
    """`link/manifest`: a reference to nothing names what was looked for, and where."""
    finding = refused_for(judge(None), "link/manifest")
    assert '"credit-risk-scorer-v2" not found in namespace "credit"' in finding.message


@pytest.mark.parametrize("elsewhere", [{"namespace": "other"}, {"name": "other"}])
def test_link_manifest_of_another_namespace_or_name_is_not_evidence(elsewhere: dict[str, str]) -> None:
    """`link/manifest`: evidence that the subject does not refer to is as good as none."""
    verdict = judge(manifest(**elsewhere))
    assert verdict.failed_rules == ("link/manifest",)
    assert verdict.manifest_digests == ()


def test_a_missing_manifest_is_a_warning_in_a_dry_run() -> None:
    """Flux dry-runs a whole set before it applies the manifest of the set."""
    verdict = judge(None, subject(dry_run=True))
    assert "not found" in warned_of(verdict, "link/manifest").message
    assert verdict.allowed


def test_a_dry_run_excuses_nothing_else() -> None:
    """A missing reference and bad evidence are refused in a dry run as for real."""
    assert judge(None, subject(dry_run=True, links=())).failed_rules == ("link/manifest",)
    assert judge(manifest(bias=()), subject(dry_run=True)).failed_rules == ("bias/missing",)


@pytest.mark.parametrize(
    ("deployed", "part"),
    [
        (replace(MODEL, name="Other"), "name"),
        (replace(MODEL, name="creditriskscorer"), "name"),
        (replace(MODEL, version="3"), "version"),
        (replace(MODEL, digest=DIGEST), "digest"),
    ],
)
def test_link_model_that_differs(deployed: ModelIdentity, part: str) -> None:
    """`link/model`: name, version and digest must each agree where both sides state them."""
    finding = refused_for(judge(PASSING, subject(model=deployed)), "link/model")
    assert finding.message.endswith(f", the model {part} in the manifest")
    assert finding.path == "spec.model"


def test_link_model_compares_only_what_both_sides_state() -> None:
    """A deployment without version and digest may use evidence that states them."""
    assert judge(PASSING, subject(model=ModelIdentity(MODEL.name))).allowed


def test_link_model_when_the_subject_names_no_model() -> None:
    """`link/model`: evidence could be about anything when the subject does not say what it runs."""
    finding = refused_for(judge(PASSING, subject(model=None)), "link/model")
    assert 'set spec.model to the manifest\'s model, "CreditRiskScorer"' in finding.remediation


def test_link_model_when_the_manifest_names_no_model() -> None:
    """`link/model`: evidence about no model in particular speaks for none."""
    assert refused_for(judge(manifest(model=None)), "link/model").remediation.startswith(
        "state spec.model.name"
    )


@pytest.mark.parametrize(
    ("image", "message"),
    [("registry.example/scorer:2", "must have a digest"), (OTHER, "must be one of the images")],
)
def test_link_model_binds_images_by_digest(image: str, message: str) -> None:
    """`link/model`: where the manifest lists images, every container runs one of them."""
    asking = subject(images=(("containers[0].image", ASSESSED), ("containers[1].image", image)))
    finding = refused_for(judge(manifest(images=(ASSESSED,)), asking), "link/model")
    assert finding.path == "containers[1].image"
    assert message in finding.message


def test_link_model_knows_an_image_by_its_digest_wherever_it_is_pulled_from() -> None:
    """A mirror serves the same bytes: the digest binds, the registry does not."""
    mirrored = f"mirror.example/elsewhere/scorer:2@{DIGEST}"
    assert judge(manifest(images=(ASSESSED,)), subject(images=(("image", mirrored),))).allowed


@pytest.mark.parametrize(
    ("ours", "theirs", "path"),
    [(None, MODEL.digest, "spec.model"), (MODEL.digest, None, "spec.model.digest")],
)
def test_link_digest_where_the_policy_requires_it(ours: str | None, theirs: str | None, path: str) -> None:
    """`link/digest`: model and manifest each state a digest."""
    asking = subject(model=replace(MODEL, digest=ours))
    evidence = manifest(model=replace(MODEL, digest=theirs))
    verdict = judge(evidence, asking, policy(evidence={"requireDigest": True}))
    assert verdict.failed_rules == ("link/digest",)
    denial = next(finding for finding in found(verdict, "link/digest") if finding.strength == 2)
    assert (denial.path, denial.basis) == (path, "house policy")


def test_link_digest_of_images_is_enough_for_a_workload() -> None:
    """A workload's model is in its images: bound by digest, they name the bytes."""
    evidence = manifest(model=ModelIdentity(MODEL.name), images=(ASSESSED,))
    asking = subject(kind="Deployment", model=ModelIdentity(MODEL.name), images=(("image", ASSESSED),))
    assert judge(evidence, asking, policy(evidence={"requireDigest": True})).allowed


def test_link_digest_of_images_is_not_enough_for_a_model_deployment() -> None:
    """A ModelDeployment can load its model from a URI, which the server's image says nothing of."""
    evidence = manifest(model=ModelIdentity(MODEL.name), images=(ASSESSED,))
    asking = subject(model=ModelIdentity(MODEL.name), images=(("image", ASSESSED),))
    verdict = judge(evidence, asking, policy(evidence={"requireDigest": True}))
    assert verdict.failed_rules == ("link/digest",)


def test_link_digest_only_warns_where_no_policy_requires_it() -> None:
    """Evidence that is bound to a name alone passes the baseline with a warning."""
    evidence = manifest(model=ModelIdentity(MODEL.name))
    assert warned_of(judge(evidence), "link/digest").path == "spec.model.digest"


def test_a_manifest_is_judged_by_itself_for_its_own_model() -> None:
    """`Subject.of_manifest` asks whether evidence would pass, with nothing deployed."""
    evidence = manifest(images=(ASSESSED,))
    strict = policy(evidence={"requireDigest": True}, residency={"serving": "Require"})
    assert judge(evidence, Subject.of_manifest(evidence), strict).findings == ()
    assert judge(manifest(bias=()), Subject.of_manifest(evidence)).failed_rules == ("bias/missing",)


def test_the_reference_decides_and_not_the_manifest_that_is_handed_in() -> None:
    """The caller cannot smuggle in evidence: without a reference there is none."""
    assert judge(PASSING, replace(ASKING, links=())).failed_rules == ("link/manifest",)


def test_a_model_that_cannot_be_read_is_reported_once() -> None:
    """The reader's problem is the finding; one of another field does not stand for the missing model."""
    unread = SubjectProblem("link/model", "spec.model.name", "Invalid value: 1", "write a name")
    (finding,) = found(judge(asking=subject(model=None, problems=(unread,))), "link/model")
    assert finding.path == unread.path
    other = replace(unread, rule="residency/serving", path="spec.placement")
    (finding,) = found(judge(asking=subject(model=None, problems=(other,))), "link/model")
    assert "must name its model" in finding.message


def test_the_digest_of_an_image_is_what_follows_the_last_at_sign() -> None:
    """A name with another one in it hides nothing, in the manifest as in the subject."""
    odd = f"registry.example/a@b@{DIGEST}"
    for runs, assessed in ((odd, ASSESSED), (ASSESSED, odd), (odd, odd)):
        asking = subject(images=(("spec.server.image", runs),))
        assert judge(manifest(images=(assessed,)), asking).allowed
        several = replace(asking, links=(Link(PASSING.name, MODEL.name), Link(PASSING.name, "Other")))
        messages = [
            item.message for item in found(judge(manifest(images=(assessed,)), several), "link/model")
        ]
        assert not any("image" in message for message in messages)


def test_long_names_are_cut() -> None:
    """A message stays readable whatever a user writes into a name."""
    name, image = "n" * 300, "i" * 300
    linked = (Link(PASSING.name, "Other"),)
    for verdict, shown in (
        (judge(manifest(model=ModelIdentity(name))), quoted(name, 80)),
        (judge(asking=subject(model=ModelIdentity(name))), quoted(name, 80)),
        (judge(asking=subject(model=ModelIdentity(name), links=linked)), quoted(name, 80)),
        (judge(manifest(images=(ASSESSED,)), subject(images=(("spec.x", image),))), quoted(image, 100)),
        (
            judge(manifest(images=(ASSESSED,)), subject(images=(("spec.x", f"{image}@{DIGEST[:-1]}0"),))),
            quoted(f"{image}@{DIGEST[:-1]}0", 100),
        ),
    ):
        assert any(shown in item.message for item in found(verdict, "link/model")), shown
