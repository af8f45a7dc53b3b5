"""From what was observed to conditions: one function each, so that each says one thing."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from actgate.api.inference_log import LogMode
from actgate.decision import Outcome
from actgate.decision.rules import assurance, attestation, contradiction, link
from actgate.decision.rules import evidence as evidence_rules
from actgate.decision.verdict import refusal
from actgate_operator.rollout import COMPLETE
from actgate_operator.status.observation import Judgement, Observation, Stop

EVIDENCE_ACCEPTED: Final = "EvidenceAccepted"
WORKLOAD_AVAILABLE: Final = "WorkloadAvailable"
READY: Final = "Ready"
SCALING_ACTIVE: Final = "ScalingActive"
LOGGING_HEALTHY: Final = "LoggingHealthy"
RECONCILING: Final = "Reconciling"
STALLED: Final = "Stalled"

MANIFEST_NOT_FOUND: Final = "ManifestNotFound"
ROLLING_OUT: Final = "RollingOut"
SUSPENDED: Final = "Suspended"
SCALED_TO_ZERO: Final = "ScaledToZero"
FAILED_CREATE: Final = "FailedCreate"

REFERENCE: Final = "see "
"""What stands before the type of the condition that has the whole text."""

_LONGEST: Final = 4096


class Condition(NamedTuple):
    """A condition without its times."""

    type: str
    status: str
    """True, False or Unknown."""
    reason: str
    message: str


def conditions(observed: Observation) -> list[Condition]:
    """Return every condition that holds; Reconciling and Stalled only while True."""
    evidence, workload = evidence_accepted(observed), workload_available(observed)
    found = [evidence, workload]
    if observed.autoscaled:
        found.append(scaling_active(observed))
    if observed.logging not in (None, LogMode.NONE.value):
        found.append(logging_healthy(observed))
    if (stuck := stalled(observed, evidence, workload)) is not None:
        found.append(stuck)
    elif (busy := reconciling(observed, evidence, workload)) is not None:
        found.append(busy)
    *others, summary = _once([*found, ready(observed, evidence, workload)])
    return [*others[:2], summary, *others[2:]]


def _once(found: list[Condition]) -> Iterator[Condition]:
    """Say each text in one condition alone, the first that has it; the others refer to that one."""
    homes: dict[str, str] = {}
    for condition in found:
        home = homes.setdefault(condition.message, condition.type)
        yield condition if home == condition.type else condition._replace(message=f"{REFERENCE}{home}")


def evidence_accepted(observed: Observation) -> Condition:
    """Say whether the model may run."""
    if observed.judgement is None:
        reason, why = _obstacle(observed)
        return Condition(EVIDENCE_ACCEPTED, "Unknown", reason, why)
    verdict = observed.judgement.verdict
    if verdict.allowed:
        noted = len(verdict.findings)
        advice = f"; findings that do not deny: {noted}" if verdict.outcome is Outcome.WARN else ""
        message = f"ComplianceManifest {observed.judgement.manifest_name} is accepted{advice}"
        return Condition(EVIDENCE_ACCEPTED, "True", "Accepted", message)
    return Condition(EVIDENCE_ACCEPTED, "False", _rejection(observed.judgement), _cut(refusal(verdict)))


def _rejection(judgement: Judgement) -> str:
    """Return the reason of a refusal, the one that is most to the point."""
    rules = set(judgement.verdict.failed_rules)
    if judgement.manifest is None and link.MANIFEST.id in rules:
        return MANIFEST_NOT_FOUND
    if rules <= {evidence_rules.EXPIRED.id, evidence_rules.AGE.id}:
        return "EvidenceExpired"
    if contradiction.WITHDRAWN.id in rules:
        return "EvidenceWithdrawn"
    if rules <= _OF_SIGNERS and rules != {assurance.LEVEL.id}:
        return "EvidenceNotTrusted"
    return "EvidenceRejected"


_OF_SIGNERS: Final = {rule.id for rule in (*attestation.RULES, assurance.LEVEL)}
"""What is out of order where the right party has not signed. A level alone may lack counts as well."""


def workload_available(observed: Observation) -> Condition:
    """Say whether enough pods serve, and run what they should, whatever the evidence says."""
    rollout, unexpected = observed.rollout, observed.running.unexpected
    if rollout is None:
        if observed.judgement is not None and not observed.judgement.verdict.allowed:
            why = "no workload is created before the evidence is accepted"
            return _unavailable("EvidenceNotAccepted", _beside(why, observed))
        return _unavailable(*_obstacle(observed))
    if observed.violated:
        return _unavailable(SCALED_TO_ZERO, _beside("the evidence does not hold", observed))
    if observed.suspended:
        return _unavailable(SUSPENDED, _beside(_stopped(observed.stop), observed))
    if _is_withheld(observed):
        return _unavailable(
            "EvidenceNotAccepted", _beside("no pods are started while the evidence does not hold", observed)
        )
    served = f"{rollout.served} of {rollout.wanted} pods are ready"
    if unexpected is not None:
        return _unavailable(unexpected.reason, f"{served}; {unexpected.message}")
    if observed.running.ephemeral is not None:
        served = f"{served}; {observed.running.ephemeral}"
    if rollout.available:
        return Condition(WORKLOAD_AVAILABLE, "True", "MinimumReplicasAvailable", served)
    if rollout.failure is not None:
        return _unavailable(FAILED_CREATE, rollout.failure)
    if observed.problem is not None:
        return _unavailable(observed.problem.reason, observed.problem.message)
    if rollout.overdue:
        return _unavailable(rollout.progress or ROLLING_OUT, rollout.progress_message)
    if _is_under_way(observed):
        return _unavailable(ROLLING_OUT, served)
    return _unavailable("MinimumReplicasUnavailable", served)


def scaling_active(observed: Observation) -> Condition:
    """Say whether the autoscaler can do its work."""
    if observed.scaling is not None:
        return Condition(
            SCALING_ACTIVE,
            "False",
            observed.scaling.reason,
            f"HorizontalPodAutoscaler: {observed.scaling.message}",
        )
    return Condition(
        SCALING_ACTIVE, "True", "Autoscaled", "the HorizontalPodAutoscaler sets the number of replicas"
    )


def logging_healthy(observed: Observation) -> Condition:
    """Say whether the use of the model is recorded, as far as that shows in the cluster."""
    if observed.logging != LogMode.RECORDER.value:
        why = f"mode {observed.logging}: nothing in the cluster shows whether the log is written"
        return Condition(LOGGING_HEALTHY, "Unknown", "NotObserved", why)
    if observed.recorder is None:
        reason, why = _obstacle(observed)
        return Condition(LOGGING_HEALTHY, "Unknown", reason, why)
    there, recording = observed.running.serving, observed.running.recording
    if there == 0:
        return Condition(LOGGING_HEALTHY, "Unknown", "NoPods", "no pods run, and nothing is recorded")
    words = f"the recorders of {recording} of {there} pods are ready"
    if recording < there:
        return Condition(LOGGING_HEALTHY, "False", "RecorderNotReady", words)
    return Condition(LOGGING_HEALTHY, "True", "Recording", words)


def ready(observed: Observation, evidence: Condition, workload: Condition) -> Condition:
    """Sum up: the evidence is accepted, and the pods that serve match the spec."""
    if evidence.status != "True":
        return evidence._replace(type=READY)
    if observed.obstacle is not None:
        return Condition(READY, "False", observed.obstacle.reason, observed.obstacle.message)
    if workload.status != "True":
        return workload._replace(type=READY)
    rollout = observed.rollout
    if rollout is not None and not rollout.complete:
        if rollout.overdue:
            return Condition(READY, "False", rollout.progress or ROLLING_OUT, rollout.progress_message)
        if observed.problem is not None:
            return Condition(READY, "False", observed.problem.reason, observed.problem.message)
        return Condition(
            READY, "False", ROLLING_OUT, "pods of the previous spec serve until the new ones are ready"
        )
    if (held_up := _held_up(observed)) is not None:
        return Condition(READY, "False", FAILED_CREATE, held_up)
    return Condition(
        READY, "True", "Available", "the evidence is accepted, and the pods that serve match the spec"
    )


def stalled(observed: Observation, evidence: Condition, workload: Condition) -> Condition | None:
    """Say what only a person can fix."""
    if observed.obstacle is not None and observed.obstacle.permanent:
        return Condition(STALLED, "True", observed.obstacle.reason, observed.obstacle.message)
    if evidence.status == "False" and evidence.reason != MANIFEST_NOT_FOUND:
        return Condition(STALLED, "True", evidence.reason, evidence.message)
    unexpected = observed.running.unexpected
    if unexpected is not None and unexpected.permanent:
        return Condition(STALLED, "True", unexpected.reason, workload.message)
    rollout = observed.rollout
    if rollout is not None and rollout.overdue and not (observed.suspended or observed.violated):
        cause = observed.problem.message if observed.problem is not None else rollout.progress_message
        return Condition(STALLED, "True", rollout.progress or ROLLING_OUT, cause)
    return None


def reconciling(observed: Observation, evidence: Condition, workload: Condition) -> Condition | None:
    """Say what is still under way."""
    if observed.obstacle is not None:
        return Condition(RECONCILING, "True", observed.obstacle.reason, observed.obstacle.message)
    if evidence.reason == MANIFEST_NOT_FOUND:
        return Condition(RECONCILING, "True", MANIFEST_NOT_FOUND, "waiting for the ComplianceManifest")
    if observed.running.unexpected is not None or (observed.rollout is not None and _is_under_way(observed)):
        if workload.status != "True":
            return Condition(RECONCILING, "True", workload.reason, workload.message)
        return Condition(
            RECONCILING, "True", ROLLING_OUT, "pods of the previous spec serve until the new ones are ready"
        )
    if (held_up := _held_up(observed)) is not None:
        return Condition(RECONCILING, "True", FAILED_CREATE, held_up)
    return None


def _held_up(observed: Observation) -> str | None:
    """Return why fewer pods are there than the spec wants, though enough of them serve: a quota, say."""
    rollout = observed.rollout
    if rollout is None or observed.suspended or observed.violated or rollout.replicas >= rollout.wanted:
        return None
    return rollout.failure


def _is_withheld(observed: Observation) -> bool:
    """Return whether nothing runs, and nothing may."""
    return observed.held == 0 and observed.rollout is not None and observed.rollout.replicas == 0


def _is_under_way(observed: Observation) -> bool:
    """Return whether the Deployment is on its way to what was applied last."""
    rollout = observed.rollout
    if rollout is None:
        return False
    if observed.suspended or observed.violated:
        return not rollout.current or _left(observed) > 0
    return observed.growing or not (rollout.current and rollout.progress == COMPLETE)


def _unavailable(reason: str, message: str) -> Condition:
    return Condition(WORKLOAD_AVAILABLE, "False", reason, message)


def _stopped(stop: Stop | None) -> str:
    """Say that a model is suspended, and by whom and why, where that is stated; both are claims."""
    stated = [
        *([f"stopped by {stop.by}, as its annotation says"] if stop and stop.by else []),
        *([f"reason: {stop.reason}"] if stop and stop.reason else []),
    ]
    return "; ".join(["spec.suspend is true", *stated])


def _beside(why: str, observed: Observation) -> str:
    """Return why no pods shall run, and which run all the same."""
    words, left, terminating = why, _left(observed), observed.running.terminating
    if left == 0 and observed.rollout is not None:
        words = f"{why}; no pods are left"
    elif left and left == terminating:
        words = f"{why}; {_pods(left)} terminating"
    elif left:
        words = f"{why}; {_pods(left)} left"
    unexpected = observed.running.unexpected
    return words if unexpected is None else f"{words}; {unexpected.message}"


def _pods(count: int) -> str:
    return "1 pod is" if count == 1 else f"{count} pods are"


def _left(observed: Observation) -> int:
    """Return how many pods are there, terminating ones included, which no Deployment counts."""
    counted = observed.rollout.replicas if observed.rollout is not None else 0
    return max(counted, observed.running.serving + observed.running.terminating)


def _obstacle(observed: Observation) -> tuple[str, str]:
    if observed.obstacle is None:
        return ROLLING_OUT, "the Deployment has just been applied"
    return observed.obstacle.reason, observed.obstacle.message


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
