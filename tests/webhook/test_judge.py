from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from actgate.decision import Policy
from actgate.lookup.evidence import Evidence
from actgate.lookup.judge import SubjectJudge
from actgate.records.record import Outcome
from actgate_webhook.judge import Judge, Judgement
from actgate_webhook.review import Review, decode
from tests.decision.build import NOW, policy
from tests.lookup.fakes import FakeEvidence, known
from tests.subjects.objects import TEMPLATE_PATHS
from tests.webhook.build import (
    ASSESSED_IMAGE,
    MANIFEST,
    body_of,
    changed,
    failing,
    inference_service,
    model_deployment,
    passing,
    review,
    workload,
)

PASSING = known(passing())
FAILING = known(failing())


def asked(*objects: dict[str, Any] | None, **request: Any) -> Review:  # noqa: ANN401 - fields of a request
    return decode(body_of(review(*objects, **request)))


async def judged(source: FakeEvidence, question: Review) -> Judgement:
    return await Judge(SubjectJudge(source, lambda: NOW)).judge(question, within=4.0)


async def test_an_allow_comes_from_the_cache_without_a_live_read() -> None:
    """Evidence that the cache has, and that was in contact lately, needs nothing else."""
    source = FakeEvidence(PASSING, reachable=False)
    judgement = await judged(source, asked(model_deployment()))
    assert judgement.outcome is Outcome.PASS
    assert source.reads == []


async def test_a_miss_is_looked_up_live_before_it_is_believed() -> None:
    """A manifest that was created just now is found although no watch has delivered it."""
    source = FakeEvidence({}, live=PASSING)
    assert (await judged(source, asked(model_deployment()))).outcome is Outcome.PASS
    assert source.reads == [("credit", MANIFEST)]


async def test_a_withdrawn_manifest_is_refused_once_the_cache_knows() -> None:
    """A manifest that is gone in the cache and live is a refusal with the rule that says so."""
    judgement = await judged(FakeEvidence({}, live={}), asked(model_deployment()))
    assert judgement.outcome is Outcome.FAIL
    assert judgement.verdict is not None
    assert judgement.verdict.failed_rules == ("link/manifest",)


@pytest.mark.parametrize("cached", [{}, FAILING], ids=["miss", "refusal"])
async def test_without_the_api_server_a_miss_or_a_refusal_is_unavailable(cached: Any) -> None:  # noqa: ANN401
    """Neither is a verdict as long as it could be an old truth."""
    source = FakeEvidence(cached, reachable=False)
    judgement = await judged(source, asked(model_deployment()))
    assert (judgement.outcome, judgement.verdict) == (Outcome.UNAVAILABLE, None)
    assert judgement.reason == "evidence is temporarily unavailable, retry: connection refused"


async def test_a_namespace_that_the_cache_does_not_know_is_read_live() -> None:
    """Its labels choose the policies, so nothing is allowed without them."""
    source = FakeEvidence(PASSING, namespaces={}, reachable=False)
    assert (await judged(source, asked(model_deployment()))).outcome is Outcome.UNAVAILABLE


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.finalizers", []),
        ("metadata.labels", {"team": "credit"}),
        ("metadata.annotations", {"note": "x"}),
        ("spec.replicas", 7),
        ("spec.suspend", True),
        ("spec.server.env", [{"name": "A", "value": "b"}]),
        ("spec.podTemplate", {"spec": {"tolerations": []}}),
    ],
)
async def test_an_update_of_nothing_governed_passes_although_the_evidence_went_bad(
    path: str, value: object
) -> None:
    """A finalizer can be removed, and replicas scaled, under evidence that no longer passes."""
    old = changed(model_deployment(), "metadata.finalizers", ["example.com/hold"])
    source = FakeEvidence(FAILING)
    judgement = await judged(source, asked(changed(old, path, value), old))
    assert judgement.outcome is Outcome.WARN
    assert judgement.verdict is not None
    assert "bias/limit" in {finding.rule for finding in judgement.verdict.findings}
    assert source.reads == []


