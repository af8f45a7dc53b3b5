"""Whether an object is what we planned, by its values: a client that may write it may write its records too.

``differences`` walks a plan and a live object side by side. A field that is not planned may stand there only
with the value that the API server gives it by default. The table of defaults need not be complete: what it
does not explain is held against a dry run (``apply``), which costs two requests and knows everything.

Left out, since others may write it: a Deployment's count, ``kubectl rollout restart``, labels and annotations
outside the pod template that are not planned.

Pure: objects in, paths out. Defaults: ``pkg/apis/{core,apps}/v1/defaults.go`` of Kubernetes 1.36.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson
from kubernetes.utils.quantity import parse_quantity

from actgate.api.names import GROUP
from actgate.kube.objects import Object
from actgate_operator.names import RESTARTED_ANNOTATION

_ABSENT: Final = object()
_ANY: Final = object()

_PROBE: Final = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_CONTAINER: Final = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "imagePullPolicy": _ANY,  # IfNotPresent or Always, by the tag; "Never" runs the same image.
    "resources": {},
}
_MODE: Final = {"defaultMode": 420}
_DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "Deployment": {
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
    },
    "Service": {
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "internalTrafficPolicy": "Cluster",
        # Allocated, and never to be changed.
        "clusterIP": _ANY, "clusterIPs": _ANY, "ipFamilies": _ANY, "ipFamilyPolicy": _ANY,
    },
    "metadata": {"creationTimestamp": None},
    "spec": {
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    },
    "containers": _CONTAINER,
    "initContainers": _CONTAINER,
    "livenessProbe": _PROBE, "readinessProbe": _PROBE, "startupProbe": _PROBE,
    "httpGet": {"scheme": "HTTP"},
    "grpc": {"service": ""},
    "ports": {"protocol": "TCP"},
    "fieldRef": {"apiVersion": "v1"},
    "configMap": _MODE, "secret": _MODE, "projected": _MODE, "downwardAPI": _MODE,
    "serviceAccountToken": {"expirationSeconds": 3600},
    "hostPath": {"type": ""},
}  # fmt: skip
"""What the API server fills in, by the name of the field that holds it; the kind for a spec itself."""

_OURS: Final = f"{GROUP}/"

_QUANTITIES: Final = frozenset({"limits", "requests", "sizeLimit", "storage", "divisor"})


def content_of(thing: Object) -> bytes:
    """Return what of an object has to be as it is planned, as JSON with sorted keys."""
    metadata = thing["metadata"]
    annotations = metadata.get("annotations") or {}
    spec = {key: value for key, value in (thing.get("spec") or {}).items() if key != "replicas"}
    template = spec.get("template")
    if isinstance(template, dict):
        spec["template"] = _without_restart(template)
    kept = {
        "labels": metadata.get("labels") or {},
        "annotations": {key: value for key, value in annotations.items() if key.startswith(_OURS)},
        "ownerReferences": metadata.get("ownerReferences") or [],
        "spec": spec,
    }
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)


class Content:
    """The content of an object, and a digest of it by which it is known when the content is forgotten.

    Thousands are kept, and each has to be read once: what was verified is let go of.
    """

    __slots__ = ("digest", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw: bytes | None = raw
        self.digest = hash(raw)

    def forget(self) -> None:
        """Keep the digest alone."""
        self.raw = None

    def forget_as(self, former: "Content") -> None:
        """Keep the digest alone where a former version had the same content, and that was verified."""
        if former.raw is None and former.digest == self.digest:
            self.raw = None


def differences(content: bytes, planned: Object) -> Iterator[str]:
    """Yield the paths at which an object is not what is planned, defaults apart.

    Args:
        content: What ``content_of`` returned for the object.
        planned: What is planned, or what a dry run of it came to.
    """
    live, wanted = orjson.loads(content), orjson.loads(content_of(planned))
    for name in ("labels", "annotations"):
        for key, value in wanted[name].items():
            if live[name].get(key) != value:
                yield f"metadata.{name}.{key}"
    if any(owner not in live["ownerReferences"] for owner in wanted["ownerReferences"]):
        yield "metadata.ownerReferences"
    yield from _differences(live["spec"], wanted["spec"], planned["kind"], "spec")


def _differences(live: Any, wanted: Any, holder: str, path: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(live, dict) and isinstance(wanted, dict):
        yield from _of_maps(live, _completed(wanted, holder), holder, path)
    elif isinstance(live, list) and isinstance(wanted, list):
        yield from _of_lists(live, wanted, holder, path)
    elif live is not wanted and (type(live), live) != (type(wanted), wanted):
        yield path


def _of_maps(live: Object, wanted: Object, holder: str, path: str) -> Iterator[str]:
    defaults = _DEFAULTS.get(holder, {})
    for key in sorted(live.keys() | wanted.keys()):
        here, there, below = live.get(key, _ABSENT), wanted.get(key, _ABSENT), f"{path}.{key}"
        if here is _ABSENT:
            if not _is_left_out(key, there):
                yield below
        elif there is _ABSENT:
            default = defaults.get(key, _ABSENT)
            if default is not _ANY and here != default:
                yield below
        elif holder in _QUANTITIES or key in _QUANTITIES:
            if not _is_same_quantity(here, there):
                yield from _differences(here, there, key, below)
        else:
            yield from _differences(here, there, key, below)


def _of_lists(live: list[Any], wanted: list[Any], holder: str, path: str) -> Iterator[str]:
    if len(live) != len(wanted):
        added = [item for item in live if not _has_namesake(item, wanted)]
        yield from ([f"{path}{_name(item)}" for item in added] or [path])
        return
    for number, (here, there) in enumerate(zip(live, wanted, strict=True)):
        yield from _differences(here, there, holder, f"{path}{_name(there) or f'[{number}]'}")


def _completed(wanted: Object, holder: str) -> Object:
    """Return what is planned with the defaults that follow from other fields."""
    if holder == "spec" and wanted.get("serviceAccountName"):
        return {"serviceAccount": wanted["serviceAccountName"], **wanted}
    return wanted


def _is_left_out(key: str, value: object) -> bool:
    """Return whether the API server stores a value by leaving it out, and it means as much as nothing."""
    return value is None or value in ([], {}) or (key == "value" and value == "")


def _is_same_quantity(here: object, there: object) -> bool:
    try:
        return bool(parse_quantity(here) == parse_quantity(there))  # type: ignore[no-untyped-call]
    except (ValueError, TypeError, ArithmeticError):
        return False


def _has_namesake(item: object, wanted: list[Any]) -> bool:
    if not isinstance(item, dict) or "name" not in item:
        return item in wanted
    return any(isinstance(other, dict) and other.get("name") == item["name"] for other in wanted)


def _name(item: object) -> str:
    return f"[name={item['name']}]" if isinstance(item, dict) and "name" in item else ""


def _without_restart(template: Object) -> Object:
    metadata = template.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    if RESTARTED_ANNOTATION not in annotations:
        return template
    kept = {key: value for key, value in annotations.items() if key != RESTARTED_ANNOTATION}
    return {**template, "metadata": {**metadata, "annotations": kept}}
