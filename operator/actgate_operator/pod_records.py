"""The pods of all models as they are: small records, found by the model's instance label, kept by a watch.

A record holds what the status reports, and no field whose changes do not matter to it: a kubelet writes
far more often than a model has to be reconciled.

Records are held against the Deployment: edited images, and pods that others made. Only what the Deployment
names is compared. Containers that are injected when a pod is created, such as a service mesh's, are not: an
edit cannot add one to a pod that exists, but as an ephemeral container.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import Any, Final

from actgate.api.names import RECORDER_CONTAINER
from actgate.kube.client import Cluster
from actgate.kube.objects import Key, Object
from actgate.kube.reflector import Reflector
from actgate.kube.resources import PODS
from actgate.kube.store import Change
from actgate.kube.timing import Timing
from actgate_operator.names import INSTANCE_LABEL
from actgate_operator.pods import problem_of

Images = tuple[tuple[str, str], ...]
"""Containers and init containers, in their order, as (name, image)."""

HASH_LABEL: Final = "pod-template-hash"
"""By which the Deployment's controller names a ReplicaSet and labels its pods."""

UNEXPECTED_IMAGE: Final = "UnexpectedImage"
UNEXPECTED_POD: Final = "UnexpectedPod"

_DIGEST: Final = "@sha256:"
_NAMED: Final = 3
"""So many pods are named in a message."""

_MOST_RECORDS: Final = 1_000_000_000
_FINISHED: Final = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class PodRecord:
    """What of a pod the status of its model speaks of."""

    instance: str
    """Value of the instance label: the name of the Deployment, for the pods of a model."""
    phase: str
    ready: bool
    problem: str | None
    """Reason why it does not serve, None where there is none."""
    terminating: bool
    controlled: bool
    """Whether the Deployment's ReplicaSet controls it; by the names, since ReplicaSets are not read."""
    unedited: bool
    """Whether its spec is for certain as it was created; False where the API server counts no changes."""
    images: Images
    ephemeral: Images
    """Containers that ``kubectl debug`` added, as (name, image)."""
    records: bool = False
    """Whether it has a recorder that is ready."""
    unshipped: int = 0
    """Records that its recorder could not upload before it ended with the pod."""

    @property
    def runs(self) -> bool:
        """Whether it may have a process, also one that is about to end."""
        return self.phase not in _FINISHED


def read_pod(pod: Object) -> PodRecord:
    """Reduce a pod to its record."""
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    instance = intern((metadata.get("labels") or {}).get(INSTANCE_LABEL, ""))
    problem = problem_of(pod)
    return PodRecord(
        instance=instance,
        phase=intern(str(status.get("phase"))),
        ready=any(
            (item.get("type"), item.get("status")) == ("Ready", "True")
            for item in status.get("conditions") or ()
        ),
        problem=problem.reason if problem is not None else None,
        terminating=bool(metadata.get("deletionTimestamp")),
        controlled=_is_controlled(metadata, instance),
        unedited=metadata.get("generation") == 1,
        images=images_of(spec),
        ephemeral=_images(spec, "ephemeralContainers"),
        records=any(
            item.get("name") == RECORDER_CONTAINER and item.get("ready") is True
            for item in status.get("initContainerStatuses") or ()
        ),
        unshipped=_unshipped(status),
    )


def _unshipped(status: Object) -> int:
    """Return what the recorder left in its termination message; one that runs again will upload it."""
    for item in status.get("initContainerStatuses") or ():
        ended = (item.get("state") or {}).get("terminated")
        if item.get("name") == RECORDER_CONTAINER and ended:
            try:
                records = json.loads(ended.get("message") or "{}")["unshipped"]["records"]
            except (ValueError, LookupError, TypeError):
                return 0
            return min(records, _MOST_RECORDS) if type(records) is int and records > 0 else 0
    return 0


def images_of(spec: Object) -> Images:
    """Return the images of a pod's spec, or of a pod template's."""
    return _images(spec, "containers") + _images(spec, "initContainers")


def _images(spec: Object, name: str) -> Images:
    # Thousands of pods run the same few images.
    return tuple(
        (intern(str(item.get("name"))), intern(str(item.get("image")))) for item in spec.get(name) or ()
    )


def _is_controlled(metadata: Object, instance: str) -> bool:
    template = (metadata.get("labels") or {}).get(HASH_LABEL)
    # The second form is that of control planes without ReplicaSets, such as the sandbox's stand-in.
    makers = {("ReplicaSet", f"{instance}-{template}"), ("Deployment", instance)}
    return any(
        owner.get("controller") and (owner.get("kind"), owner.get("name")) in makers
        for owner in metadata.get("ownerReferences") or ()
    )


@dataclass(frozen=True, slots=True)
class Unexpected:
    """What runs in a model's name and was not judged with it."""

    reason: str
    """CamelCase."""
    message: str
    permanent: bool
    """Whether only a person can change it; else it is being reverted."""


