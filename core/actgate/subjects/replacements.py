"""Pods that replace others of an owner that did not change: since when it makes them, by its status.

Everything that counts here is written by the API server or a controller: times of creation, status, and
ControllerRevisions. A ReplicaSet may be old and be rolled back to today, and a ControllerRevision as well,
so each kind has to show, too, that pods of this very template are there. ADR 0034 has the reasons.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from actgate.decision.subject import Subject
from actgate.subjects.fields import Json, map_at
from actgate.subjects.owners import Chain, OwnerObject

_REVISION_LABEL: Final = "controller-revision-hash"


def revision_of(chain: Chain, pod: Json) -> str | None:
    """Return the name of the ControllerRevision that would show how old a pod's template is.

    None where another object shows it, or none.
    """
    nearest = _nearest(chain)
    if nearest is None or not nearest.running.pods:
        return None
    match nearest.kind.group, nearest.kind.kind:
        case "apps", "StatefulSet":
            return nearest.running.revision or None
        case "apps", "DaemonSet":
            # Of a DaemonSet no status names it. Whether this is the current one, its template shows.
            label = map_at(map_at(pod, "metadata"), "labels").get(_REVISION_LABEL)
            return f"{nearest.name}-{label}" if isinstance(label, str) and label else None
    return None


def replacing(subject: Subject, chain: Chain) -> Subject:
    """Return a subject with the moment since when its owner makes such pods, where that is certain.

    Args:
        subject: What ``owned`` returns.
        chain: Its owners, and the revision that ``revision_of`` names.
    """
    lent, nearest = subject.lent, _nearest(chain)
    if (subject.group, subject.kind) != ("", "Pod") or lent is None or nearest is None:
        return subject
    stated = nearest.lends
    if not lent.unchanged or stated is None:
        return subject
    if (subject.links, subject.model) != (stated.links, stated.model):
        return subject
    return replace(subject, template_since=_since(nearest, chain))


def _nearest(chain: Chain) -> OwnerObject | None:
    return chain.owners[0] if chain.top is not None else None


def _since(nearest: OwnerObject, chain: Chain) -> datetime | None:
    if not nearest.running.pods:
        return None
    match nearest.kind.group, nearest.kind.kind:
        case "apps", "ReplicaSet":
            return _of_replica_set(nearest, chain)
        case "apps", "StatefulSet" | "DaemonSet":
            found = chain.revision
            if found is None or found.uid != nearest.uid or found.template is None:
                return None
            return found.created if found.template == nearest.template else None
        case "batch", "Job":
            return _later(nearest.created, nearest.running.since)
    return None


def _of_replica_set(nearest: OwnerObject, chain: Chain) -> datetime | None:
    """Return since when a Deployment makes pods by a ReplicaSet.

    Its template may change and change back: only while the Deployment has the same one, and reported the
    last progress of this ReplicaSet, is that moment the latest at which pods of it can have been new.
    """
    deployment = chain.owners[1] if len(chain.owners) > 1 else None
    if deployment is None or (deployment.kind.group, deployment.kind.kind) != ("apps", "Deployment"):
        return None
    if nearest.template is None or nearest.template != deployment.template:
        return None
    progress = deployment.running
    if progress.revision not in ("", nearest.name):
        return None
    return _later(nearest.created, progress.since)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return None if one is None or other is None else max(one, other)
