"""What is served: one `Resource` per kind and version, and the registry that finds it by path."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from actgate_sandbox.schema import Schema
from actgate_sandbox.stand_in.store import Place
from actgate_sandbox.status import Cause, Json, Object

VERBS = ("create", "delete", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`."""

    name: str
    path: str
    """A simple JSONPath."""
    type: str = "string"
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Scale:
    """Where an object keeps what its scale subresource shows: simple JSONPaths."""

    spec: str
    status: str
    selector: str | None


def _nothing(_new: Object, _old: Object | None) -> None:
    return None


def _no_causes(_new: Object, _old: Object | None) -> list[Cause]:
    return []


@dataclass(frozen=True, eq=False)
class Resource:
    """One kind in one version, and everything that makes it differ from other kinds."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    singular: str = ""
    list_kind: str = ""
    status: bool = False
    scale: Scale | None = None
    columns: tuple[Column, ...] = ()
    selectable: tuple[str, ...] = ()
    custom: bool = False
    counted: bool = False
    """Whether `metadata.generation` counts changes of the spec."""
    unconditional: bool = True
    """Whether it may be replaced without saying which resourceVersion is meant."""
    source: Callable[[], Mapping[str, Any]] = dict
    """Makes the OpenAPI v3 schema of the whole object, on first use."""
    prepare: Callable[[Object, Object | None], None] = _nothing
    """Defaults that a schema cannot say; changes the new object."""
    allocate: Callable[[Object, Object | None], None] = _nothing
    """Fields that only the server sets, and that no field manager owns; changes the new object."""
    skeleton: Mapping[str, Any] = field(default_factory=dict)
    """Parts that every object of the kind has, and that no field manager owns."""
    check: Callable[[Object, Object | None], list[Cause]] = _no_causes
    """Rules of the kind that a schema cannot say."""
    shared_place: str | None = None
    """The group whose objects these are another face of."""
    to_stored: Callable[[Object], Object] | None = None
    from_stored: Callable[[Object], Object] | None = None

    @property
    def api_version(self) -> str:
        """Return `group/version` as objects write it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def path(self) -> str:
        """Return the path below which this group and version is served."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    @property
    def place(self) -> Place:
        """Return where its objects are kept."""
        group = self.group if self.shared_place is None else self.shared_place
        return Place(group, self.plural)

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """The OpenAPI v3 schema of the whole object."""
        return self.source()

    @cached_property
    def compiled(self) -> Schema:
        """The same schema, ready to default, prune and validate."""
        return Schema(self.schema)

    def stored(self, obj: Object) -> Object:
        """Bring an object of this version into the version that is stored."""
        return self.to_stored(obj) if self.to_stored else obj

    def shown(self, obj: Object) -> Object:
        """Bring a stored object into this version."""
        return self.from_stored(obj) if self.from_stored else obj


@dataclass(slots=True)
class Registry:
    """All resources served now."""

    _resources: dict[tuple[str, str, str], Resource] = field(default_factory=dict)

    def add(self, resources: Iterable[Resource]) -> None:
        """Serve these resources; one of the same group, version and plural is replaced."""
        for resource in resources:
            self._resources[resource.group, resource.version, resource.plural] = resource

    def drop(self, place: Place) -> None:
        """Stop serving every version of a place."""
        for key in [key for key, found in self._resources.items() if found.place == place]:
            del self._resources[key]

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """Return the resource at a path, or None."""
        return self._resources.get((group, version, plural))

    def of_place(self, place: Place) -> Resource | None:
        """Return the resource in whose version the objects of a place are stored."""
        return next((item for item in self if item.place == place and item.to_stored is None), None)

    def of_version(self, group: str, version: str) -> list[Resource]:
        """Return the resources of one group and version."""
        return [item for item in self if (item.group, item.version) == (group, version)]

    def versions(self) -> dict[str, list[str]]:
        """Return the served versions by group."""
        groups: dict[str, list[str]] = {}
        for resource in self:
            versions = groups.setdefault(resource.group, [])
            if resource.version not in versions:
                versions.append(resource.version)
        return groups

    def __iter__(self) -> Json:
        return iter(tuple(self._resources.values()))
