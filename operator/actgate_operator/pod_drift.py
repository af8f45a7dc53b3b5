"""What the pods of a model run, held against its Deployment: edited images, and pods that others made.

Only what the Deployment names is compared. Containers that are injected when a pod is created, such as a
service mesh's, are not: an edit cannot add one to a pod that exists, but as an ephemeral container.

Pure: records in, findings out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from actgate_operator.pod_records import Images, PodRecord

UNEXPECTED_IMAGE: Final = "UnexpectedImage"
UNEXPECTED_POD: Final = "UnexpectedPod"

_DIGEST: Final = "@sha256:"
_NAMED: Final = 3
"""So many pods are named in a message."""


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
    return Running(len(there) - terminating, terminating, listed(debugged) or None, unexpected)


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
