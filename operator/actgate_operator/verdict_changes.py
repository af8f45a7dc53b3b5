"""Which models a change of evidence makes news of, by what the cache has: those are reconciled first.

After a change of a policy every model is reconciled, and for most of them nothing changes. Whose verdict
becomes another one must not wait for all others. The answer sets an order and decides nothing.
"""

from actgate.decision import Outcome
from actgate.kube.objects import Object, key_of
from actgate.lookup.evidence import EvidenceSource, EvidenceUnavailableError
from actgate.lookup.judge import MANY
from actgate_operator.deadlines import Clocks
from actgate_operator.models import reference_of


class VerdictChanges:
    """Holds the verdict that a model's status reports against what its manifest is worth now."""

    def __init__(self, evidence: EvidenceSource, clocks: Clocks) -> None:
        self._evidence = evidence
        self._clocks = clocks

    def concerns(self, model: Object) -> bool:
        """Return whether a model's evidence begins to hold or no longer holds, as far as the cache shows.

        Under very many policies it would take too long to find out, and the answer is no.
        """
        name, namespace = reference_of(model), key_of(model)[0]
        if name is None:
            return False
        try:
            evidence = self._evidence.from_cache(namespace, (name,))
        except EvidenceUnavailableError:
            return False
        if len(evidence.policies) >= MANY:
            return False
        appraise, now = self._evidence.appraisals.appraise, self._clocks.now()
        fails = not evidence.manifests or any(
            appraise(manifest, evidence.policies, now).outcome is Outcome.FAIL
            for manifest in evidence.manifests
        )
        return fails is not (_reported(model) == Outcome.FAIL)


def _reported(model: Object) -> object:
    status = model.get("status")
    verdict = status.get("verdict") if isinstance(status, dict) else None
    return verdict.get("outcome") if isinstance(verdict, dict) else None
