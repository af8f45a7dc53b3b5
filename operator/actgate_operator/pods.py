"""Why a pod does not serve, in the pod's own words."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Self

from actgate.kube.objects import Object

_SEVERITY: Final = (
    "CreateContainerConfigError",
    "InvalidImageName",
    "ImagePullBackOff",
    "ErrImagePull",
    "CrashLoopBackOff",
    "OOMKilled",
    "Error",
    "Unschedulable",
)
"""What says most about a cause comes first; anything else comes before the last one."""

_ON_ITS_WAY: Final = frozenset({"ContainerCreating", "PodInitializing", "Completed"})
"""Reasons for which a healthy container waits or ended."""

_LONGEST: Final = 512
_NO_REASON: Final = re.compile(r"\A[^A-Za-z]+|[^A-Za-z0-9]+\Z|[^A-Za-z0-9_,:]")
"""What no reason of a condition may hold; kubelets write ``OutOfnvidia.com/gpu``."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a pod does not serve."""

    reason: str
    """As the kubelet or the scheduler wrote it, in characters that a condition's reason may have."""
    message: str

    @classmethod
    def of(cls, reason: str, message: str) -> Self:
        """Return what was reported of a pod, fit for a condition."""
        cut = message if len(message) <= _LONGEST else f"{message[: _LONGEST - 3]}..."
        return cls(_NO_REASON.sub("_", reason[:_LONGEST]).strip("_") or "Error", cut)


def worst_problem(pods: Iterable[Object]) -> Problem | None:
    """Return what most likely keeps pods from serving; None where nothing does but time."""
    problems = [problem for pod in pods if (problem := problem_of(pod)) is not None]
    return min(problems, key=_rank, default=None)


def problem_of(pod: Object) -> Problem | None:
    """Return why a pod does not serve; None for one that serves, starts, or is being deleted."""
    if pod["metadata"].get("deletionTimestamp"):
        return None
    return min(_problems(pod), key=_rank, default=None)


def _problems(pod: Object) -> Iterator[Problem]:
    name, status = pod["metadata"].get("name", ""), pod.get("status") or {}
    for field in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(field) or ():
            if (problem := _of_container(name, container)) is not None:
                yield problem
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            reason = condition.get("reason") or "Unschedulable"
            yield Problem.of(reason, f"pod {name}: {condition.get('message') or 'no node was found'}")
    if status.get("phase") == "Failed":
        reason = status.get("reason") or "Error"
        yield Problem.of(reason, f"pod {name}: {status.get('message') or 'the pod failed'}")


def _of_container(pod: str, container: Object) -> Problem | None:
    state, last = container.get("state") or {}, container.get("lastState") or {}
    where = f"pod {pod}, container {container.get('name', '')}"
    waiting, ended = state.get("waiting") or {}, state.get("terminated") or last.get("terminated") or {}
    reason = waiting.get("reason")
    if reason and reason not in _ON_ITS_WAY:
        return Problem.of(reason, f"{where}: {_said(waiting, ended)}")
    if ended.get("exitCode") and not container.get("ready"):
        return Problem.of(ended.get("reason") or "Error", f"{where}: last {_exit(ended)}")
    return None


def _said(waiting: Object, ended: Object) -> str:
    words = [waiting.get("message") or waiting["reason"]]
    if ended:
        words.append(f"last {_exit(ended)}")
    return "; ".join(words)


def _exit(ended: Object) -> str:
    text = f"exit code {ended.get('exitCode')}"
    if ended.get("reason"):
        text += f" ({ended['reason']})"
    if ended.get("message"):
        text += f": {ended['message']}"
    return text


def _rank(problem: Problem) -> tuple[float, str]:
    known = _SEVERITY.index(problem.reason) if problem.reason in _SEVERITY else len(_SEVERITY) - 1.5
    return known, problem.message
