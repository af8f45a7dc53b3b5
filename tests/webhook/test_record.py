from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
import rfc8785

from actgate.api.canonical import sha256
from actgate.decision.data import RULESET
from actgate.lookup.judge import SubjectJudge
from actgate.records.chain import decision_fields
from actgate.records.record import UNKNOWN_CALLER, Caller, DecisionRecord
from actgate_webhook.answer import record_of
from actgate_webhook.judge import Judge
from actgate_webhook.review import decode
from tests.lookup.fakes import FakeEvidence, known
from tests.webhook.build import (
    ASSESSED_IMAGE,
    KINDS,
    MANIFEST,
    NAMESPACE,
    Json,
    body_of,
    changed,
    failing,
    model_deployment,
    passing,
    review,
    workload,
)


async def recorded(
    question: Json, source: FakeEvidence | None = None, caller: Caller = UNKNOWN_CALLER
) -> DecisionRecord:
    """Return the record of a review."""
    return await record_of_body(body_of(question), source or FakeEvidence(known(passing())), caller)


async def record_of_body(body: bytes, source: FakeEvidence, caller: Caller) -> DecisionRecord:
    """Return the record of what is posted."""
    asked = decode(body)
    judgement = await Judge(SubjectJudge(source)).judge(asked, 5.0)
    return record_of(asked, judgement, caller, with_object=True)


async def line_of(question: Json, source: FakeEvidence | None = None) -> dict[str, Any]:
    """Return what a line says of a review that has one."""
    record = await recorded(question, source)
    assert record.is_decision
    return decision_fields(record)


async def test_a_line_says_who_asked_for_what_and_why_it_was_decided_so() -> None:
    """Everything by which an auditor finds the same decision again."""
    obj = model_deployment()
    evidence = passing()
    assert await line_of(review(obj)) == {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "caller": {"authenticated": False, "name": None},
        "user": "engineer",
        "operation": "CREATE",
        "object": {
            "group": "actgate.dev",
            "version": "v1alpha1",
            "kind": "ModelDeployment",
            "namespace": NAMESPACE,
            "name": "scorer",
            "digest": sha256(rfc8785.dumps(obj)),
            "digest_of": "canonical",
            "images": [ASSESSED_IMAGE],
        },
        "governed_change": True,
        "dry_run": False,
        "outcome": "Pass",
        "allowed": True,
        "reason": "",
        "rules": [],
        "policies": ["baseline"],
        "policy_digests": [None],
        "ruleset": RULESET,
        "manifest": {
            "name": MANIFEST,
            "uid": f"uid-of-{MANIFEST}",
            "resource_version": "7",
            "digest": evidence.digest,
        },
        "cache_age_ms": 1000,
    }


async def test_a_refusal_names_each_rule_with_its_outcome() -> None:
    """Rule, effect, basis and the field, each rule once."""
    line = await line_of(review(model_deployment()), FakeEvidence(known(failing())))
    assert (line["allowed"], line["outcome"]) == (False, "Fail")
    rules = {rule["rule"]: rule for rule in line["rules"]}
    assert len(rules) == len(line["rules"])
    assert (rules["bias/limit"]["outcome"], rules["bias/limit"]["path"]) == ("Deny", "spec.bias[0].value")
    assert rules["bias/limit"]["basis"]


async def test_a_missing_manifest_is_null() -> None:
    """There was no evidence, and the live read that found none has no age."""
    line = await line_of(review(model_deployment()), FakeEvidence())
    assert (line["manifest"], line["cache_age_ms"], line["allowed"]) == (None, 0, False)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("ModelDeployment", "ConfigMap")])
async def test_the_images_of_every_kind_are_named_by_digest(kind: str) -> None:
    """Those that carry a digest; a tag is no proof of what ran."""
    line = await line_of(review(workload(kind)))
    assert line["object"]["images"] == [ASSESSED_IMAGE]
    tagged = orjson.loads(orjson.dumps(workload(kind)).replace(ASSESSED_IMAGE.encode(), b"server:2"))
    assert (await line_of(review(tagged)))["object"]["images"] == []


async def test_the_digest_leaves_out_the_bookkeeping_of_the_api_server() -> None:
    """What it notes in managedFields differs between two applies of the same object."""
    obj = workload()
    kept = copy.deepcopy(obj)
    kept["metadata"]["managedFields"] = [{"manager": "kubectl"}]
    same, other = await line_of(review(obj)), await line_of(review(kept))
    assert same["object"]["digest"] == other["object"]["digest"]
    replicas = await line_of(review(changed(obj, "spec.replicas", 3)))
    assert replicas["object"]["digest"] != same["object"]["digest"]


async def test_a_name_that_is_yet_to_be_made_is_named_by_its_prefix() -> None:
    """With generateName there is no name at admission."""
    pod = workload("Pod")
    pod["metadata"] = {**pod["metadata"], "generateName": "scorer-"}
    del pod["metadata"]["name"]
    assert (await line_of(review(pod, name="")))["object"]["name"] == "scorer-*"


async def test_an_unreadable_object_is_named_by_the_digest_of_its_bytes() -> None:
    """What was refused unread can still be held against what the client sent."""
    body = body_of(review(model_deployment())).replace(
        orjson.dumps(model_deployment()), b'{"apiVersion":"actgate.dev/v1alpha1","a":1e999}'
    )
    line = decision_fields(await record_of_body(body, FakeEvidence(), Caller(True, "kube-apiserver")))
    digest = sha256(b'{"apiVersion":"actgate.dev/v1alpha1","a":1e999}')
    assert (line["object"]["digest"], line["object"]["digest_of"]) == (digest, "bytes")
    assert (line["outcome"], line["allowed"]) == ("Malformed", False)
    assert line["caller"] == {"authenticated": True, "name": "kube-apiserver"}


async def test_an_object_that_is_missing_has_no_digest() -> None:
    """A review without object is refused, and the line says so."""
    line = await line_of(review(model_deployment(), object=None))
    assert line["outcome"] == "Malformed"
    question = review(model_deployment())
    del question["request"]["object"]
    assert (await line_of(question))["object"]["digest"] is None


async def test_unavailable_is_recorded_with_its_reason() -> None:
    """The evidence could not be read: refused for now, and nothing is claimed about rules."""
    line = await line_of(review(model_deployment()), FakeEvidence(reachable=False))
    assert (line["outcome"], line["allowed"], line["rules"]) == ("Unavailable", False, [])
    assert line["reason"] == "evidence is temporarily unavailable, retry: connection refused"


async def test_an_update_that_changes_nothing_governed_is_recorded_as_such() -> None:
    """It passes whatever became of the evidence, and the line shows why."""
    obj = model_deployment()
    line = await line_of(review(changed(obj, "metadata.finalizers", []), obj), FakeEvidence(known(failing())))
    assert (line["allowed"], line["outcome"], line["governed_change"]) == (True, "Warn", False)


@pytest.mark.parametrize(
    "question",
    [
        review(model_deployment(), dry_run=True),
        review(None, model_deployment(), operation="DELETE"),
        review(model_deployment(), model_deployment(), subResource="status"),
        review({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "scorer"}}),
    ],
)
async def test_what_is_not_judged_or_a_dry_run_has_no_line(question: Json) -> None:
    """Nothing happened, or it was none of our business."""
    record = await recorded(question)
    assert not record.is_decision
    assert record.object.digest is None
