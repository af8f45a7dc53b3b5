"""One child of a model, reduced to what a reconcile needs."""

from dataclasses import dataclass
from typing import Final

import orjson

from actgate.api.names import API_VERSION
from actgate.decision.subject import MODEL_DEPLOYMENT
from actgate.kube.objects import Object, version_of
from actgate_operator import drift
from actgate_operator.comparison import Content, content_of
from actgate_operator.names import MANIFEST_DIGEST_ANNOTATION, STATE_ANNOTATION, selector
from actgate_operator.pod_records import Images, images_of
from actgate_operator.pods import Problem
from actgate_operator.rollout import Rollout, rollout_of

_shared: dict[bytes, bytes] = {}

_MOST_SHARED: Final = 1024
"""Shapes; a full table is begun anew, since no record says when it is the last of its shape."""


def _once(record: bytes) -> bytes:
    """Return an equal record that is kept already: most models have children of few shapes."""
    if len(_shared) >= _MOST_SHARED:
        _shared.clear()
    return _shared.setdefault(record, record)


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
    """Which other client set it last; None where none did."""
    content: Content
    """What of it has to be as planned; see ``comparison``."""
    rollout: Rollout | None
    """How far a Deployment is; None for other kinds."""
    selects: bool
    """Whether a Deployment has the planned selector, which can never be changed; True for other kinds."""
    terminating: bool
    images: Images
    """What a Deployment's template runs; empty for other kinds."""
    scaling: tuple[Problem, str | None] | None
    """Why an autoscaler cannot work, and since when; None where it does, and for other kinds."""

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
    deploys = "strategy" in spec
    return Child(
        uid=str(metadata.get("uid", "")),
        version=version_of(thing),
        owner=owner.get("uid"),
        owner_name=owner.get("name"),
        state=annotations.get(STATE_ANNOTATION),
        manifest_digest=annotations.get(MANIFEST_DIGEST_ANNOTATION),
        record=_once(orjson.dumps(drift.applied_fields(managed))),
        additions=tuple(
            (manager, path) for manager, paths in drift.added_by_others(managed).items() for path in paths
        ),
        replicas=spec.get("replicas"),
        scaled_by=drift.scaled_by(managed),
        content=Content(content_of(thing)),
        rollout=rollout_of(metadata, spec, status) if deploys else None,
        selects=not deploys or spec.get("selector") == {"matchLabels": selector(metadata["name"])},
        terminating=bool(metadata.get("deletionTimestamp")),
        images=images_of((spec.get("template") or {}).get("spec") or {}) if deploys else (),
        scaling=_scaling(status) if "scaleTargetRef" in spec else None,
    )


def _scaling(status: Object) -> tuple[Problem, str | None] | None:
    """Return why an autoscaler does not scale, in its own words, and since when."""
    for condition in status.get("conditions") or ():
        if (
            condition.get("type") in ("AbleToScale", "ScalingActive")
            and condition.get("status") == "False"
            # It says so of a target that has no replicas, which it is not to scale.
            and condition.get("reason") != "ScalingDisabled"
        ):
            problem = Problem.of(condition.get("reason") or "Error", condition.get("message") or "")
            return problem, condition.get("lastTransitionTime")
    return None


def _controller(metadata: Object) -> Object:
    for owner in metadata.get("ownerReferences") or ():
        if (
            owner.get("controller")
            and owner.get("kind") == MODEL_DEPLOYMENT
            and owner.get("apiVersion") == API_VERSION
        ):
            return dict(owner)
    return {}
