"""Verifies that children are what an apply of their plan comes to, whatever their managedFields say.

Values are compared first (``comparison``), which costs nothing. What that does not explain, such as what a
mutating webhook made of our own write, is held against a dry run of the plan in place of the object: two
requests, and once for each content, which is remembered.
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, Final

from actgate.kube.client import Cluster
from actgate.kube.errors import Forbidden, Invalid
from actgate.kube.objects import Key, Object, key_of
from actgate.kube.resources import DEPLOYMENTS, Resource
from actgate_operator.child import Child
from actgate_operator.comparison import Content, content_of, differences
from actgate_operator.names import MANAGER, RESTARTED_ANNOTATION, STATE_ANNOTATION

_MOST: Final = 8
"""So many paths say enough."""


class Verifier:
    """Remembers which content of a child is ours."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._known: dict[tuple[Resource, Key], tuple[str, int]] = {}

    async def foreign(self, kind: Resource, planned: Object, child: Child) -> list[str]:
        """Return the paths at which a child holds what an apply of its plan would not leave there.

        Raises:
            ClusterError: The API server did not answer.
        """
        key, token, raw = key_of(planned), _token(planned, child.content), child.content.raw
        if self._known.get((kind, key)) == token or (
            raw is not None and not _first(differences(raw, planned))
        ):
            self._known[kind, key] = token
            child.content.forget()
            return []
        live = await self._cluster.get(kind, key[1], key[0])
        content = content_of(live)
        found = _first(differences(content, planned))
        with suppress(Invalid, Forbidden):  # Then only a write for real can say what is wrong.
            expected = await self._cluster.replace(
                kind, in_place(kind, planned, live), field_manager=MANAGER, dry_run=True
            )
            found = _first(differences(content, expected))
            if not found:
                self._known[kind, key] = _token(planned, Content(content))
        return found

    def accept(self, kind: Resource, planned: Object, child: Child) -> None:
        """Remember the content of a child as ours."""
        self._known[kind, key_of(planned)] = _token(planned, child.content)
        child.content.forget()


def in_place(kind: Resource, planned: Object, live: Object) -> Object:
    """Return a plan as it can be put in place of an object: with what others may have written there."""
    mine, metadata = planned["metadata"], live["metadata"]
    kept = {
        name: {**(metadata.get(name) or {}), **(mine.get(name) or {})} for name in ("labels", "annotations")
    }
    kept["resourceVersion"] = metadata["resourceVersion"]
    if metadata.get("finalizers"):
        kept["finalizers"] = metadata["finalizers"]
    spec: dict[str, Any] = dict(planned["spec"])
    if kind is DEPLOYMENTS:
        spec.setdefault("replicas", live["spec"].get("replicas", 1))
        spec["template"] = _with_restart(spec["template"], live["spec"]["template"])
    return {**planned, "metadata": {**mine, **kept}, "spec": spec}


def _with_restart(template: Object, live: Object) -> Object:
    stamp = ((live.get("metadata") or {}).get("annotations") or {}).get(RESTARTED_ANNOTATION)
    if stamp is None:
        return template
    metadata = template["metadata"]
    annotations = {**metadata.get("annotations", {}), RESTARTED_ANNOTATION: stamp}
    return {**template, "metadata": {**metadata, "annotations": annotations}}


def _token(planned: Object, content: Content) -> tuple[str, int]:
    return planned["metadata"]["annotations"][STATE_ANNOTATION], content.digest


def _first(paths: Iterator[str]) -> list[str]:
    return list(islice(paths, _MOST))
