"""What a status says of the log of a model's use, and of its stop."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from actgate.api.model_deployment import ModelDeploymentStatus
from actgate.api.names import STOP_REASON_ANNOTATION, STOPPED_BY_ANNOTATION
from actgate_operator.desired import stop_of
from actgate_operator.events import transitions
from actgate_operator.pod_records import Running, read_pod, running
from actgate_operator.status import Stop, condition_of, report
from tests.operator.fakes import model
from tests.operator.observed import rollout, seen

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
LATER = datetime(2026, 11, 27, 10, tzinfo=UTC)
RECORDED: dict[str, Any] = {"logging": "Recorder", "recorder": "r:1"}
GONE = rollout(replicas=0, ready=0, wanted=0, updated=0)


def status(former: dict[str, Any] | None = None, now: datetime = NOW, **observed: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a status, which the schema takes."""
    made = report(replace(seen(rolled=observed.pop("rolled", rollout())), **observed), former or {}, now)
    ModelDeploymentStatus.model_validate(made)
    return made


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        ({**RECORDED, "running": Running(2, recording=2)}, ("True", "Recording")),
        ({**RECORDED, "running": Running(2, recording=1)}, ("False", "RecorderNotReady")),
        ({**RECORDED, "running": Running(0)}, ("Unknown", "NoPods")),
        ({"logging": "External"}, ("Unknown", "NotObserved")),
        ({"logging": "Library"}, ("Unknown", "NotObserved")),
    ],
    ids=["all", "one of two", "no pods", "gateway", "library"],
)
def test_logging_is_healthy_where_the_recorder_of_every_pod_is_ready(
    observed: dict[str, Any], expected: tuple[str, str]
) -> None:
    """What shows in the cluster is said, and what does not is unknown."""
    found = condition_of(status(**observed), "LoggingHealthy")
    assert (found["status"], found["reason"]) == expected


@pytest.mark.parametrize("logging", [None, "None"], ids=["unstated", "mode None"])
def test_a_model_without_a_log_has_no_condition_of_one(logging: str | None) -> None:
    """Its status is what it was before there were logs."""
    assert status(logging=logging) == status()
    assert "logging" not in status(logging=logging)


def test_a_status_says_which_recorder_runs_and_whether_it_can_be_passed() -> None:
    """Without a NetworkPolicy the model's own port is open, which is said and not hidden."""
    made = status(logging="Recorder", recorder="r:1", model_port="open", running=Running(2, recording=1))
    assert made["logging"] == {"mode": "Recorder", "recorder": "r:1", "recording": 1, "modelPort": "open"}


@pytest.mark.parametrize(
    ("statuses", "records"),
    [
        ([{"name": "actgate-recorder", "ready": True}], True),
        ([{"name": "actgate-recorder", "ready": False}], False),
        ([{"name": "other", "ready": True}], False),
        (None, False),
    ],
)
def test_a_pod_records_while_its_recorder_is_ready(statuses: Any, records: bool) -> None:  # noqa: ANN401
    """By the kubelet's word on the sidecar."""
    pod = {"metadata": {"name": "p"}, "status": {"phase": "Running", "initContainerStatuses": statuses}}
    assert read_pod(pod).records is records


def test_what_went_with_a_pod_stays_in_the_status_and_is_an_event() -> None:
    """By the recorder's last word; the pod itself is gone a moment later. The latest sixteen are listed."""

    def ended(message: object, **state: Any) -> dict[str, Any]:  # noqa: ANN401 - of a container
        kubelet = {"name": "actgate-recorder", "state": {"terminated": {"message": message}}, **state}
        return {"metadata": {"name": "p"}, "status": {"phase": "Failed", "initContainerStatuses": [kubelet]}}

    word = '{"unshipped":{"records":7,"segments":2}}'
    assert running({"p": read_pod(ended(word))}).unshipped == (("p", 7),)
    for message in (
        None,
        "",
        "OOM",
        "[]",
        '{"unshipped":{"records":-1}}',
        '{"unshipped":{"records":true}}',
        7,
    ):
        assert running({"p": read_pod(ended(message))}).unshipped == (), message
    again = ended(None, state={"running": {}}, lastState={"terminated": {"message": word}})
    assert running({"p": read_pod(again)}).unshipped == (), "it runs again, and uploads it"

    first = status(**RECORDED, running=Running(1, unshipped=(("p", 7),)))
    listed = {"pod": "p", "records": 7, "observedAt": "2026-11-27T09:00:00Z"}
    assert first["logging"]["notUploaded"] == [listed]
    (note,) = [note for note in transitions(status(**RECORDED), first) if note.reason == "LogNotUploaded"]
    assert note.message == "pod p ended with 7 records of its log not uploaded"
    second = status(first, LATER, **RECORDED, running=Running(1))
    assert second["logging"]["notUploaded"] == [listed]
    assert [note for note in transitions(first, second) if note.reason == "LogNotUploaded"] == []
    for number in range(20):
        second = status(second, LATER, **RECORDED, running=Running(1, unshipped=((f"p{number}", 1),)))
    assert [item["pod"] for item in second["logging"]["notUploaded"]] == [
        f"p{number}" for number in range(4, 20)
    ]


def test_a_stop_is_recorded_with_the_moment_at_which_it_was_observed_first() -> None:
    """Art. 14(4)(e): with a reason or without; a later pass changes nothing of it, and a resume ends it."""
    first = status(rolled=GONE, suspended=True, stop=Stop())
    assert first["stop"] == {"observedAt": "2026-11-27T09:00:00Z"}
    second = status(first, LATER, rolled=GONE, suspended=True, stop=Stop("anna", "drift"))
    assert second["stop"] == {"observedAt": "2026-11-27T09:00:00Z", "by": "anna", "reason": "drift"}
    assert "stop" not in status(second, LATER)


def test_the_event_of_a_stop_says_who_and_why_where_that_is_stated() -> None:
    """Both are claims, and are called so."""
    made = status(rolled=GONE, suspended=True, stop=Stop("anna", "drift"))
    (note,) = [note for note in transitions(status(), made) if note.reason == "Suspended"]
    assert "stopped by anna, as its annotation says; reason: drift" in note.message
    bare = status(rolled=GONE, suspended=True, stop=Stop())
    assert [note.reason for note in transitions(status(), bare)] == ["Suspended"]


def test_a_stop_is_read_whatever_its_annotations_are() -> None:
    """No annotation is needed, and a long one is cut to what a status holds."""
    stopped = model("scorer")
    assert stop_of(stopped) is None
    stopped["spec"]["suspend"] = True
    assert stop_of(stopped) == Stop()
    long = {STOPPED_BY_ANNOTATION: "a" * 999, STOP_REASON_ANNOTATION: "b" * 9999}
    stopped["metadata"]["annotations"] = long
    found = stop_of(stopped)
    assert found is not None
    assert (len(found.by), len(found.reason)) == (253, 1024)
