"""The webhook judges objects of the kinds that an administrator adds, as soon as it has the rows."""

from __future__ import annotations

from typing import Any, Final

from actgate.lookup.added_kinds import AddedKinds
from actgate.lookup.judge import SubjectJudge
from actgate.records.record import Caller, Outcome
from actgate_webhook.answer import record_of
from actgate_webhook.judge import Judge, Judgement
from actgate_webhook.review import decode
from tests.decision.build import NOW
from tests.lookup.fake_cluster import FakeCluster
from tests.lookup.fakes import FakeEvidence, known
from tests.lookup.test_added_kinds import NAMESPACE, ROW, config_map
from tests.webhook.build import MANIFEST, body_of, passing, review, workload

IMAGE: Final = f"registry.example/server@sha256:{'a' * 64}"


def scorer(**annotations: str) -> dict[str, Any]:
    """Return the review of an object of the added kind."""
    asked = review(workload("Pod"))
    kind = {"group": "models.example.com", "version": "v1", "kind": "Scorer"}
    obj = {
        "apiVersion": "models.example.com/v1",
        "kind": "Scorer",
        "metadata": {"name": "scorer", "namespace": "credit", "annotations": annotations},
        "spec": {"uri": "s3://models/credit", "server": {"image": IMAGE}},
    }
    asked["request"] |= {"kind": kind, "object": obj}
    return asked


async def judged(added: AddedKinds, asked: dict[str, Any]) -> Judgement:
    judge = Judge(SubjectJudge(FakeEvidence(known(passing())), lambda: NOW), added=added)
    return await judge.judge(decode(body_of(asked)), within=4.0)


async def test_an_object_of_an_added_kind_needs_evidence() -> None:
    cluster = FakeCluster()
    added = AddedKinds(cluster, NAMESPACE)
    assert (await judged(added, scorer())).outcome is Outcome.UNAVAILABLE, "it may be an added kind"
    assert (await judged(added, review(workload()))).outcome in (Outcome.PASS, Outcome.WARN)
    await added.refresh()
    assert (await judged(added, scorer())).outcome is Outcome.NOT_JUDGED
    cluster.put(config_map(ROW), tell=False)
    await added.refresh()
    refused = await judged(added, scorer())
    assert refused.outcome is Outcome.FAIL
    caller = Caller(authenticated=True, name="apiserver")
    record = record_of(decode(body_of(scorer())), refused, caller, with_object=True)
    assert record.object.images == (IMAGE,), "the log names what its row reads"
    link = {"actgate.dev/compliance-manifest": MANIFEST, "actgate.dev/model": "CreditRiskScorer"}
    accepted = await judged(added, scorer(**link))
    assert accepted.outcome in (Outcome.PASS, Outcome.WARN), accepted.verdict
