"""The verdict on one model, and what follows from it for a workload that runs."""

from dataclasses import dataclass

from actgate.api.compliance_policy import OnViolation
from actgate.kube.client import REQUEST_SECONDS
from actgate.kube.objects import Object
from actgate.lookup.judge import SubjectJudge
from actgate.subjects.workload import subject_of
from actgate_operator.status import Evidence


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict, and what follows from it for a workload that runs."""

    evidence: Evidence
    scale_to_zero: bool
    """Whether the evidence does not hold and a policy wants nothing to run then."""

    @property
    def accepted(self) -> bool:
        """Whether the model may run."""
        return self.evidence.verdict.allowed


async def judge(model: Object, judge: SubjectJudge) -> Judgement:
    """Judge a model; a refusal that its status tells already is not read live again.

    Raises:
        EvidenceUnavailableError: The evidence is not known now.
    """
    reported = ((model.get("status") or {}).get("verdict") or {}).get("outcome")
    verdict, evidence = await judge.judge(subject_of(model), REQUEST_SECONDS, reported)
    wants_zero = any(policy.spec.on_violation is OnViolation.SCALE_TO_ZERO for policy in evidence.policies)
    name = model["spec"]["complianceManifestRef"]["name"]
    manifest = next(iter(evidence.manifests), None)
    return Judgement(Evidence(verdict, name, manifest), wants_zero and not verdict.allowed)
