"""What the status says in every state, and that it changes only when something did."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate.api.compliance_policy import Enforcement
from actgate.api.model_deployment import ModelDeploymentStatus
from actgate.decision import Finding, Outcome
from actgate_operator.pod_records import Running
from actgate_operator.status import Judgement, Observation, condition_of, is_same, message_of, report
from actgate_sandbox.rest import APPLY_PATCH
from tests.operator.observed import (
    ADVISED,
    HOLDS,
    MISSING,
    NAME,
    OUTDATED,
    REJECTED,
    STATES,
    STORED,
    State,
    rollout,
    seen,
)
from tests.operator.world import World
from tests.support import kstatus
from tests.support.crds import API_VERSION, collection

Json = dict[str, Any]

NOW = datetime(2026, 11, 23, 12, 0, 0, 654321, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
AT, THEN = "2026-11-23T12:00:00Z", "2026-11-23T12:05:00Z"
FIRST: Json = {
    "conditions": [
        {
            "type": "Ready", "status": "Unknown", "reason": "Pending", "message": "Waiting for the operator",
            "lastTransitionTime": "1970-01-01T00:00:00Z",
        }
    ]
}  # fmt: skip
"""What the CRD's own default says of a model that was never reconciled."""

states = st.sampled_from(sorted(STATES))


def reported(status: Json) -> dict[str, str]:
    """Return every condition as its status and reason, that of an autoscaler apart."""
    return {
        item["type"]: f"{item['status']} {item['reason']}"
        for item in status["conditions"]
        if item["type"] != "ScalingActive"
    }


def expected(state: State) -> dict[str, str]:
    """Return every condition of a state."""
    always = {
        "EvidenceAccepted": state.evidence,
        "WorkloadAvailable": state.workload,
        "Ready": state.ready,
    }
    abnormal = {"Reconciling": state.reconciling, "Stalled": state.stalled}
    return always | {name: f"True {reason}" for name, reason in abnormal.items() if reason is not None}


@pytest.mark.parametrize("name", STATES)
def test_every_condition_of_a_state(name: str) -> None:
    """Ready sums up; Reconciling and Stalled are there only while True, and never both."""
    status = report(STATES[name].seen, FIRST, NOW)
    assert reported(status) == expected(STATES[name])
    assert {item["observedGeneration"] for item in status["conditions"]} == {3}
    assert all(item["message"] for item in status["conditions"])


@pytest.mark.parametrize("name", STATES)
def test_kstatus_says_of_a_state_what_its_users_should_do(name: str) -> None:
    """Current: go on; InProgress: wait; Failed: a person has to do something."""
    thing = {"metadata": {"generation": 3}, "status": report(STATES[name].seen, {}, NOW)}
    assert kstatus.verdict(thing) == STATES[name].verdict
    thing["metadata"]["generation"] = 4
    assert kstatus.verdict(thing) == kstatus.Verdict.IN_PROGRESS


@pytest.mark.parametrize("name", STATES)
def test_a_status_is_what_the_schema_asks_for(name: str) -> None:
    """As the models have it."""
    status = report(STATES[name].seen, FIRST, NOW)
    ModelDeploymentStatus.model_validate(status, by_alias=True, by_name=False)


def test_the_api_server_takes_the_status_of_every_state(world: World) -> None:
    """Applied dry, one after another."""
    live = world.model()
    path = f"{collection('ModelDeployment', world.namespace)}/{live['metadata']['name']}/status"
    for name, state in STATES.items():
        status = report(state.seen, live["status"], NOW)
        body = {
            "apiVersion": API_VERSION,
            "kind": "ModelDeployment",
            "metadata": {"name": live["metadata"]["name"]},
            "status": status,
        }
        query = {"fieldManager": "actgate-operator", "force": "true", "dryRun": "All"}
        reply = world.rest("PATCH", path, body, APPLY_PATCH, **query)
        assert reply.status == 200, (name, reply)
        assert is_same(status, reply.body["status"]), name


def test_of_a_model_that_was_not_reconciled_the_api_server_says_unknown(world: World) -> None:
    """So that it is not taken for in sync; the first status of ours replaces that."""
    status = world.model()["status"]
    assert reported(status) == {"Ready": "Unknown Pending"}
    assert not is_same(report(STATES["ready"].seen, status, NOW), status)


