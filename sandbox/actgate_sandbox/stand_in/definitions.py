"""Keeps the registry in step with the CustomResourceDefinitions in the store."""

from __future__ import annotations

from actgate_sandbox.stand_in import crds
from actgate_sandbox.stand_in.resources import Registry
from actgate_sandbox.stand_in.store import Event, Place


class Definitions:
    """Follows every commit of a definition; what it defines is served from that moment."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def follow(self, place: Place, event: Event) -> None:
        """Listen to the store."""
        if place != crds.PLACE:
            return
        before, now = event.previous, event.current
        if before is not None and now is not None and before.obj["spec"] == now.obj["spec"]:
            return
        self._registry.drop(crds.place_of(event.last.obj))
        if now is not None:
            self._registry.add(crds.resources_of(now.obj))
