"""Columns of `kubectl get` for the built-in kinds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from actgate_sandbox.stand_in.resources import Column
from actgate_sandbox.stand_in.status import Json, Object

_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def age(timestamp: Json) -> str:
    """Write how long ago something happened, as kubectl does: `75s`, `12m`, `3h10m`, `5d`."""
    try:
        then = datetime.fromisoformat(str(timestamp))
    except ValueError:
        return "<unknown>"
    seconds = max(0, int((datetime.now(UTC) - then).total_seconds()))
    return duration(seconds)


def duration(seconds: int) -> str:
    """Write a duration with at most two units."""
    if seconds < 120:
        return f"{seconds}s"
    if seconds < 600:
        return _two(seconds, 60, "m", 1, "s")
    if seconds < 10_800:
        return f"{seconds // 60}m"
    if seconds < 28_800:
        return _two(seconds, 3600, "h", 60, "m")
    if seconds < 172_800:
        return f"{seconds // 3600}h"
    return f"{seconds // 86400}d"


def _two(seconds: int, large: int, large_name: str, small: int, small_name: str) -> str:
    rest = seconds % large // small
    return f"{seconds // large}{large_name}" + (f"{rest}{small_name}" if rest else "")


def _spec(obj: Object) -> Object:
    return obj.get("spec") or {}


def _status(obj: Object) -> Object:
    return obj.get("status") or {}


def _ready(obj: Object) -> str:
    return f"{_status(obj).get('readyReplicas', 0)}/{_spec(obj).get('replicas', 0)}"


def _containers(obj: Object) -> list[Object]:
    spec = _spec(obj)
    pod = spec if obj["kind"] == "Pod" else (spec.get("template") or {}).get("spec") or {}
    return pod.get("containers") or []


def _joined(values: Iterable[Any]) -> str:
    return ",".join(str(value) for value in values) or "<none>"


def _selector(obj: Object) -> str:
    selector = _spec(obj).get("selector") or {}
    labels = selector.get("matchLabels", {}) if obj["kind"] != "Service" else selector
    return _joined(f"{key}={value}" for key, value in sorted(labels.items()))


def _ports(obj: Object) -> str:
    return _joined(f"{port['port']}/{port.get('protocol', 'TCP')}" for port in _spec(obj).get("ports") or ())


def _pod_ready(obj: Object) -> str:
    states = _status(obj).get("containerStatuses") or ()
    return f"{sum(bool(state.get('ready')) for state in states)}/{len(_containers(obj))}"


def _restarts(obj: Object) -> int:
    states = _status(obj).get("containerStatuses") or ()
    return sum(int(state.get("restartCount", 0)) for state in states)


def _event_object(obj: Object) -> str:
    subject = obj.get("involvedObject") or {}
    return f"{str(subject.get('kind', '')).lower()}/{subject.get('name', '')}"


def _event_age(obj: Object) -> str:
    moment = obj.get("lastTimestamp") or obj.get("eventTime") or obj.get("firstTimestamp")
    return age(moment or obj["metadata"].get("creationTimestamp"))


def _scale_target(obj: Object) -> str:
    target = _spec(obj).get("scaleTargetRef") or {}
    return f"{target.get('kind')}/{target.get('name')}"


def _number(name: str, path: str) -> Column:
    return Column(name, path, "integer", absent=0)


NAME = Column("Name", ".metadata.name", format="name")
AGE = Column("Age", lambda obj: age(obj["metadata"].get("creationTimestamp")))
_WIDE = (
    Column("Containers", lambda obj: _joined(c.get("name") for c in _containers(obj)), priority=1),
    Column("Images", lambda obj: _joined(c.get("image") for c in _containers(obj)), priority=1),
)
_SELECTOR = Column("Selector", _selector, priority=1)

COLUMNS: dict[str, tuple[Column, ...]] = {
    "Namespace": (NAME, Column("Status", ".status.phase"), AGE),
    "Pod": (
        NAME,
        Column("Ready", _pod_ready),
        Column("Status", ".status.phase"),
        Column("Restarts", _restarts, "integer"),
        AGE,
        Column("IP", ".status.podIP", priority=1, absent="<none>"),
        Column("Node", ".spec.nodeName", priority=1, absent="<none>"),
    ),
    "Service": (
        NAME,
        Column("Type", ".spec.type"),
        Column("Cluster-IP", ".spec.clusterIP", absent="<none>"),
        Column("External-IP", lambda _: "<none>"),
        Column("Port(s)", _ports),
        AGE,
        _SELECTOR,
    ),
    "ConfigMap": (
        NAME,
        Column("Data", lambda obj: len({**(obj.get("data") or {}), **(obj.get("binaryData") or {})})),
        AGE,
    ),
    "Secret": (
        NAME,
        Column("Type", ".type"),
        Column("Data", lambda obj: len(obj.get("data") or {})),
        AGE,
    ),
    "Event": (
        Column("Last Seen", _event_age),
        Column("Type", ".type"),
        Column("Reason", ".reason"),
        Column("Object", _event_object),
        Column("Message", ".message"),
        Column("Name", ".metadata.name", priority=1, format="name"),
    ),
    "ServiceAccount": (NAME, AGE),
    "Deployment": (
        NAME,
        Column("Ready", _ready),
        _number("Up-to-date", ".status.updatedReplicas"),
        _number("Available", ".status.availableReplicas"),
        AGE,
        *_WIDE,
        _SELECTOR,
    ),
    "StatefulSet": (NAME, Column("Ready", _ready), AGE, *_WIDE),
    "DaemonSet": (
        NAME,
        _number("Desired", ".status.desiredNumberScheduled"),
        _number("Ready", ".status.numberReady"),
        AGE,
        *_WIDE,
        _SELECTOR,
    ),
    "ReplicaSet": (
        NAME,
        _number("Desired", ".spec.replicas"),
        _number("Current", ".status.replicas"),
        _number("Ready", ".status.readyReplicas"),
        AGE,
        *_WIDE,
        _SELECTOR,
    ),
    "Job": (NAME, _number("Completions", ".spec.completions"), AGE, *_WIDE),
    "CronJob": (
        NAME,
        Column("Schedule", ".spec.schedule"),
        Column("Suspend", ".spec.suspend", "boolean"),
        _number("Active", ".status.active"),
        AGE,
    ),
    "HorizontalPodAutoscaler": (
        NAME,
        Column("Reference", _scale_target),
        _number("MinPods", ".spec.minReplicas"),
        _number("MaxPods", ".spec.maxReplicas"),
        _number("Replicas", ".status.currentReplicas"),
        AGE,
    ),
    "PodDisruptionBudget": (
        NAME,
        Column("Min Available", ".spec.minAvailable", absent="N/A"),
        Column("Max Unavailable", ".spec.maxUnavailable", absent="N/A"),
        _number("Allowed Disruptions", ".status.disruptionsAllowed"),
        AGE,
    ),
    "Lease": (NAME, Column("Holder", ".spec.holderIdentity"), AGE),
    "ValidatingWebhookConfiguration": (
        NAME,
        Column("Webhooks", lambda obj: len(obj.get("webhooks") or ())),
        AGE,
    ),
    "CustomResourceDefinition": (NAME, Column("Created At", ".metadata.creationTimestamp")),
}
