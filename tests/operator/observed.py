"""What one reconcile may see of a model: the states that a status has to report, and what it says of each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from actgate.decision.manifest import Oversight
from actgate_operator.pod_records import Running, Unexpected
from actgate_operator.pods import Problem
from actgate_operator.rollout import COMPLETE, OVERDUE, Rollout
from actgate_operator.status import Judgement, Observation, Obstacle
from tests.decision.build import ASKING, PASSING, judge, manifest, policy
from tests.support.kstatus import Verdict

CURRENT, IN_PROGRESS, FAILED = Verdict.CURRENT, Verdict.IN_PROGRESS, Verdict.FAILED

NAME: Final = PASSING.name
STORED: Final = manifest(uid="uid-1")
EXPIRED: Final = manifest(uid="uid-1", not_after=datetime(2026, 11, 20, tzinfo=UTC))
UNWATCHED: Final = manifest(uid="uid-1", oversight=Oversight(enabled=False))

HOLDS: Final = Judgement(judge(STORED), NAME, STORED)
ADVISED: Final = Judgement(judge(UNWATCHED, ASKING, policy(enforcement="Warn")), NAME, UNWATCHED)
REJECTED: Final = Judgement(judge(UNWATCHED), NAME, UNWATCHED)
OUTDATED: Final = Judgement(judge(EXPIRED), NAME, EXPIRED)
WITHDRAWN: Final = Judgement(
    judge(STORED, ASKING, policy(evidence={"withdrawn": [STORED.digest]})), NAME, STORED
)
WITHDRAWN_UNWATCHED: Final = Judgement(
    judge(UNWATCHED, ASKING, policy(evidence={"withdrawn": [UNWATCHED.digest]})), NAME, UNWATCHED
)
_ASKED: Final = [{"predicateType": "https://example.com/audit", "authorities": ["model-risk"]}]
UNSIGNED: Final = Judgement(judge(STORED, ASKING, policy(evidence={"require": _ASKED})), NAME, STORED)
UNSIGNED_UNWATCHED: Final = Judgement(
    judge(UNWATCHED, ASKING, policy(evidence={"require": _ASKED})), NAME, UNWATCHED
)
NOT_RECOMPUTABLE: Final = Judgement(
    judge(STORED, ASKING, policy(evidence={"level": {"HighRisk": "Recomputable"}})), NAME, STORED
)
MISSING: Final = Judgement(judge(None), NAME, None)

CRASHING: Final = Problem("CrashLoopBackOff", "pod scorer-1, container server: back-off 40s")
URL: Final = "http://scorer.credit.svc:8080"


def rollout(**changes: Any) -> Rollout:  # noqa: ANN401 - fields of a Rollout
    """Return a rollout that is over, with other values for some fields."""
    over: dict[str, Any] = {
        "current": True, "available": True, "progress": COMPLETE, "progress_message": "has progressed",
        "failure": None, "replicas": 2, "ready": 2, "wanted": 2, "updated": 2,
    }  # fmt: skip
    return Rollout(**over | changes)


def seen(judgement: Judgement | None = HOLDS, rolled: Rollout | None = None, **more: Any) -> Observation:  # noqa: ANN401
    """Return an observation of generation 3."""
    return Observation(3, judgement, rollout=rolled, url=URL, selector="app=scorer", **more)


NEW: Final = rollout(current=False, available=None, progress=None, replicas=0, ready=0)
STARTING: Final = rollout(available=False, progress="ReplicaSetUpdated", ready=0)
DOWN: Final = rollout(available=False, ready=0)
UPDATING: Final = rollout(progress="ReplicaSetUpdated")
LATE: Final = rollout(available=False, progress=OVERDUE, progress_message="has timed out", ready=0)
STUCK: Final = rollout(progress=OVERDUE, progress_message="has timed out")
GONE: Final = rollout(replicas=0, ready=0, wanted=0, updated=0)
ENDING: Final = Running(terminating=2)
EDITED: Final = Running(
    2, unexpected=Unexpected("UnexpectedImage", "pod scorer-1 runs evil:1", permanent=False)
)
PLANTED: Final = Running(3, unexpected=Unexpected("UnexpectedPod", "pod evil is not ours", permanent=True))
NO_METRICS: Final = Problem("FailedGetResourceMetric", "missing request for cpu")
NO_QUOTA: Final = rollout(
    available=False, progress="ReplicaSetUpdated", failure="exceeded quota", replicas=0, ready=0
)
INVALID: Final = Obstacle("InvalidSpec", "spec.server: field required", permanent=True)
REFUSED: Final = Obstacle("Refused", "Deployment: tolerations[0]: bad", permanent=True)
BUSY: Final = Obstacle("Retrying", "the API server did not answer", permanent=False)
CONTESTED: Final = Obstacle("RepeatedDrift", "kubectl-edit changed spec.paused", permanent=False)


class State(NamedTuple):
    """One state of a model: what was seen, each condition as ``Status Reason``, and what kstatus says."""

    seen: Observation
    evidence: str
    workload: str
    ready: str
    reconciling: str | None
    stalled: str | None
    verdict: Verdict


FINE = "True Accepted"
BAD = "False EvidenceRejected"
OLD = "False EvidenceExpired"
NONE = "False ManifestNotFound"
NO_MORE = "False EvidenceWithdrawn"
FOREIGN = "False EvidenceNotTrusted"
UP = "True MinimumReplicasAvailable"
UNWANTED = "False EvidenceNotAccepted"

STATES: Final[dict[str, State]] = {
    "ready": State(seen(rolled=rollout()), FINE, UP, "True Available", None, None, CURRENT),
    "ready with findings": State(
        seen(ADVISED, rollout()), FINE, UP, "True Available", None, None, CURRENT
    ),
    "ready without pods": State(seen(rolled=GONE), FINE, UP, "True Available", None, None, CURRENT),
    "just applied": State(
        seen(rolled=NEW), FINE, "False RollingOut", "False RollingOut", "RollingOut", None, IN_PROGRESS
    ),
    "pods start": State(
        seen(rolled=STARTING), FINE, "False RollingOut", "False RollingOut", "RollingOut", None, IN_PROGRESS
    ),
    "pods crash at first": State(
        seen(rolled=STARTING, problem=CRASHING),
        FINE, "False CrashLoopBackOff", "False CrashLoopBackOff", "CrashLoopBackOff", None, IN_PROGRESS,
    ),
    "pods crash later": State(
        seen(rolled=DOWN, problem=CRASHING),
        FINE, "False CrashLoopBackOff", "False CrashLoopBackOff", None, None, IN_PROGRESS,
    ),
    "pods are missing": State(
        seen(rolled=DOWN),
        FINE, "False MinimumReplicasUnavailable", "False MinimumReplicasUnavailable", None, None, IN_PROGRESS,
    ),
    "pods are added": State(
        seen(rolled=rollout(available=False, wanted=3), growing=True),
        FINE, "False RollingOut", "False RollingOut", "RollingOut", None, IN_PROGRESS,
    ),
    "an added pod crashes": State(
        seen(rolled=rollout(available=False, wanted=3), growing=True, problem=CRASHING),
        FINE, "False CrashLoopBackOff", "False CrashLoopBackOff", "CrashLoopBackOff", None, IN_PROGRESS,
    ),
    "a pod was edited": State(
        seen(rolled=rollout(), running=EDITED),
        FINE, "False UnexpectedImage", "False UnexpectedImage", "UnexpectedImage", None, IN_PROGRESS,
    ),
    "a pod was planted": State(
        seen(rolled=rollout(), running=PLANTED),
        FINE, "False UnexpectedPod", "False UnexpectedPod", None, "UnexpectedPod", FAILED,
    ),
    "planted without evidence": State(
        seen(MISSING, running=PLANTED), NONE, UNWANTED, NONE, None, "UnexpectedPod", FAILED
    ),
    "planted beside a rejected one": State(
        seen(REJECTED, rollout(), running=PLANTED),
        BAD, "False UnexpectedPod", BAD, None, "EvidenceRejected", FAILED,
    ),
    "planted while suspended": State(
        seen(rolled=GONE, suspended=True, running=PLANTED),
        FINE, "False Suspended", "False Suspended", None, "UnexpectedPod", FAILED,
    ),
    "autoscaled": State(
        seen(rolled=rollout(), autoscaled=True), FINE, UP, "True Available", None, None, CURRENT
    ),
    "autoscaled without metrics": State(
        seen(rolled=rollout(), autoscaled=True, scaling=NO_METRICS),
        FINE, UP, "True Available", None, None, CURRENT,
    ),
    "pods cannot be created": State(
        seen(rolled=NO_QUOTA),
        FINE, "False FailedCreate", "False FailedCreate", "FailedCreate", None, IN_PROGRESS,
    ),
    "a new spec rolls out": State(
        seen(rolled=UPDATING), FINE, UP, "False RollingOut", "RollingOut", None, IN_PROGRESS
    ),
    "a new spec is unseen": State(
        seen(rolled=rollout(current=False)), FINE, UP, "False RollingOut", "RollingOut", None, IN_PROGRESS
    ),
    "a new spec crashes": State(
        seen(rolled=UPDATING, problem=CRASHING),
        FINE, UP, "False CrashLoopBackOff", "RollingOut", None, IN_PROGRESS,
    ),
    "overdue": State(
        seen(rolled=LATE),
        FINE, f"False {OVERDUE}", f"False {OVERDUE}", None, OVERDUE, FAILED,
    ),
    "overdue and crashing": State(
        seen(rolled=LATE, problem=CRASHING),
        FINE, "False CrashLoopBackOff", "False CrashLoopBackOff", None, OVERDUE, FAILED,
    ),
    "a new spec is overdue": State(
        seen(rolled=STUCK), FINE, UP, f"False {OVERDUE}", None, OVERDUE, FAILED
    ),
    "no manifest": State(
        seen(MISSING), NONE, UNWANTED, NONE, "ManifestNotFound", None, IN_PROGRESS
    ),
    "rejected": State(seen(REJECTED), BAD, UNWANTED, BAD, None, "EvidenceRejected", FAILED),
    "withdrawn by a policy": State(
        seen(WITHDRAWN), NO_MORE, UNWANTED, NO_MORE, None, "EvidenceWithdrawn", FAILED
    ),
    "withdrawn by a policy and kept": State(
        seen(WITHDRAWN, rollout()), NO_MORE, UP, NO_MORE, None, "EvidenceWithdrawn", FAILED
    ),
    "withdrawn by a policy, and more": State(
        seen(WITHDRAWN_UNWATCHED), NO_MORE, UNWANTED, NO_MORE, None, "EvidenceWithdrawn", FAILED
    ),
    "not signed": State(seen(UNSIGNED), FOREIGN, UNWANTED, FOREIGN, None, "EvidenceNotTrusted", FAILED),
    "not signed and kept": State(
        seen(UNSIGNED, rollout()), FOREIGN, UP, FOREIGN, None, "EvidenceNotTrusted", FAILED
    ),
    "not signed, scaled to zero": State(
        seen(UNSIGNED, GONE, violated=True),
        FOREIGN, "False ScaledToZero", FOREIGN, None, "EvidenceNotTrusted", FAILED,
    ),
    "not signed, and more": State(
        seen(UNSIGNED_UNWATCHED), BAD, UNWANTED, BAD, None, "EvidenceRejected", FAILED
    ),
    "without counts": State(seen(NOT_RECOMPUTABLE), BAD, UNWANTED, BAD, None, "EvidenceRejected", FAILED),
    "expired": State(seen(OUTDATED), OLD, UNWANTED, OLD, None, "EvidenceExpired", FAILED),
    "expired and kept": State(seen(OUTDATED, rollout()), OLD, UP, OLD, None, "EvidenceExpired", FAILED),
    "withdrawn and kept": State(
        seen(MISSING, rollout()), NONE, UP, NONE, "ManifestNotFound", None, IN_PROGRESS
    ),
    "expired, scaling to zero": State(
        seen(OUTDATED, rollout(), violated=True),
        OLD, "False ScaledToZero", OLD, None, "EvidenceExpired", FAILED,
    ),
    "expired, scaled to zero": State(
        seen(OUTDATED, GONE, violated=True),
        OLD, "False ScaledToZero", OLD, None, "EvidenceExpired", FAILED,
    ),
    "withdrawn, nothing runs and nothing may": State(
        seen(MISSING, GONE, held=0), NONE, UNWANTED, NONE, "ManifestNotFound", None, IN_PROGRESS
    ),
    "withdrawn while pods crash": State(
        seen(MISSING, DOWN, problem=CRASHING, held=2),
        NONE, "False CrashLoopBackOff", NONE, "ManifestNotFound", None, IN_PROGRESS,
    ),
    "contested": State(
        seen(rolled=rollout(), obstacle=CONTESTED),
        FINE, UP, "False RepeatedDrift", "RepeatedDrift", None, IN_PROGRESS,
    ),
    "suspending": State(
        seen(rolled=rollout(), suspended=True),
        FINE, "False Suspended", "False Suspended", "Suspended", None, IN_PROGRESS,
    ),
    "suspended": State(
        seen(rolled=GONE, suspended=True), FINE, "False Suspended", "False Suspended", None, None, IN_PROGRESS
    ),
    "suspended, pods end": State(
        seen(rolled=GONE, suspended=True, running=ENDING),
        FINE, "False Suspended", "False Suspended", "Suspended", None, IN_PROGRESS,
    ),
    "suspended after it was overdue": State(
        seen(rolled=rollout(progress=OVERDUE, replicas=0, ready=0, wanted=0), suspended=True),
        FINE, "False Suspended", "False Suspended", None, None, IN_PROGRESS,
    ),
    "malformed": State(
        seen(None, obstacle=INVALID),
        "Unknown InvalidSpec", "False InvalidSpec", "Unknown InvalidSpec", None, "InvalidSpec", FAILED,
    ),
    "refused at first": State(
        seen(obstacle=REFUSED), FINE, "False Refused", "False Refused", None, "Refused", FAILED
    ),
    "refused later": State(
        seen(rolled=rollout(), obstacle=REFUSED), FINE, UP, "False Refused", None, "Refused", FAILED
    ),
    "the API server is busy": State(
        seen(rolled=rollout(), obstacle=BUSY), FINE, UP, "False Retrying", "Retrying", None, IN_PROGRESS
    ),
    "the API server is busy at first": State(
        seen(obstacle=BUSY), FINE, "False Retrying", "False Retrying", "Retrying", None, IN_PROGRESS
    ),
}  # fmt: skip
