"""What Argo CD asks the API server for in a sync and in a comparison, request for request.

Written from its gitops-engine: a client-side dry run, which only reads; then wave by wave, and in a wave by
name, as custom kinds have no order among themselves. What fails does not keep the rest of its wave from
being applied; the next wave begins when this one is healthy. Health comes from our script, and a kind
without one is healthy as soon as it exists.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from actgate_sandbox.rest import APPLY_PATCH, MERGE_PATCH, Reply, Rest
from tests.gitops.objects import live, marked, path_of
from tests.support import argocd
from tests.support.argocd import Health
from tests.support.waiting import wait_until

Json = dict[str, Any]

TRACKING: Final = "argocd.argoproj.io/tracking-id"
WAVE: Final = "argocd.argoproj.io/sync-wave"
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_MANAGER: Final = "argocd-controller"


@dataclass(frozen=True, slots=True)
class Operation:
    """How one sync went."""

    applied: tuple[str, ...]
    """Kind and name of what was asked to be written and was, in order."""
    refusals: tuple[Reply, ...] = ()
    """The answers that it failed with."""

    @property
    def message(self) -> str:
        """What the Application shows when it failed."""
        reasons = ",".join(reply.message for reply in self.refusals)
        return f"one or more objects failed to apply, reason: {reasons}" if reasons else ""

    @property
    def succeeded(self) -> bool:
        """Return whether everything was applied."""
        return not self.refusals


class ArgoCd:
    """One Application, whose destination is the namespace given."""

    def __init__(self, rest: Rest, namespace: str, *, server_side: bool = True) -> None:
        self._rest = rest
        self._namespace = namespace
        self._server_side = server_side

    def sync(self, commit: Sequence[Json]) -> Operation:
        """Sync a commit once."""
        objects = self._sorted(commit)
        for obj in objects:
            live(self._rest, obj)  # the client-side dry run
        applied: list[str] = []
        waves = [list(wave) for _, wave in itertools.groupby(objects, _wave)]
        for number, wave in enumerate(waves, 1):
            replies = [(obj, self._apply(obj)) for obj in wave]
            applied += [_named(obj) for obj, reply in replies if reply.status in (200, 201)]
            refusals = tuple(reply for _, reply in replies if reply.status not in (200, 201))
            if refusals:
                return Operation(tuple(applied), refusals)
            if number < len(waves):
                wait_until(lambda: self.is_healthy(wave))  # noqa: B023 - called at once
        return Operation(tuple(applied))

    def health(self, obj: Json) -> Health:
        """Return the health of a live object of a commit."""
        found = live(self._rest, self._tracked(obj))
        if found is None:
            return Health("Missing", "")
        return argocd.health(found) if found["kind"] == "ModelDeployment" else Health("Healthy", "")

    def is_healthy(self, objects: Sequence[Json]) -> bool:
        """Return whether all of them are healthy; one that is degraded would fail the sync."""
        found = [self.health(obj) for obj in objects]
        assert "Degraded" not in {health.status for health in found}, found
        return all(health.status == "Healthy" for health in found)

    def comparison(self, obj: Json) -> tuple[Json | None, Reply]:
        """Return an object as it is, and as a server-side diff foresees it."""
        tracked = self._tracked(obj)
        return live(self._rest, tracked), self._server_side_apply(tracked, dryRun="All")

    def out_of_sync(self, commit: Sequence[Json]) -> list[str]:
        """Return what a comparison shows as different, by the way in which this Application applies."""
        differs = self._foreseen_differs if self._server_side else self._patch
        return [_named(obj) for obj in self._sorted(commit) if differs(obj)]

    def prune(self, commit: Sequence[Json]) -> list[Json]:
        """Delete what is no longer in Git, last wave first; return what has to go away now."""
        objects = self._sorted(commit)[::-1]
        for obj in objects:
            reply = self._rest("DELETE", path_of(obj), {"propagationPolicy": "Foreground"})
            assert reply.status in (200, 202), reply
        return objects

    def _sorted(self, commit: Sequence[Json]) -> list[Json]:
        objects = [self._tracked(obj) for obj in commit]
        return sorted(objects, key=lambda obj: (_wave(obj), obj["metadata"]["name"]))

    def _tracked(self, obj: Json) -> Json:
        identity = f"models:actgate.dev/{obj['kind']}:{self._namespace}/{obj['metadata']['name']}"
        return marked(obj, self._namespace, "annotations", {TRACKING: identity})

    def _apply(self, obj: Json) -> Reply:
        return self._server_side_apply(obj) if self._server_side else self._client_side_apply(obj)

    def _server_side_apply(self, obj: Json, **query: str) -> Reply:
        query |= {"fieldManager": _MANAGER, "force": "true"}
        return self._rest("PATCH", path_of(obj), obj, APPLY_PATCH, **query)

    def _client_side_apply(self, obj: Json) -> Reply:
        existing = live(self._rest, obj)
        if existing is None:
            path = path_of(obj).rpartition("/")[0]
            return self._rest("POST", path, _annotated(obj), fieldManager=_MANAGER)
        if patch := self._patch(obj):
            return self._rest("PATCH", path_of(obj), patch, MERGE_PATCH, fieldManager=_MANAGER)
        return Reply(200, existing)

    def _patch(self, obj: Json) -> Json:
        existing = live(self._rest, obj)
        assert existing is not None, obj
        last = json.loads(existing["metadata"]["annotations"].get(_LAST_APPLIED, "{}"))
        return three_way(last, _annotated(obj), existing)

    def _foreseen_differs(self, obj: Json) -> bool:
        existing, foreseen = self.comparison(obj)
        assert foreseen.status in (200, 201), foreseen
        return existing is None or _compared(existing) != _compared(foreseen.body)


def three_way(last: Json, wanted: Json, existing: Json) -> Json:
    """Return the merge patch of a client-side apply: wanted and not so, or wanted no more."""
    patch: Json = {key: None for key in last if key not in wanted and key in existing}
    for key, value in wanted.items():
        there = existing.get(key)
        if isinstance(value, dict) and isinstance(there, dict):
            before = last.get(key)
            if below := three_way(before if isinstance(before, dict) else {}, value, there):
                patch[key] = below
        elif value != there:
            patch[key] = value
    return patch


def _annotated(obj: Json) -> Json:
    text = json.dumps(obj, separators=(",", ":"), sort_keys=True)
    return marked(obj, obj["metadata"]["namespace"], "annotations", {_LAST_APPLIED: text})


def _compared(obj: Json) -> Json:
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    return {**obj, "metadata": metadata}


def _wave(obj: Json) -> int:
    return int(obj["metadata"].get("annotations", {}).get(WAVE, 0))


def _named(obj: Json) -> str:
    return f"{obj['kind']}/{obj['metadata']['name']}"