@pytest.mark.parametrize(
    "source",
    [FakeEvidence(PASSING, age=1e9, reachable=False), FakeEvidence(namespaces={}, reachable=False)],
    ids=["old cache", "no cache"],
)
async def test_an_update_of_nothing_governed_passes_although_nothing_is_known(source: FakeEvidence) -> None:
    """It is allowed with a warning that it was not judged."""
    judgement = await judged(source, asked(model_deployment(replicas=1), model_deployment()))
    assert (judgement.outcome, judgement.verdict) == (Outcome.WARN, None)
    assert "not judged" in judgement.reason


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.model.version", "3"),
        ("spec.model.uri", "s3://elsewhere"),
        ("spec.complianceManifestRef.name", "other"),
        ("spec.placement.regions", [{"provider": "aws", "region": "eu-west-1"}]),
        ("spec.server.image", "registry.example/other:1"),
        ("spec.podTemplate", {"spec": {"initContainers": [{"name": "x", "image": "y"}]}}),
        ("spec.podTemplate", {"metadata": {"annotations": {"sidecar": "on"}}}),
        ("metadata.labels", {"actgate.dev/inference": "true"}),
    ],
)
@pytest.mark.parametrize("deleted_at", [None, "2026-11-23T10:00:00Z"], ids=["alive", "being deleted"])
async def test_a_change_of_a_governed_field_is_judged_in_full(
    path: str, value: object, deleted_at: str | None
) -> None:
    """Also while the object is being deleted: a finalizer would make that a way around."""
    old = changed(model_deployment(), "metadata.deletionTimestamp", deleted_at)
    judgement = await judged(FakeEvidence(FAILING), asked(changed(old, path, value), old))
    assert judgement.outcome is Outcome.FAIL


async def test_a_workload_that_loses_its_link_is_judged_as_before() -> None:
    """Taking off label and annotation does not take a running model out of sight."""
    bare = workload(labels={"app": "scorer"}, annotations={})
    judgement = await judged(FakeEvidence(PASSING), asked(bare, workload()))
    assert judgement.verdict is not None
    assert judgement.verdict.failed_rules == ("link/manifest",)
    assert (await judged(FakeEvidence(PASSING), asked(bare))).outcome is Outcome.NOT_JUDGED


async def test_what_only_looked_like_a_model_server_may_become_something_else() -> None:
    """What it becomes could be created as it is; the mark of a declared one is not shaken off like that."""
    plain = workload(labels={"app": "scorer"}, annotations={})
    path = "spec.template.spec.containers.0.image"
    old, new = (
        changed(plain, path, image)
        for image in ("docker.io/vllm/vllm-openai:v0.11", "docker.io/library/nginx:1.29")
    )
    assert (await judged(FakeEvidence(), asked(new, old))).outcome is Outcome.NOT_JUDGED
    assert (await judged(FakeEvidence(), asked(old, new))).outcome is not Outcome.NOT_JUDGED


@pytest.mark.parametrize("labels", [{"app": "scorer"}, {"actgate.dev/inference": "false"}])
async def test_hints_do_not_count_for_less_than_the_mark_that_is_taken_away(labels: dict[str, str]) -> None:
    """Under policies that only record hints, a workload with one could else do without its evidence."""
    path = "spec.template.spec.containers.0.args"
    marked, bare = (
        changed(obj, path, ["--model", "bank/credit"])
        for obj in (workload(), workload(labels=labels, annotations={}))
    )
    judgement = await judged(FakeEvidence(PASSING), asked(bare, marked))
    assert judgement.verdict is not None
    assert judgement.verdict.failed_rules == ("link/manifest",)
    assert judgement.subject is not None
    assert judgement.subject.was_declared
    alone = (await judged(FakeEvidence(PASSING), asked(bare))).verdict
    assert alone is not None
    assert alone.allowed


@pytest.mark.parametrize("kind", TEMPLATE_PATHS)
async def test_every_workload_kind_is_judged_on_its_pod_template(kind: str) -> None:
    """The same link passes and fails with the same evidence, wherever the template is."""
    question = asked(workload(kind))
    assert (await judged(FakeEvidence(PASSING), question)).outcome is Outcome.PASS
    assert (await judged(FakeEvidence(FAILING), question)).outcome is Outcome.FAIL


async def test_an_ephemeral_container_is_a_change_of_images() -> None:
    """A debug container brings an image into a pod that serves a model."""
    pod = workload("Pod")
    debugged = changed(pod, "spec.ephemeralContainers", [{"name": "debug", "image": "busybox"}])
    question = asked(debugged, pod, subResource="ephemeralcontainers")
    assert (await judged(FakeEvidence(FAILING), question)).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    "question",
    [
        asked(None, model_deployment(), operation="DELETE"),
        asked(None, None, operation="CONNECT"),
        asked(model_deployment(), model_deployment(replicas=1), subResource="status"),
        asked(model_deployment(), model_deployment(replicas=1), subResource="scale"),
        asked(workload(labels={}, annotations={})),
        asked(workload(labels={"actgate.dev/inference": "false"}, annotations={})),
        asked({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}),
    ],
    ids=["delete", "connect", "status", "scale", "no inference", "inference false", "other kind"],
)
async def test_what_is_not_ours_passes_without_a_look(question: Review) -> None:
    """DELETE, CONNECT, /status, /scale and everything that serves no model are allowed."""
    source = FakeEvidence(reachable=False)
    assert await judged(source, question) == Judgement(Outcome.NOT_JUDGED)
    assert source.reads == []


