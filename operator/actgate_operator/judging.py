"""The verdict on one model, from the pictures of its evidence; bad news is looked at twice."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from actgate.api.compliance_policy import OnViolation
from actgate.decision import Manifest
from actgate.decision.policies import applicable
from actgate.kube.objects import Key, Object, key_of
from actgate.runtime.deciding import decided
from actgate.subjects.workload import subject_of
from actgate_operator.evidence import EvidencePictures
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


class Judge:
    """Judges ModelDeployments at the moment that ``wall`` tells."""

    def __init__(
        self,
        pictures: EvidencePictures,
        wall: Callable[[], datetime],
        judged: Callable[[Key, str], None] = lambda _model, _manifest: None,
    ) -> None:
        """Judge by these pictures; ``judged`` is told of each model and the manifest that it refers to."""
        self._pictures = pictures
        self._wall = wall
        self._judged = judged

    async def judge(self, model: Object) -> Judgement:
        """Judge a model.

        A change for the worse is believed only after a live look at the manifest: when a manifest and its
        model are applied together, two watches tell of them, in either order.

        Raises:
            NotNowError, ClusterError: The evidence is not known now.
        """
        namespace, name = model["metadata"]["namespace"], model["spec"]["complianceManifestRef"]["name"]
        known = self._pictures.recalled(namespace, name)
        subject, now, manifest = subject_of(model, known.namespace_labels), self._wall(), known.manifest
        appraise = self._pictures.appraisals.appraise
        verdict = await decided(subject, _known(manifest), known.policies, now, appraise)
        if not verdict.allowed and _outcome(model) != verdict.outcome.value:
            manifest = await self._pictures.live_manifest(namespace, name)
            verdict = await decided(subject, _known(manifest), known.policies, now)
        self._judged(key_of(model), name)
        policies = applicable(known.policies, known.namespace_labels)
        wants_zero = any(policy.spec.on_violation is OnViolation.SCALE_TO_ZERO for policy in policies)
        return Judgement(Evidence(verdict, name, manifest), wants_zero and not verdict.allowed)


def _known(manifest: Manifest | None) -> tuple[Manifest, ...]:
    return (manifest,) if manifest is not None else ()


def _outcome(model: Object) -> object:
    return ((model.get("status") or {}).get("verdict") or {}).get("outcome")
