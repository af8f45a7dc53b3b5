"""From what was observed to conditions: one function each, so that each says one thing."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from actgate.decision import Outcome
from actgate.decision.rules import assurance, attestation, contradiction, link
from actgate.decision.rules import evidence as evidence_rules
from actgate.decision.verdict import refusal
from actgate_operator.rollout import COMPLETE
from actgate_operator.status.observation import Judgement, Observation

EVIDENCE_ACCEPTED: Final = "EvidenceAccepted"
WORKLOAD_AVAILABLE: Final = "WorkloadAvailable"
READY: Final = "Ready"
SCALING_ACTIVE: Final = "ScalingActive"
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


class Said(NamedTuple):
    """A condition without its times."""

    type: str
    status: str
    """True, False or Unknown."""
    reason: str
    message: str


def conditions(seen: Observation) -> list[Said]:
    """Return every condition that holds; Reconciling and Stalled only while True."""
    evidence, workload = evidence_accepted(seen), workload_available(seen)
    said = [evidence, workload]
    if seen.autoscaled:
        said.append(scaling_active(seen))
    if (stuck := stalled(seen, evidence, workload)) is not None:
        said.append(stuck)
    elif (busy := reconciling(seen, evidence, workload)) is not None:
        said.append(busy)
    *others, summary = _once([*said, ready(seen, evidence, workload)])
    return [*others[:2], summary, *others[2:]]


def _once(said: list[Said]) -> Iterator[Said]:
    """Say each text in one condition alone, the first that has it; the others refer to that one."""
    homes: dict[str, str] = {}
    for condition in said:
        home = homes.setdefault(condition.message, condition.type)
        yield condition if home == condition.type else condition._replace(message=f"{REFERENCE}{home}")


def evidence_accepted(seen: Observation) -> Said:
    """Say whether the model may run."""
    if seen.judgement is None:
        reason, why = _obstacle(seen)
        return Said(EVIDENCE_ACCEPTED, "Unknown", reason, why)
    verdict = seen.judgement.verdict
    if verdict.allowed:
        noted = len(verdict.findings)
        advice = f"; findings that do not deny: {noted}" if verdict.outcome is Outcome.WARN else ""
        message = f"ComplianceManifest {seen.judgement.manifest_name} is accepted{advice}"
        return Said(EVIDENCE_ACCEPTED, "True", "Accepted", message)
    return Said(EVIDENCE_ACCEPTED, "False", _rejection(seen.judgement), _cut(refusal(verdict)))


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


def workload_available(seen: Observation) -> Said:
    """Say whether enough pods serve, and run what they should, whatever the evidence says."""
    rollout, unexpected = seen.rollout, seen.running.unexpected
    if rollout is None:
        if seen.judgement is not None and not seen.judgement.verdict.allowed:
            why = "no workload is created before the evidence is accepted"
            return _unavailable("EvidenceNotAccepted", _beside(why, seen))
        return _unavailable(*_obstacle(seen))
    if seen.violated:
        return _unavailable(SCALED_TO_ZERO, _beside("the evidence does not hold", seen))
    if seen.suspended:
        return _unavailable(SUSPENDED, _beside("spec.suspend is true", seen))
    if _is_withheld(seen):
        return _unavailable(
            "EvidenceNotAccepted", _beside("no pods are started while the evidence does not hold", seen)
        )
    served = f"{rollout.served} of {rollout.wanted} pods are ready"
    if unexpected is not None:
        return _unavailable(unexpected.reason, f"{served}; {unexpected.message}")
    if seen.running.ephemeral is not None:
        served = f"{served}; {seen.running.ephemeral}"
    if rollout.available:
        return Said(WORKLOAD_AVAILABLE, "True", "MinimumReplicasAvailable", served)
    if rollout.failure is not None:
        return _unavailable(FAILED_CREATE, rollout.failure)
    if seen.trouble is not None:
        return _unavailable(seen.trouble.reason, seen.trouble.message)
    if rollout.overdue:
        return _unavailable(rollout.progress or ROLLING_OUT, rollout.progress_message)
    if _is_under_way(seen):
        return _unavailable(ROLLING_OUT, served)
    return _unavailable("MinimumReplicasUnavailable", served)


def scaling_active(seen: Observation) -> Said:
    """Say whether the autoscaler can do its work."""
    if seen.scaling is not None:
        return Said(
            SCALING_ACTIVE, "False", seen.scaling.reason, f"HorizontalPodAutoscaler: {seen.scaling.message}"
        )
    return Said(
        SCALING_ACTIVE, "True", "Autoscaled", "the HorizontalPodAutoscaler sets the number of replicas"
    )


def ready(seen: Observation, evidence: Said, workload: Said) -> Said:
    """Sum up: the evidence is accepted, and the pods that serve match the spec."""
    if evidence.status != "True":
        return evidence._replace(type=READY)
    if seen.obstacle is not None:
        return Said(READY, "False", seen.obstacle.reason, seen.obstacle.message)
    if workload.status != "True":
        return workload._replace(type=READY)
    rollout = seen.rollout
    if rollout is not None and not rollout.complete:
        if rollout.overdue:
            return Said(READY, "False", rollout.progress or ROLLING_OUT, rollout.progress_message)
        if seen.trouble is not None:
            return Said(READY, "False", seen.trouble.reason, seen.trouble.message)
        return Said(
            READY, "False", ROLLING_OUT, "pods of the previous spec serve until the new ones are ready"
        )
    if (held_up := _held_up(seen)) is not None:
        return Said(READY, "False", FAILED_CREATE, held_up)
    return Said(
        READY, "True", "Available", "the evidence is accepted, and the pods that serve match the spec"
    )


def stalled(seen: Observation, evidence: Said, workload: Said) -> Said | None:
    """Say what only a person can fix."""
    if seen.obstacle is not None and seen.obstacle.permanent:
        return Said(STALLED, "True", seen.obstacle.reason, seen.obstacle.message)
    if evidence.status == "False" and evidence.reason != MANIFEST_NOT_FOUND:
        return Said(STALLED, "True", evidence.reason, evidence.message)
    unexpected = seen.running.unexpected
    if unexpected is not None and unexpected.permanent:
        return Said(STALLED, "True", unexpected.reason, workload.message)
    rollout = seen.rollout
    if rollout is not None and rollout.overdue and not (seen.suspended or seen.violated):
        cause = seen.trouble.message if seen.trouble is not None else rollout.progress_message
        return Said(STALLED, "True", rollout.progress or ROLLING_OUT, cause)
    return None


def reconciling(seen: Observation, evidence: Said, workload: Said) -> Said | None:
    """Say what is still under way."""
    if seen.obstacle is not None:
        return Said(RECONCILING, "True", seen.obstacle.reason, seen.obstacle.message)
    if evidence.reason == MANIFEST_NOT_FOUND:
        return Said(RECONCILING, "True", MANIFEST_NOT_FOUND, "waiting for the ComplianceManifest")
    if seen.running.unexpected is not None or (seen.rollout is not None and _is_under_way(seen)):
        if workload.status != "True":
            return Said(RECONCILING, "True", workload.reason, workload.message)
        return Said(
            RECONCILING, "True", ROLLING_OUT, "pods of the previous spec serve until the new ones are ready"
        )
    if (held_up := _held_up(seen)) is not None:
        return Said(RECONCILING, "True", FAILED_CREATE, held_up)
    return None


def _held_up(seen: Observation) -> str | None:
    """Return why fewer pods are there than the spec wants, though enough of them serve: a quota, say."""
    rollout = seen.rollout
    if rollout is None or seen.suspended or seen.violated or rollout.replicas >= rollout.wanted:
        return None
    return rollout.failure


def _is_withheld(seen: Observation) -> bool:
    """Return whether nothing runs, and nothing may."""
    return seen.held == 0 and seen.rollout is not None and seen.rollout.replicas == 0


def _is_under_way(seen: Observation) -> bool:
    """Return whether the Deployment is on its way to what was applied last."""
    rollout = seen.rollout
    if rollout is None:
        return False
    if seen.suspended or seen.violated:
        return not rollout.current or _left(seen) > 0
    return seen.growing or not (rollout.current and rollout.progress == COMPLETE)


def _unavailable(reason: str, message: str) -> Said:
    return Said(WORKLOAD_AVAILABLE, "False", reason, message)


def _beside(why: str, seen: Observation) -> str:
    """Return why no pods shall run, and which run all the same."""
    words, left, terminating = why, _left(seen), seen.running.terminating
    if left == 0 and seen.rollout is not None:
        words = f"{why}; no pods are left"
    elif left and left == terminating:
        words = f"{why}; {_pods(left)} terminating"
    elif left:
        words = f"{why}; {_pods(left)} left"
    unexpected = seen.running.unexpected
    return words if unexpected is None else f"{words}; {unexpected.message}"


def _pods(count: int) -> str:
    return "1 pod is" if count == 1 else f"{count} pods are"


def _left(seen: Observation) -> int:
    """Return how many pods are there, terminating ones included, which no Deployment counts."""
    counted = seen.rollout.replicas if seen.rollout is not None else 0
    return max(counted, seen.running.serving + seen.running.terminating)


def _obstacle(seen: Observation) -> tuple[str, str]:
    if seen.obstacle is None:
        return ROLLING_OUT, "the Deployment has just been applied"
    return seen.obstacle.reason, seen.obstacle.message


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