async def test_a_dry_run_only_warns_of_a_missing_manifest() -> None:
    """Flux dry-runs a whole set before it applies the manifest in it."""
    judgement = await judged(FakeEvidence({}), asked(model_deployment(), dry_run=True))
    assert judgement.outcome is Outcome.WARN


async def test_a_dry_run_is_judged_like_the_real_thing_otherwise() -> None:
    """Evidence that is there and fails refuses a dry run too."""
    judgement = await judged(FakeEvidence(FAILING), asked(model_deployment(), dry_run=True))
    assert judgement.outcome is Outcome.FAIL


async def test_a_defect_is_an_outage_and_no_verdict(caplog: pytest.LogCaptureFixture) -> None:
    """An exception in the source ends in an error that is logged, and in nothing allowed."""

    class Broken(FakeEvidence):
        def from_cache(self, namespace: str, names: Sequence[str]) -> Evidence:
            raise KeyError(namespace, names)

    judgement = await judged(Broken(PASSING), asked(model_deployment()))
    assert (judgement.outcome, judgement.verdict) == (Outcome.ERROR, None)
    assert "could not be judged" in caplog.text


async def test_an_object_nested_deeply_is_answered() -> None:
    """A selector of hundreds of levels, changed at the bottom, ends in an answer and no error."""
    body = body_of(
        review(*(model_deployment(podTemplate={"spec": {"nodeSelector": side}}) for side in (7, 8)))
    )
    for side in (7, 8):
        selector = b'{"x":' * 900 + b"%d" % side + b"}" * 900
        body = body.replace(b'"nodeSelector":%d' % side, b'"nodeSelector":' + selector)
    judgement = await judged(FakeEvidence(PASSING), decode(body))
    assert judgement.outcome in (Outcome.FAIL, Outcome.MALFORMED)


async def test_every_policy_that_the_cache_has_is_applied() -> None:
    """A policy that asks for digests of the manifest's images is not forgotten on the fast path."""
    source = FakeEvidence(PASSING, policies=(Policy("house"), policy("old", evidence={"maxAge": "1h"})))
    judgement = await judged(source, asked(changed(model_deployment(), "spec.server.image", ASSESSED_IMAGE)))
    assert judgement.verdict is not None
    assert judgement.verdict.failed_rules == ("evidence/age",)


@pytest.mark.parametrize("kind", TEMPLATE_PATHS)
async def test_a_workload_of_several_models_is_judged_on_every_manifest_that_it_links(kind: str) -> None:
    """From the annotation to the verdict: one manifest that fails refuses both, and one that is gone too."""
    fraud = replace(passing(model={"name": "Fraud", "digest": f"sha256:{'f' * 64}"}), name="fraud")
    links = {"actgate.dev/compliance-manifest": f"CreditRiskScorer={MANIFEST},Fraud=fraud"}
    question = asked(workload(kind, annotations=links))
    both = await judged(FakeEvidence(known(passing(), fraud)), question)
    assert both.outcome is Outcome.PASS
    assert both.verdict is not None
    assert [name for name, _ in both.verdict.manifest_digests] == [MANIFEST, "fraud"]
    biased = replace(failing(), name="fraud", model=fraud.model)
    assert (await judged(FakeEvidence(known(passing(), biased)), question)).outcome is Outcome.FAIL
    assert (await judged(FakeEvidence(known(passing())), question)).outcome is Outcome.FAIL


async def test_an_object_of_a_serving_system_is_judged_as_a_workload_is() -> None:
    """What is linked, what it loads, and what is governed; its number of servers is not."""
    source = FakeEvidence(PASSING)
    linked = inference_service()
    bare = changed(linked, "metadata.annotations", {})
    other = changed(linked, "spec.predictor.model", {"storageUri": "s3://other"})
    for question, outcome in (
        (asked(linked), Outcome.PASS),
        (asked(bare), Outcome.FAIL),
        (asked(other, linked), Outcome.WARN),  # Its evidence lists no URIs, and binds a name alone.
        (asked(bare, linked), Outcome.FAIL),
        (asked(changed(linked, "spec.predictor", "x")), Outcome.FAIL),
        (asked(changed(linked, "spec.predictor.model.image", 7)), Outcome.FAIL),
        (asked(changed(linked, "metadata.annotations", "x")), Outcome.MALFORMED),
        (asked(linked, operation="DELETE"), Outcome.NOT_JUDGED),
        (asked(inference_service("ServingRuntime")), Outcome.NOT_JUDGED),
    ):
        judgement = await judged(source, question)
        assert judgement.outcome is outcome, judgement
    scaled = changed(linked, "spec.predictor.minReplicas", 3)
    judgement = await judged(FakeEvidence(FAILING), asked(scaled, linked))
    assert not judgement.governed_change