@given(states, states)
def test_a_transition_is_dated_when_the_status_of_a_condition_changed(first: str, second: str) -> None:
    """Another reason or another message is no transition."""
    before = report(STATES[first].seen, FIRST, NOW)
    after = report(STATES[second].seen, before, LATER)
    for condition in after["conditions"]:
        former = condition_of(before, condition["type"])
        stayed = former.get("status") == condition["status"]
        assert condition["lastTransitionTime"] == (former["lastTransitionTime"] if stayed else THEN)


@given(states)
def test_what_was_reported_once_is_not_reported_again(name: str) -> None:
    """The same observation later makes the same status, whatever order the API server keeps."""
    status = report(STATES[name].seen, FIRST, NOW)
    again = report(STATES[name].seen, status, LATER)
    assert again == status
    turned = {**status, "conditions": status["conditions"][::-1]}
    assert is_same(again, turned)


@given(states, states)
def test_a_status_is_the_same_only_for_what_says_the_same(first: str, second: str) -> None:
    """Any difference of any field is worth a write."""
    before = report(STATES[first].seen, FIRST, NOW)
    after = report(STATES[second].seen, before, LATER)
    assert is_same(after, before) == (after == before)
    assert is_same(before, before)


def test_conditions_of_others_are_neither_reported_nor_missed() -> None:
    """They are another manager's, and stay beside ours."""
    status = report(STATES["ready"].seen, FIRST, NOW)
    theirs = {
        "type": "Audited",
        "status": "True",
        "reason": "ByHand",
        "message": "",
        "lastTransitionTime": AT,
    }
    assert is_same(status, {**status, "conditions": [theirs, *status["conditions"]]})


@pytest.mark.parametrize(
    "change",
    [
        {"observedGeneration": 2},
        {"url": "http://elsewhere"},
        {"replicas": 1},
        {"conditions": []},
        {"verdict": {}},
    ],
)
def test_a_status_that_another_client_changed_is_reported_anew(change: Json) -> None:
    """Every field is ours."""
    status = report(STATES["ready"].seen, FIRST, NOW)
    assert not is_same(status, status | change)


@pytest.mark.parametrize("name", STATES)
def test_each_text_stands_in_one_condition_alone(name: str) -> None:
    """`kubectl describe` shows a long one once; the other conditions say where it stands."""
    conditions = report(STATES[name].seen, FIRST, NOW)["conditions"]
    texts = [item["message"] for item in conditions if not item["message"].startswith("see ")]
    assert len(texts) == len(set(texts))
    for item in conditions:
        if item["message"].startswith("see "):
            [home] = [other for other in conditions if item["message"] == f"see {other['type']}"]
            assert not home["message"].startswith("see ")


def test_what_a_condition_says_in_another_place_is_found() -> None:
    """For Events, and for a reader of one condition."""
    status = report(STATES["pods crash later"].seen, FIRST, NOW)
    summary = condition_of(status, "Ready")
    assert summary["message"] == "see WorkloadAvailable"
    assert message_of(status, summary) == condition_of(status, "WorkloadAvailable")["message"]
    assert message_of(status, {"message": "see below"}) == "see below"
    assert message_of(status, {}) == ""


def words(name: str) -> str:
    """Return what is reported of the workload in a state."""
    return str(condition_of(report(STATES[name].seen, FIRST, NOW), "WorkloadAvailable")["message"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("suspending", "spec.suspend is true; 2 pods are left"),
        ("suspended, pods end", "spec.suspend is true; 2 pods are terminating"),
        ("suspended", "spec.suspend is true; no pods are left"),
        ("planted while suspended", "spec.suspend is true; 3 pods are left; pod evil is not ours"),
        ("expired, scaled to zero", "the evidence does not hold; no pods are left"),
        ("pods are added", "2 of 3 pods are ready"),
        ("a pod was edited", "2 of 2 pods are ready; pod scorer-1 runs evil:1"),
        ("rejected", "no workload is created before the evidence is accepted"),
    ],
)
def test_the_workload_is_reported_by_what_really_runs(name: str, said: str) -> None:
    """Pods that end are still there, and none is left only when none is."""
    assert words(name) == said


