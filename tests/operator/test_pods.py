"""Why a pod does not serve, from statuses as the kubelet and the scheduler write them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from actgate.api.model_deployment import Condition
from actgate_operator.pods import Problem, problem_of, worst_problem

Json = dict[str, Any]

NO_NODE = (
    "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 nodes are "
    "available: 3 Preemption is not helpful for scheduling."
)
REASON = re.compile(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?")


def pod(phase: str = "Running", name: str = "scorer-1", **status: Any) -> Json:  # noqa: ANN401 - any field
    """Return a pod with a status."""
    return {"metadata": {"name": name}, "status": {"phase": phase, **status}}


def container(state: Json, last: Json | None = None, *, ready: bool = False, name: str = "server") -> Json:
    """Return the status of a container."""
    return {"name": name, "state": state, "lastState": last or {}, "ready": ready, "restartCount": 3}


def waiting(reason: str, message: str | None = None) -> Json:
    """Return the state of a container that waits."""
    return {"waiting": {"reason": reason} | ({"message": message} if message else {})}


def ended(code: int, reason: str, message: str | None = None) -> Json:
    """Return the state of a container that ended."""
    return {"terminated": {"exitCode": code, "reason": reason} | ({"message": message} if message else {})}


def serving(*statuses: Json, phase: str = "Running") -> Json:
    """Return a pod with these containers."""
    return pod(phase, containerStatuses=list(statuses))


UNSCHEDULABLE = pod(
    "Pending",
    conditions=[
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": NO_NODE},
    ],
)
CRASHING = serving(
    container(
        waiting("CrashLoopBackOff", "back-off 40s restarting failed container=server pod=scorer-1"),
        ended(1, "Error", "no such model"),
    )
)
BACK_OFF = 'Back-off pulling image "registry.example/server:9"'


@pytest.mark.parametrize(
    ("thing", "reason", "words"),
    [
        (UNSCHEDULABLE, "Unschedulable", NO_NODE),
        (
            CRASHING,
            "CrashLoopBackOff",
            "container server: back-off 40s restarting failed container=server pod=scorer-1; "
            "last exit code 1 (Error): no such model",
        ),
        (
            serving(container(waiting("ImagePullBackOff", BACK_OFF)), phase="Pending"),
            "ImagePullBackOff",
            f"container server: {BACK_OFF}",
        ),
        (
            serving(container(waiting("CreateContainerConfigError", 'secret "credentials" not found'))),
            "CreateContainerConfigError",
            'secret "credentials" not found',
        ),
        (serving(container(waiting("RunContainerError"))), "RunContainerError", "server: RunContainerError"),
        (serving(container(ended(137, "OOMKilled"))), "OOMKilled", "last exit code 137 (OOMKilled)"),
        (
            serving(container({"running": {"startedAt": "2026-11-23T12:00:00Z"}}, ended(2, "Error"))),
            "Error",
            "last exit code 2 (Error)",
        ),
        (
            serving(container(waiting("CrashLoopBackOff", "back-off 10s"), ended(0, "Completed"))),
            "CrashLoopBackOff",
            "last exit code 0 (Completed)",
        ),
        (serving(container(ended(1, ""))), "Error", "last exit code 1"),
        (
            pod(
                "Pending",
                initContainerStatuses=[container(ended(1, "Error", "no such bucket"), name="fetch")],
                containerStatuses=[container(waiting("PodInitializing"))],
            ),
            "Error",
            "container fetch: last exit code 1 (Error): no such bucket",
        ),
        (
            pod("Failed", reason="Evicted", message="The node was low on resource: memory."),
            "Evicted",
            "The node was low on resource: memory.",
        ),
        (pod("Failed"), "Error", "the pod failed"),
        (
            pod(
                "Failed",
                reason="OutOfnvidia.com/gpu",
                message="Pod was rejected: Node didn't have enough resource: nvidia.com/gpu",
            ),
            "OutOfnvidia_com_gpu",
            "nvidia.com/gpu",
        ),
    ],
)
def test_a_pod_that_does_not_serve_says_why(thing: Json, reason: str, words: str) -> None:
    """In its own words, with the pod and the container that they are about."""
    problem = problem_of(thing)
    assert problem is not None
    assert problem.reason == reason
    assert words in problem.message
    assert problem.message.startswith("pod scorer-1")


@pytest.mark.parametrize(
    "thing",
    [
        {"metadata": {"name": "scorer-1"}},
        pod("Pending"),
        pod("Pending", conditions=[{"type": "PodScheduled", "status": "True"}]),
        serving(container(waiting("ContainerCreating")), phase="Pending"),
        pod(
            "Pending",
            initContainerStatuses=[container(ended(0, "Completed"), ready=True, name="fetch")],
            containerStatuses=[container(waiting("PodInitializing"))],
        ),
        serving(container({"running": {}})),
        serving(container({"running": {}}, ended(137, "OOMKilled"), ready=True)),
    ],
    ids=["new", "unseen", "scheduled", "creating", "initialized", "starting", "recovered"],
)
def test_a_pod_that_serves_or_starts_has_no_problem(thing: Json) -> None:
    """Only time is missing; what a container came back from is over."""
    assert problem_of(thing) is None


def test_a_pod_that_is_being_deleted_has_no_problem() -> None:
    """It is to end, and its containers end as they like."""
    going = {**CRASHING, "metadata": {"name": "scorer-1", "deletionTimestamp": "2026-11-23T12:00:00Z"}}
    assert problem_of(going) is None


def test_of_many_pods_the_one_that_says_most_is_reported() -> None:
    """A cause before its consequence: an image that is missing before pods that have no room."""
    unpulled = serving(container(waiting("ImagePullBackOff", BACK_OFF)))
    unknown = serving(container(waiting("SomethingNew", "of a new kubelet")))
    assert worst_problem([UNSCHEDULABLE, CRASHING, unpulled]) == problem_of(unpulled)
    assert worst_problem([UNSCHEDULABLE, unknown]) == problem_of(unknown)
    assert worst_problem([CRASHING, unknown]) == problem_of(CRASHING)
    assert worst_problem([pod("Pending")]) is None
    assert worst_problem([]) is None


def test_of_equal_pods_always_the_same_is_reported() -> None:
    """Whatever the order of the list, or the status would change with every reconcile."""
    pods = [pod("Failed", f"scorer-{number}", reason="Evicted") for number in range(3)]
    assert worst_problem(pods) == worst_problem(reversed(pods)) == problem_of(pods[0])


def test_of_containers_in_one_pod_the_one_that_says_most_is_reported() -> None:
    """A sidecar that crashes since the server cannot be pulled is not the cause."""
    both = serving(
        container(waiting("CrashLoopBackOff"), ended(1, "Error"), name="proxy"),
        container(waiting("ErrImagePull", "not found")),
    )
    problem = problem_of(both)
    assert problem is not None
    assert problem.reason == "ErrImagePull"


@given(st.text(), st.text())
def test_any_words_make_a_condition_that_the_api_server_takes(reason: str, message: str) -> None:
    """Whatever a kubelet or a runtime may write."""
    problem = Problem.of(reason, message)
    assert REASON.fullmatch(problem.reason)
    assert len(problem.message) <= 512
    condition = {"type": "WorkloadAvailable", "status": "False", "reason": problem.reason, "message": ""}
    TypeAdapter(Condition).validate_python({**condition, "lastTransitionTime": "2026-11-23T12:00:00Z"})


@pytest.mark.parametrize(
    "reason", ["CrashLoopBackOff", "ErrImagePull", "Error", "OOMKilled", "Evicted", "A1"]
)
def test_a_reason_that_fits_is_left_as_it_is(reason: str) -> None:
    """People search for it."""
    assert Problem.of(reason, "").reason == reason
