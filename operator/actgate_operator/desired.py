"""What a pass wants to be there, given a model, the verdict on it and the Deployment that it has."""

from dataclasses import replace

from actgate.kube.objects import Object
from actgate_operator.child import Child
from actgate_operator.plan import Plan, PlanError, plan
from actgate_operator.status import Judgement, Pass


def is_ours(child: Child, model: Object) -> bool:
    """Return whether a Deployment of the model's child name is its own, and no former model's.

    Without an owner, its selector shows it, which can never be changed: under it run this model's pods.
    """
    return child.owner == model["metadata"]["uid"] or (child.owner is None and child.selects)


def is_suspended(model: Object) -> bool:
    """Return whether a model is not to run, whatever its evidence."""
    spec = model.get("spec")
    return isinstance(spec, dict) and spec.get("suspend") is True


def planned(model: Object, judgement: Judgement, running: Child | None, done: Pass) -> Plan | None:
    """Return what there should be; None where the spec leads to nothing, which is noted."""
    try:
        wanted = plan(model, _digest(judgement, running), zero=judgement.scale_to_zero)
    except PlanError as error:
        done.set_stalled("InvalidSpec", error)
        return None
    done.observed = replace(done.observed, url=wanted.url, selector=wanted.selector)
    return wanted


def _digest(judgement: Judgement, running: Child | None) -> str | None:
    """Return the digest that pods shall carry: that of the evidence on which they may run.

    Where the evidence does not hold it is the one on which they were let run: what runs is not to be
    rolled out anew because of evidence that does not count.
    """
    if judgement.verdict.allowed or running is None:
        return judgement.manifest.digest if judgement.manifest is not None else None
    return running.manifest_digest