@pytest.mark.parametrize(
    ("running", "said"),
    [
        (Running(), "no pods are left"),
        (Running(terminating=1), "1 pod is terminating"),
        (Running(1), "1 pod is left"),
        (Running(1, 1), "2 pods are left"),
    ],
)
@pytest.mark.parametrize("cause", ["suspended", "violated"])
def test_pods_are_counted_until_the_last_one_is_gone(cause: str, running: Running, said: str) -> None:
    """A Deployment's status leaves terminating pods out, and those that it did not make."""
    evidence = OUTDATED if cause == "violated" else HOLDS
    observed = seen(evidence, rollout(replicas=0, ready=0, wanted=0), running=running, **{cause: True})
    assert condition_of(report(observed, FIRST, NOW), "WorkloadAvailable")["message"].endswith(f"; {said}")


def test_pods_that_run_without_a_deployment_are_reported() -> None:
    """A user deleted it and left its pods, while the evidence does not hold."""
    status = report(seen(REJECTED, running=Running(2)), FIRST, NOW)
    assert condition_of(status, "WorkloadAvailable")["message"].endswith("; 2 pods are left")


@pytest.mark.parametrize(("ready", "said"), [(3, "2 of 2"), (2, "2 of 2"), (1, "1 of 2")])
def test_a_surge_is_not_counted(ready: int, said: str) -> None:
    """Three pods for two is a rollout, and no third one that is missing or too many."""
    status = report(seen(rolled=rollout(replicas=3, ready=ready)), FIRST, NOW)
    assert condition_of(status, "WorkloadAvailable")["message"] == f"{said} pods are ready"


def test_a_pod_that_cannot_be_created_is_reported_though_enough_serve() -> None:
    """Four of five are enough for a Deployment, and not what the spec says: a quota is in the way."""
    words = 'pods "risk-1" is forbidden: exceeded quota: pods'
    status = report(seen(rolled=rollout(replicas=4, ready=4, wanted=5, failure=words)), {}, NOW)
    assert condition_of(status, "WorkloadAvailable")["status"] == "True"
    ready = condition_of(status, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "FailedCreate")
    assert message_of(status, ready) == words
    assert condition_of(status, "Reconciling")["reason"] == "FailedCreate"


def test_an_ephemeral_container_is_reported_and_changes_nothing() -> None:
    """`kubectl debug` is no outage, and what it runs was not judged."""
    status = report(seen(rolled=rollout(), running=Running(2, ephemeral="pod a has debugger")), FIRST, NOW)
    assert condition_of(status, "Ready")["status"] == "True"
    assert condition_of(status, "WorkloadAvailable")["message"] == "2 of 2 pods are ready; pod a has debugger"


def test_an_autoscaler_speaks_in_a_condition_of_its_own() -> None:
    """In its own words while it cannot work; a model that nothing scales has none."""
    reasons = {
        name: condition_of(report(STATES[name].seen, FIRST, NOW), "ScalingActive")
        for name in ("ready", "autoscaled", "autoscaled without metrics")
    }
    assert reasons["ready"] == {}
    assert reasons["autoscaled"]["status"] == "True"
    failing = reasons["autoscaled without metrics"]
    assert (failing["status"], failing["reason"]) == ("False", "FailedGetResourceMetric")
    assert failing["message"].endswith("missing request for cpu")


def test_a_condition_that_does_not_hold_any_more_is_worth_a_write() -> None:
    """Reconciling goes when nothing is under way."""
    before = report(STATES["pods start"].seen, FIRST, NOW)
    after = report(STATES["ready"].seen, before, LATER)
    assert not is_same(after, {**after, "conditions": [*after["conditions"], before["conditions"][-1]]})


def test_the_verdict_is_dated_when_it_became_another_one() -> None:
    """Being judged again with the same result is no news."""
    first = report(seen(HOLDS), FIRST, NOW)
    assert first["verdict"]["evaluatedAt"] == AT
    assert report(seen(HOLDS, rollout()), first, LATER)["verdict"] == first["verdict"]
    changed = report(seen(OUTDATED), first, LATER)["verdict"]
    assert (changed["outcome"], changed["evaluatedAt"]) == ("Fail", THEN)
    other = replace(STORED, uid="uid-2")
    assert report(seen(Judgement(HOLDS.verdict, NAME, other)), first, LATER)["verdict"]["evaluatedAt"] == THEN


