from __future__ import annotations

from typing import Any

import pytest

from actgate_webhook.judge import Judge, Outcome
from actgate_webhook.review import decode
from tests.policy.build import NOW
from tests.webhook.build import body_of, changed, model_deployment, passing, review, workload
from tests.webhook.fakes import FakeEvidence, known

SOURCE = FakeEvidence(known(passing()))
MODEL, DEPLOYMENT = model_deployment(), workload()


async def reason(document: dict[str, Any]) -> str:
    judgement = await Judge(SOURCE, lambda: NOW).judge(decode(body_of(document)), within=4.0)
    assert judgement.outcome is Outcome.MALFORMED, judgement
    return judgement.reason


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (review(None), "request.object must be an object for operation CREATE"),
        (review(MODEL, operation="UPDATE"), "request.oldObject must be an object for operation UPDATE"),
        (review(MODEL, {}), "request.oldObject must be of the kind that request.kind names"),
        (changed(review(MODEL), "request.object", "ModelDeployment"), "request.object must be an object"),
        (
            changed(review(MODEL), "request.object.kind", "ConfigMap"),
            '"ModelDeployment" of "actgate.dev/v1al',
        ),
        (changed(review(MODEL), "request.object.apiVersion", "v1"), "must be of the kind that request.kind"),
        (changed(review(MODEL), "request.kind.kind", "ConfigMap"), "must be of the kind that request.kind"),
        (changed(review(MODEL), "request.object.metadata", "scorer"), "request.object.metadata must be"),
        (
            changed(review(MODEL), "request.namespace", "other"),
            "metadata.namespace must be request.namespace",
        ),
        (changed(review(MODEL), "request.object.metadata.namespace", "other"), "metadata.namespace must be"),
    ],
)
async def test_an_object_that_is_not_what_was_asked_about_is_refused(
    document: dict[str, Any], words: str
) -> None:
    """The question and the object must speak of one thing, else one is judged and another allowed."""
    assert words in await reason(document)


async def test_a_namespaced_object_without_a_namespace_is_refused() -> None:
    """Without a namespace there is no place where its manifest could be."""
    question = changed(review(MODEL), "request.namespace", "")
    del question["request"]["object"]["metadata"]["namespace"]
    assert "request.namespace is missing" in await reason(question)


@pytest.mark.parametrize(
    ("obj", "path", "value", "words"),
    [
        (MODEL, "spec", [], "spec must be an object"),
        (MODEL, "spec.model", "CreditRiskScorer", "spec.model must be an object"),
        (MODEL, "spec.complianceManifestRef", "name", "spec.complianceManifestRef must be an object"),
        (MODEL, "spec.placement", [], "spec.placement must be an object"),
        (MODEL, "spec.server", "image", "spec.server must be an object"),
        (MODEL, "spec.server.image", {}, "spec.server.image must be a string"),
        (MODEL, "spec.podTemplate", [], "spec.podTemplate must be an object"),
        (MODEL, "spec.podTemplate", {"spec": "x"}, "spec.podTemplate.spec must be an object"),
        (MODEL, "metadata.annotations", [], "metadata.annotations must be an object"),
        (MODEL, "metadata.labels", "x", "metadata.labels must be an object"),
        (DEPLOYMENT, "spec.template.metadata.labels", [], "spec.template.metadata.labels must be an object"),
        (DEPLOYMENT, "spec.template.spec", [], "spec.template.spec must be an object"),
        (DEPLOYMENT, "spec.template.spec.containers", {}, "spec.template.spec.containers must be a list"),
        (DEPLOYMENT, "spec.template.spec.initContainers", ["x"], "initContainers[0] must be an object"),
        (DEPLOYMENT, "spec.template.spec.containers.0.image", 1, "containers[0].image must be a string"),
        (
            DEPLOYMENT,
            "spec.template.spec.volumes",
            [{"image": {"reference": []}}],
            "volumes[0].image.reference must be a string",
        ),
        (DEPLOYMENT, "spec.template.spec.volumes", [{"image": "x"}], "volumes[0].image must be an object"),
        (DEPLOYMENT, "spec.template.spec.nodeSelector", "eu", "nodeSelector must be an object"),
        (DEPLOYMENT, "spec.template.spec.affinity", [], "affinity must be an object"),
        (
            DEPLOYMENT,
            "spec.template.spec.affinity",
            {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": {}}}},
            "nodeSelectorTerms must be a list",
        ),
    ],
)
async def test_a_level_of_the_wrong_type_is_refused_and_named(
    obj: dict[str, Any], path: str, value: object, words: str
) -> None:
    """What cannot be looked into is not skipped."""
    # The label on the object itself keeps a workload in sight when its template cannot be read.
    seen = changed(obj, "metadata.labels", {"actgate.dev/inference": "true"})
    assert words in await reason(review(changed(seen, path, value)))


@pytest.mark.parametrize("kind", ["CronJob", "Pod"])
async def test_the_path_in_the_sentence_is_that_of_the_kind(kind: str) -> None:
    """A CronJob's template is three levels deeper than a Pod's."""
    seen = changed(workload(kind), "metadata.labels", {"actgate.dev/inference": "true"})
    prefix = "spec.jobTemplate.spec.template.spec" if kind == "CronJob" else "spec"
    assert f"{prefix}.containers must be a list" in await reason(
        review(changed(seen, f"{prefix}.containers", "x"))
    )
