"""Checks the pods of one model: why they do not serve, what they run, and back to what they should run.

A pod is edited back by deleting it: its ReplicaSet makes another one of the template that was judged. That
must not become a loop where something else changes every pod, such as an admission webhook that rewrites
images: what is certain to have been created so is left alone, and so is what comes back as it was.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError, Conflict, NotFound
from actgate.kube.objects import Key, Object
from actgate.kube.resources import PODS
from actgate_operator.child import Child
from actgate_operator.children import Children
from actgate_operator.names import selector_text
from actgate_operator.pod_records import (
    UNEXPECTED_IMAGE,
    UNEXPECTED_POD,
    Drift,
    Running,
    Unexpected,
    drift,
    listed,
    read_pod,
    running,
)
from actgate_operator.pods import Problem, worst_problem
from actgate_operator.writer import Writer

logger = logging.getLogger(__name__)

MOST_ROUNDS: Final = 5
PERIOD: Final = timedelta(minutes=30)
"""So often within this time the pods of one model are deleted for what they run; longer than a resync."""

_DELETED: Final = "it is deleted, so that a pod of the Deployment's template takes its place"
_AGAIN: Final = "its replacements run the same; fix: stop what changes them"
_CREATED: Final = (
    "it was created so; fix: exclude these pods from the admission webhook that changes images, "
    "or name the image by its digest"
)
_FOREIGN: Final = (
    "carries the labels of this model and may get its requests, but its Deployment did not create it; "
    "fix: delete it, or change its labels"
)


@dataclass(slots=True)
class Checked:
    """What was found, and done."""

    running: Running
    problem: Problem | None = None
    """Why pods do not serve, where that was to be asked."""
    reverted: list[str] = field(default_factory=list)
    """What others had done to pods and is reverted, in words."""
    failure: ClusterError | None = None
    """What has to be tried again."""


@dataclass(frozen=True, slots=True)
class _Round:
    """One time at which pods of a model were deleted."""

    at: datetime
    there: frozenset[str]
    """uids of all pods of the model then: others came later."""
    words: frozenset[str]
    """What the deleted ones ran."""


class PodCheck:
    """Checks pods, from the cache where nothing is wrong, and asks the API server where something is."""

    def __init__(self, cluster: Cluster, writer: Writer, children: Children) -> None:
        self._cluster = cluster
        self._writer = writer
        self._children = children
        self._rounds: dict[Key, list[_Round]] = {}

    async def check(self, child: Key, deployment: Child | None, now: datetime) -> Checked:
        """Check the pods of a model, given namespace and name of its Deployment, and the Deployment."""
        pods = self._children.pods(child)
        rollout = deployment.rollout if deployment is not None else None
        images = (
            deployment.images if deployment is not None and rollout is not None and rollout.uniform else None
        )
        suspected, known = drift(pods, images), running(pods)
        asks = rollout is not None and rollout.current and not rollout.complete and rollout.replicas > 0
        if not suspected:
            self._forget(child, now)
            if not asks:
                return Checked(known)
        try:
            live = await self._live(child)
        except ClusterError as error:
            logger.warning("pods of %s/%s: %s", *child, error)
            suspicion = (
                Unexpected(UNEXPECTED_IMAGE, _words(suspected, {}), permanent=False) if suspected else None
            )
            return Checked(replace(known, unexpected=suspicion), failure=error if suspected else None)
        records = {name: read_pod(pod) for name, pod in live.items()}
        checked = Checked(running(records), worst_problem(live.values()) if asks else None)
        if found := drift(records, images):
            checked.running = running(records, await self._revert(child, live, found, checked, now))
        return checked

    async def _live(self, child: Key) -> dict[str, Object]:
        pages = self._cluster.list_pages(PODS, child[0], label_selector=selector_text(child[1]), limit=100)
        return {pod["metadata"]["name"]: pod async for page in pages for pod in page.items}

    async def _revert(
        self, child: Key, live: Mapping[str, Object], found: Drift, checked: Checked, now: datetime
    ) -> Unexpected:
        """Delete the pods that were edited, and say what there is and what becomes of it."""
        uids = {name: str(pod["metadata"].get("uid", "")) for name, pod in live.items()}
        outcome = {
            name: _AGAIN if self._came_back(child, live[name], words) else _DELETED
            for name, words in found.edited.items()
        }
        ending = [name for name, text in outcome.items() if text is _DELETED]
        if ending and not self._may(child, now):
            outcome |= dict.fromkeys(ending, _AGAIN)
        elif ending:
            words = frozenset(found.edited[name] for name in ending)
            self._rounds.setdefault(child, []).append(_Round(now, frozenset(uids.values()), words))
            for name in ending:
                try:
                    with suppress(NotFound, Conflict):
                        await self._writer.delete(PODS, name, child[0], uids[name])
                    checked.reverted.append(f"Pod {name} was edited: {found.edited[name]}")
                except ClusterError as error:
                    outcome[name] = f"it could not be deleted: {error}"
                    checked.failure = error
        reason = UNEXPECTED_IMAGE if found.edited or found.created else UNEXPECTED_POD
        permanent = bool(found.foreign or found.created or _AGAIN in outcome.values())
        return Unexpected(reason, _words(found, outcome), permanent=permanent)

    def _came_back(self, child: Key, pod: Object, words: str) -> bool:
        """Return whether a pod that took the place of one that was deleted runs what that one ran.

        Where the API server counts the changes of a pod's spec, there is no doubt that it was edited.
        """
        if (pod["metadata"].get("generation") or 0) > 1:
            return False
        uid = pod["metadata"].get("uid")
        return any(
            uid not in former.there and words in former.words for former in self._rounds.get(child, ())
        )

    def _may(self, child: Key, now: datetime) -> bool:
        return sum(now - former.at < PERIOD for former in self._rounds.get(child, ())) < MOST_ROUNDS

    def _forget(self, child: Key, now: datetime) -> None:
        kept = [former for former in self._rounds.get(child, ()) if now - former.at < PERIOD]
        if kept:
            self._rounds[child] = kept
        else:
            self._rounds.pop(child, None)


def _words(found: Drift, outcome: Mapping[str, str]) -> str:
    return listed(
        [
            *(f"pod {name}: {words}; {outcome.get(name, _DELETED)}" for name, words in found.edited.items()),
            *(f"pod {name}: {words}; {_CREATED}" for name, words in found.created.items()),
            *(f"pod {name} {_FOREIGN}" for name in found.foreign),
        ]
    )
