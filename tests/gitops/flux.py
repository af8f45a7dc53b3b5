"""What Flux's kustomize-controller asks the API server for, request for request.

Written from `ssa.ResourceManager` of fluxcd/pkg, for one stage: nothing here is a definition or a namespace.
All objects are read and applied in a dry run; one that fails ends it before anything is written. Then those
that the dry run would change are applied, ordered by kind, namespace and name. With `force`, an object whose
dry run fails with what Flux takes for an immutable field is deleted and made anew.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from actgate_sandbox.rest import APPLY_PATCH, Reply, Rest
from tests.gitops.objects import live, marked, path_of
from tests.support import kstatus
from tests.support.kstatus import Verdict

Json = dict[str, Any]

OWNER: Final = "kustomize.toolkit.fluxcd.io"
_IMMUTABLE: Final = re.compile(r"is\simmutable|immutable\sfield")


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How one went."""

    applied: tuple[str, ...] = ()
    """Kind and name of what was written, in order."""
    message: str = ""
    """What the condition Ready of the Kustomization says when it failed."""
    refusal: Reply | None = None
    """The answer that it failed with."""
    warnings: tuple[str, ...] = ()
    """What the dry runs were warned of."""

    @property
    def succeeded(self) -> bool:
        """Return whether everything was applied."""
        return self.refusal is None


class Flux:
    """One Kustomization, whose `targetNamespace` is the one given."""

    def __init__(self, rest: Rest, namespace: str, *, force: bool = False) -> None:
        self._rest = rest
        self._namespace = namespace
        self._force = force

    def reconcile(self, commit: Sequence[Json]) -> Reconciliation:
        """Apply a commit once; Flux does so again at every interval, and sooner after a failure."""
        drifted: list[Json] = []
        warnings: list[str] = []
        applied: list[str] = []
        for obj in self._sorted(commit):
            existing = live(self._rest, obj)
            reply = self._apply(obj, dryRun="All")
            if self._force and existing is not None and _seems_immutable(reply):
                self._delete(obj)
                existing, reply = None, self._apply(obj, dryRun="All")
            if reply.status not in (200, 201):
                reason = reply.body["reason"]
                message = f"{_named(obj)} dry-run failed ({reason}): {reply.message}"
                return Reconciliation(message=message, refusal=reply)
            warnings += reply.warnings
            if existing is None or _drifted(existing, reply.body):
                drifted.append(obj)
        for obj in drifted:
            reply = self._apply(obj)
            if reply.status not in (200, 201):
                message = f"{_named(obj)} apply failed: {reply.message}"
                return Reconciliation(tuple(applied), message, reply, tuple(warnings))
            applied.append(f"{obj['kind']}/{obj['metadata']['name']}")
        return Reconciliation(tuple(applied), warnings=tuple(warnings))

    def verdicts(self, commit: Sequence[Json]) -> set[Verdict]:
        """Return what kstatus says of the live objects; with `wait`, Flux polls this."""
        found = [live(self._rest, obj) for obj in self._sorted(commit)]
        return {Verdict.IN_PROGRESS if obj is None else kstatus.verdict(obj) for obj in found}

    def prune(self, commit: Sequence[Json]) -> list[Json]:
        """Delete what is no longer in Git, last kind first; return what has to go away now."""
        objects = self._sorted(commit)[::-1]
        for obj in objects:
            self._delete(obj)
        return objects

    def _sorted(self, commit: Sequence[Json]) -> list[Json]:
        marks = {f"{OWNER}/name": "models", f"{OWNER}/namespace": "flux-system"}
        objects = [marked(obj, self._namespace, "labels", marks) for obj in commit]
        return sorted(objects, key=lambda obj: (obj["kind"], obj["metadata"]["name"]))

    def _apply(self, obj: Json, **query: str) -> Reply:
        query |= {"fieldManager": "kustomize-controller", "force": "true"}
        return self._rest("PATCH", path_of(obj), obj, APPLY_PATCH, **query)

    def _delete(self, obj: Json) -> None:
        reply = self._rest("DELETE", path_of(obj), {"propagationPolicy": "Background"})
        assert reply.status in (200, 202), reply


def _named(obj: Json) -> str:
    metadata = obj["metadata"]
    return f"{obj['kind']}/{metadata['namespace']}/{metadata['name']}"


def _seems_immutable(reply: Reply) -> bool:
    return reply.status in (409, 422) or (
        reply.status >= 400 and _IMMUTABLE.search(reply.message) is not None
    )


def _drifted(existing: Json, dry_run: Json) -> bool:
    """Compare labels, annotations, and all but metadata and status."""
    return _compared(existing) != _compared(dry_run)


def _compared(obj: Json) -> Json:
    kept = {key: value for key, value in obj.items() if key not in ("metadata", "status")}
    metadata = obj["metadata"]
    return {**kept, "marks": (metadata.get("labels") or {}, metadata.get("annotations") or {})}
