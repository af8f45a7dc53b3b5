"""What built-in kinds refuse beyond their schemas: rules between fields, and what may never change.

Only what a client is likely to get wrong; the sentences are those of the real API server.
"""

from __future__ import annotations

from actgate_sandbox.admission import check_configuration
from actgate_sandbox.schema.errors import shown
from actgate_sandbox.stand_in.pod_checks import pod_causes
from actgate_sandbox.stand_in.status import Cause, Object


def check_workload(new: Object, old: Object | None) -> list[Cause]:
    """A selector must match its own template, and never changes."""
    spec = new.get("spec") or {}
    selector = spec.get("selector")
    template = (spec.get("template") or {}).get("metadata") or {}
    labels = template.get("labels") or {}
    wanted = (selector or {}).get("matchLabels") or {}
    causes = []
    if selector is None or any(labels.get(key) != value for key, value in wanted.items()):
        why = "`selector` does not match template `labels`"
        causes.append(_invalid("spec.template.metadata.labels", labels, why))
    if old is not None and (old.get("spec") or {}).get("selector") != selector:
        causes.append(_invalid("spec.selector", selector, "field is immutable"))
    replicas = spec.get("replicas", 0)
    if replicas < 0:
        causes.append(_invalid("spec.replicas", replicas, "must be greater than or equal to 0"))
    if new["kind"] == "Deployment":
        causes += _counting_causes(new.get("status") or {})
        causes += _strategy_causes(spec)
    return [*causes, *pod_causes((spec.get("template") or {}).get("spec") or {}, "spec.template.spec")]


def _strategy_causes(spec: Object) -> list[Cause]:
    strategy = spec.get("strategy") or {}
    if strategy.get("type") != "Recreate" or "rollingUpdate" not in strategy:
        return []
    why = "Forbidden: may not be specified when strategy `type` is 'Recreate'"
    return [Cause("FieldValueForbidden", "spec.strategy.rollingUpdate", why)]


def _counting_causes(status: Object) -> list[Cause]:
    """Of the pods that there are some are ready, and of those some are available."""
    parts = ("updatedReplicas", "readyReplicas", "availableReplicas")
    limits = [(part, "replicas", "status.replicas") for part in parts]
    limits.append(("availableReplicas", "readyReplicas", "readyReplicas"))
    return [
        _invalid(f"status.{part}", status[part], f"cannot be greater than {words}")
        for part, whole, words in limits
        if status.get(part, 0) > status.get(whole, 0)
    ]


def check_autoscaler(new: Object, _old: Object | None) -> list[Cause]:
    """The upper bound is not below the lower."""
    spec = new.get("spec") or {}
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 1)
    causes = []
    if most < 1:
        causes.append(_invalid("spec.maxReplicas", most, "must be greater than 0"))
    if most < least:
        why = "must be greater than or equal to `minReplicas`"
        causes.append(_invalid("spec.maxReplicas", most, why))
    return causes


def check_webhooks(new: Object, _old: Object | None) -> list[Cause]:
    """A webhook must be callable."""
    return [Cause(error.kind, error.path, error.message) for error in check_configuration(new)]


def _invalid(field: str, value: object, why: str) -> Cause:
    return Cause("FieldValueInvalid", field, f"Invalid value: {shown(value)}: {why}")


def check_pod(new: Object, _old: Object | None) -> list[Cause]:
    """A pod is held to what its template would be held to."""
    return pod_causes(new.get("spec") or {}, "spec")


def check_service(new: Object, _old: Object | None) -> list[Cause]:
    """A service has ports, unless it is headless or only a name."""
    spec = new.get("spec") or {}
    if spec.get("ports") or spec.get("clusterIP") == "None" or spec.get("type") == "ExternalName":
        return []
    return [Cause("FieldValueRequired", "spec.ports", "Required value")]


def check_budget(new: Object, _old: Object | None) -> list[Cause]:
    """A budget says what must be there or what may be missing, not both."""
    spec = new.get("spec") or {}
    if "minAvailable" in spec and "maxUnavailable" in spec:
        return [_invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")]
    return []


def check_lease(new: Object, _old: Object | None) -> list[Cause]:
    """A lease lasts for some time, and changes hands a whole number of times."""
    spec = new.get("spec") or {}
    causes = []
    if (duration := spec.get("leaseDurationSeconds", 1)) <= 0:
        causes.append(_invalid("spec.leaseDurationSeconds", duration, "must be greater than 0"))
    if (transitions := spec.get("leaseTransitions", 0)) < 0:
        causes.append(_invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0"))
    return causes


_LONGEST_NOTE = 1024
_EVENT_NEEDS = ("eventTime", "reportingController", "reportingInstance", "action", "reason")


def check_event(new: Object, old: Object | None) -> list[Cause]:
    """An event says what happened, once and for all; only its series goes on.

    The fields are called as in core/v1, where events are at home.
    """
    causes = [
        Cause("FieldValueRequired", name, "Required value") for name in _EVENT_NEEDS if not new.get(name)
    ]
    if len(new.get("note", "")) > _LONGEST_NOTE:
        causes.append(_invalid("message", "", f"can have at most {_LONGEST_NOTE} characters"))
    if new.get("type") not in ("Normal", "Warning"):
        causes.append(_invalid("type", "", f"has invalid value: {new.get('type', '')}"))
    if new.get("series", {}).get("count", 2) < 2:
        causes.append(_invalid("series.count", "", "should be at least 2"))
    for name, called in (("note", "message"), ("reason", "reason"), ("type", "type"), ("action", "action")):
        if old is not None and new.get(name) != old.get(name):
            causes.append(_invalid(called, new.get(name), "field is immutable"))
    return causes
