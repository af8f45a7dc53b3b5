"""Whether a ModelDeployment can be worked with at all, and the verdict on it.

The API server holds objects against the schema when they are written, and never again: one that is older
than the schema may be anything. No model runs in the namespaces of Kubernetes itself and in the operator's
own: the webhook is not asked about kube-system, kube-node-lease and actgate-system, so that neither can be
locked out by it; what is not judged there must not run there either. Every user can read kube-public.
`deploy/base/operator-limits.yaml` holds the operator's account to the same, should its token be stolen.
"""

from itertools import islice
from typing import Final

from actgate import manifests
from actgate.api.compliance_policy import OnViolation
from actgate.kube.client import REQUEST_SECONDS
from actgate.kube.objects import Object
from actgate.lookup.judge import SubjectJudge
from actgate.subjects.workload import Workload
from actgate_operator.status import Judgement

EXCLUDED: Final = frozenset({"kube-system", "kube-public", "kube-node-lease"})
_MOST: Final = 8
"""Problems of a spec that a message lists."""


class UnusableModelError(Exception):
    """The spec is not what the schema requires; the message says where, and how to fix it."""

    reason = "InvalidSpec"
    """Reason of the conditions, CamelCase."""


class ExcludedNamespaceError(UnusableModelError):
    """The namespace runs no models; the message says so, and how to fix it."""

    reason = "NamespaceExcluded"


def check_namespace(namespace: str, own: str) -> None:
    """Return for a namespace in which models may run; ``own`` is the operator's and the webhook's.

    Raises:
        ExcludedNamespaceError: No model runs there, whatever its evidence.
    """
    if namespace == own or namespace in EXCLUDED:
        raise ExcludedNamespaceError(
            f"models must not run in namespace {namespace}; fix: move the ModelDeployment to another "
            "namespace"
        )


def check_spec(model: Object) -> None:
    """Return for a spec that can be worked with.

    Raises:
        UnusableModelError: It cannot.
    """
    spec = model.get("spec")
    if not isinstance(spec, dict):
        raise UnusableModelError("spec: Required value: apply the ModelDeployment again with a spec")
    found = [*islice(manifests.model_spec_problems(spec), _MOST)]
    if found:
        problems = "; ".join(f"{item.path}: {item.message}" for item in found)
        fix = found[0].remediation if len(found) == 1 else "correct the spec"
        raise UnusableModelError(f"{problems}; fix: {fix}, and apply it again")


async def judged(model: Object, judge: SubjectJudge, own: str) -> Judgement:
    """Judge a model; a refusal that its status reports already is not read live again.

    Raises:
        UnusableModelError: It cannot be worked with; ``own`` is the namespace of the operator.
        EvidenceUnavailableError: The evidence is not known now.
    """
    check_namespace(model["metadata"]["namespace"], own)
    check_spec(model)
    reported = ((model.get("status") or {}).get("verdict") or {}).get("outcome")
    verdict, evidence = await judge.judge(Workload(model).subject(), REQUEST_SECONDS, reported)
    wants_zero = any(policy.spec.on_violation is OnViolation.SCALE_TO_ZERO for policy in evidence.policies)
    name = model["spec"]["complianceManifestRef"]["name"]
    manifest = next(iter(evidence.manifests), None)
    return Judgement(verdict, name, manifest, wants_zero and not verdict.allowed)