def test_the_verdict_names_the_evidence_and_nothing_of_its_content() -> None:
    """Name, uid and digest; of a manifest that is missing, its name."""
    verdict = report(seen(HOLDS), {}, NOW)["verdict"]
    assert verdict["manifest"] == {"name": NAME, "uid": "uid-1", "digest": STORED.digest}
    assert (verdict["outcome"], verdict["policies"]) == ("Pass", ["baseline"])
    assert "findings" not in verdict
    assert verdict["validUntil"] == "2027-11-01T10:00:00Z"
    assert report(seen(MISSING), {}, NOW)["verdict"]["manifest"] == {"name": NAME}


def test_evidence_that_ends_within_a_second_ends_at_its_beginning() -> None:
    """Time in a status has whole seconds: rather too early than too late."""
    ends = datetime(2026, 12, 1, 8, 30, 59, 999999, tzinfo=UTC)
    evidence = Judgement(replace(HOLDS.verdict, valid_until=ends), NAME, STORED)
    assert report(seen(evidence), {}, NOW)["verdict"]["validUntil"] == "2026-12-01T08:30:59Z"


def test_a_model_that_was_not_judged_has_no_verdict() -> None:
    """A former one is no answer for this spec."""
    former = report(seen(HOLDS), FIRST, NOW)
    assert "verdict" not in report(STATES["malformed"].seen, former, LATER)


def findings(number: int) -> tuple[Finding, ...]:
    """Return findings with texts longer than any schema takes."""
    return tuple(
        Finding(f"rule/{index}", "house policy", "p" * 2000, "m" * 9000, "r" * 9000, Enforcement.DENY)
        for index in range(number)
    )


def test_of_many_findings_the_first_are_reported() -> None:
    """They come with the strongest first; each is cut to what the schema takes."""
    verdict = replace(REJECTED.verdict, findings=findings(1000), outcome=Outcome.FAIL)
    status = report(seen(Judgement(verdict, NAME, STORED)), {}, NOW)
    assert [item["rule"] for item in status["verdict"]["findings"]] == [f"rule/{n}" for n in range(128)]
    ModelDeploymentStatus.model_validate(status, by_alias=True, by_name=False)


def test_more_pods_than_a_spec_may_ask_for_are_as_many_as_a_status_may_say() -> None:
    """A rollout of 10,000 has a quarter more for a while, and the whole status must not fail for it."""
    status = report(seen(rolled=rollout(replicas=12_500, ready=12_500)), {}, NOW)
    ModelDeploymentStatus.model_validate(status, by_alias=True, by_name=False)
    assert (status["replicas"], status["readyReplicas"]) == (10_000, 10_000)


def test_a_refusal_says_in_its_first_line_what_to_do() -> None:
    """Tools show 200 characters."""
    message = condition_of(report(seen(REJECTED), {}, NOW), "EvidenceAccepted")["message"]
    headline = message.splitlines()[0]
    assert len(headline) <= 200
    assert "oversight/missing" in headline


def test_findings_that_do_not_refuse_are_counted() -> None:
    """Their texts are in the verdict."""
    status = report(seen(ADVISED), {}, NOW)
    number = len(status["verdict"]["findings"])
    assert condition_of(status, "EvidenceAccepted")["message"].endswith(f"do not deny: {number}")


def test_without_a_deployment_no_pods_are_claimed() -> None:
    """Zero, and neither URL nor selector before they are planned."""
    status = report(Observation(1, MISSING), {}, NOW)
    assert (status["replicas"], status["readyReplicas"]) == (0, 0)
    assert not status.keys() & {"url", "selector"}


@given(states, states)
def test_the_former_status_is_left_as_it_is(first: str, second: str) -> None:
    """It belongs to an object that other code may hold."""
    former = report(STATES[first].seen, FIRST, NOW)
    before = deepcopy(former)
    report(STATES[second].seen, former, LATER)
    assert former == before
