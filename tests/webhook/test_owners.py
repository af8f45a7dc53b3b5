"""Pods and ReplicaSets at the webhook: what their verified owners lend to them."""

from __future__ import annotations

from typing import Any

from actgate.decision import Manifest
from actgate.kube.errors import Unavailable
from actgate.lookup.judge import SubjectJudge
from actgate.lookup.owners import OwnerChains
from actgate.records.chain import decision_fields
from actgate.records.record import UNKNOWN_CALLER, Outcome
from actgate_webhook.answer import answer, record_of
from actgate_webhook.judge import Judge, Judgement
from actgate_webhook.review import decode
from tests.decision.build import NOW
from tests.lookup.fake_cluster import FakeCluster
from tests.lookup.fakes import FakeEvidence, known
from tests.lookup.owned import deployment, inference_service, pod, replica_set, template
from tests.subjects.test_replacements import running, stateful
from tests.webhook.build import ASSESSED_IMAGE, body_of, passing, review

Json = dict[str, Any]
EXPIRED = passing(validity={"notAfter": "2026-11-20T00:00:00Z"})
SERVER = {"name": "server", "image": ASSESSED_IMAGE}


def made(**annotations: str) -> tuple[Json, Json, Json, Json]:
    """Return an InferenceService and what its controllers make; the pods declare what they are."""
    top = inference_service()
    pods = template(SERVER, **annotations)
    pods["metadata"]["labels"]["actgate.dev/inference"] = "true"
    middle = deployment(top, pods)
    below = replica_set(middle)
    return top, middle, below, pod(below)


class Webhook:
    """A webhook before a fake cluster."""

    def __init__(self, *objects: Json, evidence: Manifest | None = None) -> None:
        self.cluster = FakeCluster(*objects)
        source = FakeEvidence(known(evidence or passing()))
        self.judge = Judge(SubjectJudge(source, lambda: NOW), OwnerChains(self.cluster))

    async def __call__(self, obj: Json, old: Json | None = None) -> Judgement:
        """Judge the create of an object, or its update."""
        return await self.judge.judge(decode(body_of(review(obj, old))), within=4.0)


async def test_children_of_an_admitted_object_are_admitted_by_its_link() -> None:
    """The Deployment, the ReplicaSet and the Pod of an InferenceService carry no link of their own."""
    *above, of_service = made()
    ask = Webhook(*above)
    for child in (*above[1:], of_service):
        assert (await ask(child)).outcome is Outcome.PASS, child["kind"]
    assert len(ask.cluster.gets) == 3


async def test_a_forged_owner_is_refused_and_the_reason_is_stated() -> None:
    *above, of_service = made()
    of_service["metadata"]["ownerReferences"][0]["uid"] = "0"
    judgement = await Webhook(*above)(of_service)
    assert judgement.verdict is not None
    assert judgement.verdict.failed_rules == ("link/manifest",)
    assert "it has another uid" in judgement.verdict.findings[0].message


async def test_an_owner_that_cannot_be_read_is_no_missing_owner() -> None:
    """The API server asks again after a 503; a refusal would be one for good."""
    *above, of_service = made()
    ask = Webhook(*above)
    ask.cluster.failure = Unavailable("down")
    assert (await ask(of_service)).outcome is Outcome.UNAVAILABLE
    relabelled = {**of_service, "metadata": {**of_service["metadata"], "finalizers": ["x"]}}
    judgement = await ask(relabelled, of_service)
    assert (judgement.outcome, judgement.verdict) == (Outcome.WARN, None)


async def test_owners_are_read_anew_before_a_refusal() -> None:
    """A link that was put on the owner a moment ago counts at once."""
    top, *rest, of_service = made()
    bare = {**top, "metadata": {**top["metadata"], "annotations": {}}}
    ask = Webhook(bare, *rest)
    assert (await ask(of_service)).outcome is Outcome.FAIL
    ask.cluster.put(top)
    assert (await ask(of_service)).outcome is Outcome.PASS


async def test_a_pod_with_another_link_than_its_owner_is_refused() -> None:
    *above, of_service = made()
    of_service["metadata"]["annotations"] = {
        "actgate.dev/compliance-manifest": "other",
        "actgate.dev/model": "CreditRiskScorer",
    }
    judgement = await Webhook(*above)(of_service)
    assert judgement.outcome is Outcome.FAIL
    assert judgement.verdict is not None
    assert any("the link of InferenceService" in one.message for one in judgement.verdict.findings)


async def test_a_replacement_pod_under_old_evidence_is_admitted_while_its_owner_runs() -> None:
    """Before a refusal owners are read anew: the one that is kept may be from before its first pod."""
    top, below = running(replicas=0)
    for one in (top, below):
        one["spec"]["template"]["spec"]["containers"][0]["image"] = ASSESSED_IMAGE
    child = pod(below)
    ask = Webhook(top, below, evidence=EXPIRED)
    assert (await ask(child)).outcome is Outcome.FAIL
    ask.cluster.put(below | {"status": {"replicas": 1}})
    judgement = await ask(child)
    assert (judgement.outcome, len(ask.cluster.gets)) == (Outcome.WARN, 4)
    ask.cluster.put(below | {"status": {"replicas": 0}})
    assert (await ask(child)).outcome is Outcome.FAIL, "scaled to zero, and up again"
    ask.cluster.put(below | {"status": {"replicas": 1}})
    judgement = await ask(child)
    record = record_of(decode(body_of(review(child))), judgement, UNKNOWN_CALLER, with_object=False)
    (warning,) = answer(record).warnings
    assert warning.startswith("evidence/expired: a replacement pod, admitted until 2026-11-27T00:00:00Z")
    assert decision_fields(record)["owner"]["template_since"] == "2026-11-01T10:05:00Z"
    edited = replica_set(top) | {"status": {"replicas": 1}}
    edited["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "X", "value": "1"}]
    assert (await Webhook(top, edited, evidence=EXPIRED)(pod(edited))).outcome is Outcome.FAIL
    assert (await ask(replica_set(top))).outcome is Outcome.FAIL, "a new one"


async def test_a_revision_is_read_only_where_time_alone_stands_against_a_pod() -> None:
    """Pods with evidence that passes, or that fails for other reasons, cost no read more."""
    status = {"currentRevision": "scorer-7", "updateRevision": "scorer-7", "replicas": 1}
    top, kept = stateful("StatefulSet", status)
    for template_ in (top["spec"]["template"], kept["data"]["spec"]["template"]):
        template_["spec"]["containers"][0]["image"] = ASSESSED_IMAGE
    for evidence, outcome, reads in (
        (passing(), Outcome.PASS, 0),
        (EXPIRED, Outcome.WARN, 1),
        (passing(humanOversight={"enabled": False}), Outcome.FAIL, 0),
    ):
        ask = Webhook(top, kept, evidence=evidence)
        assert (await ask(pod(top))).outcome is outcome
        assert sum("controllerrevisions" in path for path in ask.cluster.gets) == reads
    ask = Webhook(top | {"status": {}}, kept, evidence=EXPIRED)
    assert (await ask(pod(top))).outcome is Outcome.FAIL
    ask.cluster.put(top)
    assert (await ask(pod(top))).outcome is Outcome.WARN, "it was kept as it was before its first pod"
