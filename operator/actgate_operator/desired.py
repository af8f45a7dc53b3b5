"""What a pass wants to be there, given a model, the verdict on it and the Deployment that it has."""

from dataclasses import replace

from actgate.api.names import STOP_REASON_ANNOTATION, STOPPED_BY_ANNOTATION
from actgate.api.quoting import cut
from actgate.kube.objects import Object
from actgate_operator.child import Child
from actgate_operator.plan import Plan, PlanError, Recording, plan
from actgate_operator.status import Judgement, Pass, Stop


def is_ours(child: Child, model: Object) -> bool:
    """Return whether a Deployment of the model's child name is its own, and no former model's.

    Without an owner, its selector shows it, which can never be changed: under it run this model's pods.
    """
    return child.owner == model["metadata"]["uid"] or (child.owner is None and child.selects)


def is_suspended(model: Object) -> bool:
    """Return whether a model is not to run, whatever its evidence."""
    spec = model.get("spec")
    return isinstance(spec, dict) and spec.get("suspend") is True


def log_mode(model: Object) -> str | None:
    """Return the mode of ``spec.logging``; None where it states none."""
    spec = model.get("spec")
    logging = spec.get("logging") if isinstance(spec, dict) else None
    mode = logging.get("mode") if isinstance(logging, dict) else None
    return mode if isinstance(mode, str) else None


def stop_of(model: Object) -> Stop | None:
    """Return what is stated of a stop by ``spec.suspend``; None for a model that is not stopped."""
    if not is_suspended(model):
        return None
    stated = model["metadata"].get("annotations") or {}
    return Stop(
        cut(str(stated.get(STOPPED_BY_ANNOTATION, "")), 253),
        cut(str(stated.get(STOP_REASON_ANNOTATION, "")), 1024),
    )


def planned(
    model: Object, judgement: Judgement, running: Child | None, done: Pass, recording: Recording
) -> Plan | None:
    """Return what there should be; None where the spec leads to nothing, which is noted."""
    try:
        digest, zero = _digest(judgement, running), judgement.scale_to_zero
        wanted = plan(model, digest, zero=zero, recording=recording)
    except PlanError as error:
        done.set_stalled("InvalidSpec", error)
        return None
    done.observed = replace(
        done.observed,
        url=wanted.url,
        selector=wanted.selector,
        recorder=wanted.recorder,
        model_port=wanted.model_port,
    )
    return wanted


def _digest(judgement: Judgement, running: Child | None) -> str | None:
    """Return the digest that pods shall carry: that of the evidence on which they may run.

    Where the evidence does not hold it is the one on which they were let run: what runs is not to be
    rolled out anew because of evidence that does not count.
    """
    if judgement.verdict.allowed or running is None:
        return judgement.manifest.digest if judgement.manifest is not None else None
    return running.manifest_digest
