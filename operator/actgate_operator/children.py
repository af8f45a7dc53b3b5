"""The children of all models as they are: slim pictures, and our own writes before a watch tells of them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from actgate.api.names import API_VERSION
from actgate.cluster.client import Cluster
from actgate.cluster.objects import Key, Object, key_of, version_of
from actgate.cluster.reflector import Reflector
from actgate.cluster.resources import (
    AUTOSCALERS,
    DEPLOYMENTS,
    DISRUPTION_BUDGETS,
    PODS,
    SERVICES,
    Resource,
)
from actgate.cluster.store import Change, Unreadable
from actgate.cluster.timing import Timing
from actgate.policy.subject import MODEL_DEPLOYMENT
from actgate_operator import drift
from actgate_operator.comparison import Content, content_of
from actgate_operator.names import (
    INSTANCE_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    MANIFEST_DIGEST_ANNOTATION,
    STATE_ANNOTATION,
)
from actgate_operator.pods import trouble_of
from actgate_operator.rollout import Rollout, rollout_of

KINDS: Final = (DEPLOYMENTS, SERVICES, AUTOSCALERS, DISRUPTION_BUDGETS)
"""What a model can own, in the order in which it is created."""

SELECTOR: Final = f"{MANAGED_BY_LABEL}={MANAGED_BY}"


@dataclass(frozen=True, slots=True)
class Child:
    """One child, reduced to what a reconcile needs."""

    uid: str
    version: int
    owner: str | None
    """uid of the ModelDeployment that controls it; None where none does."""
    owner_name: str | None
    state: str | None
    """Digest of what was last applied."""
    manifest_digest: str | None
    """Digest of the evidence on which it was let run."""
    record: bytes
    """The fields that our applies own, as JSON: thousands of them are kept."""
    additions: tuple[tuple[str, str], ...]
    """Fields that others added, as (manager, path)."""
    replicas: int | None
    """``spec.replicas``."""
    scaled_by: str | None
    """Who but us set it last; None where nobody did."""
    content: Content
    """What of it has to be as planned; see ``comparison``."""
    rollout: Rollout | None
    """How far a Deployment is; None for other kinds."""

    @property
    def owned(self) -> drift.Fields:
        """The fields that our applies own."""
        fields: drift.Fields = orjson.loads(self.record)
        return fields


def read_child(thing: Object) -> Child:
    """Reduce an object to a child."""
    metadata = thing["metadata"]
    owner = _controller(metadata)
    annotations = metadata.get("annotations") or {}
    managed = metadata.get("managedFields") or []
    spec, status = thing.get("spec") or {}, thing.get("status") or {}
    return Child(
        uid=str(metadata.get("uid", "")),
        version=version_of(thing),
        owner=owner.get("uid"),
        owner_name=owner.get("name"),
        state=annotations.get(STATE_ANNOTATION),
        manifest_digest=annotations.get(MANIFEST_DIGEST_ANNOTATION),
        record=orjson.dumps(drift.applied_fields(managed)),
        additions=tuple(
            (manager, path) for manager, paths in drift.added_by_others(managed).items() for path in paths
        ),
        replicas=spec.get("replicas"),
        scaled_by=drift.scaled_by(managed),
        content=Content(content_of(thing)),
        rollout=rollout_of(metadata, spec, status) if "strategy" in spec else None,
    )


@dataclass(frozen=True, slots=True)
class PodNews:
    """What of a pod is worth a look at its model."""

    instance: str
    phase: str
    ready: bool
    trouble: str | None


def read_pod(pod: Object) -> PodNews:
    """Reduce a pod to what is worth a look."""
    status = pod.get("status") or {}
    trouble = trouble_of(pod)
    return PodNews(
        instance=(pod["metadata"].get("labels") or {}).get(INSTANCE_LABEL, ""),
        phase=str(status.get("phase")),
        ready=any(
            (item.get("type"), item.get("status")) == ("Ready", "True")
            for item in status.get("conditions") or ()
        ),
        trouble=trouble.reason if trouble is not None else None,
    )


class Children:
    """Pictures of every kind of child, and of pods, that live while ``run`` runs.

    Args:
        cluster: The API server.
        changed: Told the key of the ModelDeployment whose child changed, our own writes apart.
        timing: How the reflectors wait.
    """

    def __init__(
        self, cluster: Cluster, changed: Callable[[Key], None], timing: Timing | None = None
    ) -> None:
        self._changed = changed
        self._written: dict[tuple[Resource, Key], Child] = {}
        self._names: dict[Key, str] = {}
        self._pictures: dict[Resource, Reflector[Child]] = {
            kind: Reflector(
                cluster,
                kind,
                read_child,
                self._listener(kind),
                label_selector=SELECTOR,
                timing=timing,
            )
            for kind in KINDS
        }
        self._pods = Reflector(
            cluster, PODS, read_pod, self._pod_changed, label_selector=SELECTOR, timing=timing
        )
        self.reflectors: tuple[Reflector[Any], ...] = (*self._pictures.values(), self._pods)

    async def run(self) -> None:
        """Keep the pictures true until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reflector in self.reflectors:
                group.create_task(reflector.run(), name=f"reflector of {reflector.resource}")

    async def synced(self) -> None:
        """Wait until every picture has been complete once."""
        for reflector in self.reflectors:
            await reflector.synced.wait()

    def get(self, kind: Resource, key: Key) -> Child | None:
        """Return a child as it is known, our own last write included; None where none is known."""
        picture = self._pictures[kind]
        written = self._written.get((kind, key))
        if written is not None:
            if picture.version < written.version:
                return written
            # The watch has told all up to our write: if the child is not there, it is gone.
            del self._written[kind, key]
        child = picture.get(*key)
        return None if isinstance(child, Unreadable) else child

    def note(self, kind: Resource, thing: Object) -> Child:
        """Take the answer to a write of ours as known, until the watch has told as much."""
        child, key = read_child(thing), key_of(thing)
        self._written[kind, key] = child
        if kind is DEPLOYMENTS and child.owner_name is not None:
            self._names[key] = child.owner_name
        return child

    def _listener(self, kind: Resource) -> Callable[[Change[Child]], None]:
        def changed(change: Change[Child]) -> None:
            if kind is DEPLOYMENTS:
                self._learn_name(change)
            written = self._written.get((kind, change.key))
            if (
                written is not None
                and isinstance(change.new, Child)
                and change.new.version <= written.version
                # What somebody added right before our write is in the answer to it, too.
                and not change.new.additions
            ):
                return
            for child in (change.new, change.old):
                if isinstance(child, Child) and child.owner_name is not None:
                    self._changed((change.key[0], child.owner_name))
                    return

        return changed

    def _learn_name(self, change: Change[Child]) -> None:
        """Remember which model a Deployment's pods belong to: they carry a label, which can be cut."""
        if isinstance(change.new, Child) and change.new.owner_name is not None:
            self._names[change.key] = change.new.owner_name
        elif change.new is None:
            self._names.pop(change.key, None)

    def _pod_changed(self, change: Change[PodNews]) -> None:
        if change.old == change.new:
            return
        for news in (change.new, change.old):
            if isinstance(news, PodNews) and news.instance:
                instance = (change.key[0], news.instance)
                self._changed((change.key[0], self._names.get(instance, news.instance)))
                return


def _controller(metadata: Object) -> Object:
    for owner in metadata.get("ownerReferences") or ():
        if (
            owner.get("controller")
            and owner.get("kind") == MODEL_DEPLOYMENT
            and owner.get("apiVersion") == API_VERSION
        ):
            return dict(owner)
    return {}