@dataclass(frozen=True, slots=True)
class Running:
    """The pods that carry a model's label, finished ones apart."""

    serving: int = 0
    """Those that are not being deleted."""
    terminating: int = 0
    ephemeral: str | None = None
    """The ephemeral containers among them, in words."""
    unexpected: Unexpected | None = None
    recording: int = 0
    """Those of the serving whose recorder is ready."""
    unshipped: tuple[tuple[str, int], ...] = ()
    """Name of each pod that ended before its log was uploaded, and how many records of it were not."""


@dataclass(slots=True)
class Drift:
    """What differs among the pods of one model."""

    foreign: list[str] = field(default_factory=list)
    """Names of pods that the Deployment did not make."""
    edited: dict[str, str] = field(default_factory=dict)
    """By the name of a pod: what it runs instead, in words; its image was, or may have been, edited."""
    created: dict[str, str] = field(default_factory=dict)
    """The same of pods that were created so."""

    def __bool__(self) -> bool:
        return bool(self.foreign or self.edited or self.created)


def running(pods: Mapping[str, PodRecord], unexpected: Unexpected | None = None) -> Running:
    """Count pods."""
    there = {name: pod for name, pod in pods.items() if pod.runs}
    terminating = sum(pod.terminating for pod in there.values())
    debugged = [
        f"pod {name} has the ephemeral container {container} ({image})"
        for name, pod in sorted(there.items())
        for container, image in pod.ephemeral
    ]
    recording = sum(pod.records and not pod.terminating for pod in there.values())
    unshipped = tuple((name, pod.unshipped) for name, pod in sorted(pods.items()) if pod.unshipped)
    return Running(
        len(there) - terminating, terminating, listed(debugged) or None, unexpected, recording, unshipped
    )


def drift(pods: Mapping[str, PodRecord], images: Images | None) -> Drift:
    """Compare pods with the template of their Deployment.

    Args:
        pods: By name.
        images: What the template runs; None where pods of another template may be among them.
    """
    found = Drift()
    for name, pod in sorted(pods.items()):
        if not pod.runs or pod.terminating:
            continue
        if not pod.controlled:
            found.foreign.append(name)
        elif images is not None and (words := difference(pod.images, images)):
            (found.created if pod.unedited else found.edited)[name] = words
    return found


def difference(images: Images, expected: Images) -> str:
    """Say what a pod runs in place of what its template says; empty where it is the same."""
    found = dict(images)
    return ", ".join(
        f"container {name} runs {found.get(name, 'nothing')} instead of {image}"
        for name, image in expected
        if not _is_same(found.get(name, ""), image)
    )


def listed(words: list[str]) -> str:
    """Return the first of some phrases as one, and how many more there are."""
    more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return "; ".join(words[:_NAMED]) + more


def _is_same(image: str, expected: str) -> bool:
    """Return whether two references name one image: equal, or of one digest, as through a mirror."""
    digest, other = image.partition(_DIGEST)[2], expected.partition(_DIGEST)[2]
    return image == expected or bool(digest and digest == other)


class PodCache:
    """Records of every pod that carries the operator's label, by the Deployment that its label names.

    Args:
        cluster: The API server.
        changed: Called with namespace and instance of a pod whose record changed.
        label_selector: Which pods.
        timing: How the reflector waits.
    """

    def __init__(
        self,
        cluster: Cluster,
        changed: Callable[[Key], None],
        label_selector: str,
        timing: Timing | None = None,
    ) -> None:
        self._changed = changed
        self._by_instance: dict[Key, dict[str, PodRecord]] = {}
        self.reflector: Reflector[PodRecord] = Reflector(
            cluster, PODS, read_pod, self._observe, label_selector=label_selector, timing=timing
        )

    def of(self, instance: Key) -> Mapping[str, PodRecord]:
        """Return the pods of a Deployment, given its namespace and name, by their names."""
        return self._by_instance.get(instance, {})

    def _observe(self, change: Change[PodRecord]) -> None:
        if change.old == change.new:
            return
        namespace, name = change.key
        for record in _records(change.old):
            self._forget((namespace, record.instance), name)
        for record in _records(change.new):
            self._by_instance.setdefault((namespace, record.instance), {})[name] = record
        # A pod that another label's hand took from one model and gave to another is news of both.
        for instance in {record.instance for record in _records(change.new, change.old)}:
            self._changed((namespace, instance))

    def _forget(self, instance: Key, name: str) -> None:
        pods = self._by_instance.get(instance, {})
        pods.pop(name, None)
        if not pods:
            self._by_instance.pop(instance, None)


def _records(*values: Any) -> Iterator[PodRecord]:  # noqa: ANN401 - also what could not be read, and None
    return (value for value in values if isinstance(value, PodRecord) and value.instance)
