"""A commit that is refused: what each tool shows, and what it leaves behind."""

from __future__ import annotations

from actgate_sandbox.rest import Rest
from tests.gitops.argocd import ArgoCd
from tests.gitops.cluster import Cluster, Json
from tests.gitops.flux import Flux, Reconciliation
from tests.gitops.objects import live, manifest, marked, model
from tests.operator.world import MANIFEST, MODEL

STATUS_LINE = 200
"""Characters that tools and terminals show of a message before it is cut or wrapped."""

BIASED: Json = {"bias": [{"attribute": "gender", "metric": "demographic_parity_difference", "value": 0.12}]}
REFUSED = 'admission webhook "serving.actgate.dev" denied the request: '


def refusal_of(message: str) -> str:
    """Return what a tool shows of the refusal itself, after the words that it puts before it."""
    _, found, refusal = message.partition(REFUSED)
    assert found, message
    return refusal


def test_flux_shows_rule_and_remediation(cluster: Cluster, flux: Flux) -> None:
    """At the dry run, so that nothing of the commit is applied: not even a model that is not refused."""
    assert flux.reconcile([manifest("biased", **BIASED), manifest()]).succeeded
    outcome = flux.reconcile([model(complianceManifestRef={"name": "biased"}), model("another")])
    assert_refused(outcome)
    assert outcome.message.startswith(
        f"ModelDeployment/{cluster.namespace}/{MODEL} dry-run failed (Forbidden): {REFUSED}bias/limit: "
    )
    assert outcome.applied == ()
    assert "bias/limit: mitigate the disparity" in outcome.message[:STATUS_LINE]
    assert_headline(refusal_of(outcome.message))


def test_every_rule_that_failed_is_named_at_once(cluster: Cluster, flux: Flux) -> None:
    """One pass of fixes is enough, also for a user who sees no more than the beginning."""
    unattended = manifest("biased", **BIASED, humanOversight={"enabled": False})
    assert flux.reconcile([unattended]).succeeded
    outcome = flux.reconcile([model(complianceManifestRef={"name": "biased"})])
    assert_refused(outcome)
    assert "bias/limit, oversight/missing: " in outcome.message[:STATUS_LINE]


def assert_refused(outcome: Reconciliation) -> None:
    """403 and Forbidden: a 409 or a 422 Flux would take for a change of an immutable field."""
    assert outcome.refusal is not None, outcome
    assert (outcome.refusal.status, outcome.refusal.body["reason"]) == (403, "Forbidden")


def assert_headline(refusal: str) -> None:
    """The first line has every failed rule and how to fix the first, within what a status line shows."""
    headline, *findings = refusal.splitlines()
    assert len(headline) <= STATUS_LINE
    assert headline.startswith("bias/limit: ")
    assert headline.removeprefix("bias/limit: ")
    assert findings[0].startswith("[bias/limit] compliancemanifest/")


def test_flux_applies_first_evidence_that_is_bad_and_refuses_its_model_after_it(
    cluster: Cluster, flux: Flux
) -> None:
    """The dry run has no evidence to judge by; the apply has, and so has every dry run from then on."""
    commit = [manifest(**BIASED), model()]
    first = flux.reconcile(commit)
    assert_refused(first)
    assert first.applied == (f"ComplianceManifest/{MANIFEST}",)
    assert first.message.startswith(
        f"ModelDeployment/{cluster.namespace}/{MODEL} apply failed: {REFUSED}bias/limit: "
    )
    second = flux.reconcile(commit)
    assert_refused(second)
    assert second.applied == ()
    assert "dry-run failed (Forbidden)" in second.message


def test_argo_cd_shows_rule_and_remediation(cluster: Cluster, argo: ArgoCd) -> None:
    """At the sync, and it applies whatever else is in the wave."""
    assert argo.sync([manifest("biased", **BIASED), manifest()]).succeeded
    outcome = argo.sync([model(complianceManifestRef={"name": "biased"}), model("another")])
    [refusal] = outcome.refusals
    assert (refusal.status, refusal.body["reason"]) == (403, "Forbidden")
    assert outcome.message.startswith(f"one or more objects failed to apply, reason: {REFUSED}bias/limit: ")
    assert outcome.applied == ("ModelDeployment/another",)
    assert "bias/limit: mitigate the disparity" in outcome.message[:STATUS_LINE]
    assert_headline(refusal_of(outcome.message))
    assert cluster.live("another")["metadata"]["generation"] == 1


def test_flux_with_force_never_deletes_a_model_that_is_refused(cluster: Cluster, rest: Rest) -> None:
    """A refusal is none of the errors that it deletes for."""
    forced = Flux(rest, cluster.namespace, force=True)
    assert forced.reconcile([manifest(), manifest("biased", **BIASED), model()]).succeeded
    before = cluster.live()["metadata"]
    outcome = forced.reconcile([model(complianceManifestRef={"name": "biased"})])
    assert_refused(outcome)
    assert cluster.live()["metadata"]["uid"] == before["uid"]
    assert cluster.live()["spec"]["complianceManifestRef"]["name"] == MANIFEST


def test_a_change_of_evidence_is_refused_and_says_what_to_do(cluster: Cluster, flux: Flux) -> None:
    """Evidence is immutable; the schema says so, without the webhook."""
    assert flux.reconcile([manifest()]).succeeded
    outcome = flux.reconcile([manifest(**BIASED)])
    assert outcome.refusal is not None
    assert (outcome.refusal.status, outcome.refusal.body["reason"]) == (422, "Invalid")
    assert "create a new ComplianceManifest" in outcome.message
    assert live(cluster.rest, marked(manifest(), cluster.namespace, "labels", {})) is not None


def test_flux_with_force_replaces_evidence_that_was_changed(cluster: Cluster, rest: Rest) -> None:
    """What immutability is there to prevent: so a Kustomization that holds evidence must not have `force`."""
    forced = Flux(rest, cluster.namespace, force=True)
    assert forced.reconcile([manifest()]).succeeded
    before = live(rest, marked(manifest(), cluster.namespace, "labels", {}))
    assert forced.reconcile([manifest(**BIASED)]).succeeded
    after = live(rest, marked(manifest(), cluster.namespace, "labels", {}))
    assert before is not None
    assert after is not None
    assert before["metadata"]["uid"] != after["metadata"]["uid"]
    assert after["spec"]["bias"][0]["value"] == 0.12
