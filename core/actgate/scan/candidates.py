"""What of an object is kept until all are known: what decides needs, and by whom it is controlled.

Of a hundred thousand workloads a few thousand serve a model; of all others nothing is kept.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from actgate.decision.subject import SignalTier, Subject
from actgate.subjects.fields import MAPS, Json, map_at
from actgate.subjects.kinds import Kind
from actgate.subjects.reading import Row, reading


class Tier(StrEnum):
    """Why an object is a subject of a scan; the surest first."""

    DECLARED = "Declared"
    """A kind that serves models, or a mark of actgate."""
    STRONG = "Strong"
    LIKELY = "Likely"
    WEAK = "Weak"
    """Only counted: hints of one kind are no evidence that a model is served."""


_TIERS: Final[Mapping[SignalTier, Tier]] = {
    SignalTier.STRONG: Tier.STRONG,
    SignalTier.LIKELY: Tier.LIKELY,
    SignalTier.WEAK: Tier.WEAK,
}


@dataclass(frozen=True, slots=True)
class Controller:
    """The owner reference with ``controller: true``, as any user may write it."""

    uid: str
    group: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """An object that serves a model by what it is, says or shows: a subject where no other answers for it."""

    uid: str
    """Of its metadata; of an object without one, what names it."""
    subject: Subject
    """Without the labels of its namespace: see ``with_labels``."""
    controller: Controller | None
    complete: bool
    """Whether the object states all that its pods run: a workload does, a serving kind adds to it."""
    independent: bool = False
    """Whether nothing but itself can answer for it: a ModelDeployment."""
    idle: bool = False
    """Whether it runs no pod by its own statement: a ReplicaSet with 0 replicas."""

    @property
    def tier(self) -> Tier:
        """Why it is a candidate."""
        return tier_of(self.subject)

    def with_labels(self, labels: Mapping[str, str]) -> Subject:
        """Return the subject in a namespace with these labels."""
        return replace(self.subject, namespace_labels=labels)


def tier_of(subject: Subject) -> Tier:
    """Return why an object is judged; ``Weak`` where its signals are, or where it has none."""
    if subject.declared:
        return Tier.DECLARED
    return _TIERS[subject.detection.tier] if subject.detection is not None else Tier.WEAK


def candidate(obj: Json, row: Row) -> Candidate | Tier | None:
    """Return what a scan keeps of an object.

    Args:
        obj: The object as JSON, with ``apiVersion`` and ``kind``, which items of a list lack.
        row: Its row in the table of kinds.

    Returns:
        A candidate; ``Tier.WEAK`` for one that is only counted; None for anything else.
    """
    read = reading(obj, row)
    if read is None or not read.judged:
        return None
    if not read.declared and read.detection is not None and read.detection.tier is SignalTier.WEAK:
        return Tier.WEAK
    subject = read.subject()
    metadata, is_workload = map_at(obj, "metadata"), isinstance(row, Kind)
    uid = metadata.get("uid")
    return Candidate(
        uid if isinstance(uid, str) and uid else _named(subject),
        replace(subject, namespace=sys.intern(subject.namespace)),
        _controller(metadata.get("ownerReferences")),
        complete=is_workload and row.judged == "declared",
        independent=is_workload and row.judged == "always",
        idle=subject.kind == "ReplicaSet" and is_workload and map_at(obj, "spec").get("replicas") == 0,
    )


def _named(subject: Subject) -> str:
    return f"{subject.group}/{subject.kind}/{subject.namespace}/{subject.name}"


def _controller(references: Any) -> Controller | None:  # noqa: ANN401 - JSON
    """Return the one reference that says that it controls; what has not the form of one is none."""
    for reference in references if isinstance(references, list) else ():
        if not isinstance(reference, MAPS) or reference.get("controller") is not True:
            continue
        stated = [reference.get(field) for field in ("uid", "apiVersion", "kind", "name")]
        if all(isinstance(value, str) for value in stated):
            uid, version, kind, name = map(str, stated)
            return Controller(uid, sys.intern(version.rpartition("/")[0]), sys.intern(kind), name)
    return None
