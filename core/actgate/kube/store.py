"""What is known about one kind of object: lists and a watch, merged so that time never runs back.

A list and a watch are two tellings of one history, and they may speak at the same time: while the
pages of a list come in, the watch goes on, ahead of the list's snapshot or behind it. Versions
decide. Per object the newer one stays; an object that was deleted while a list runs does not come
back from an older page; what a complete list does not name is gone, unless it is younger than the
list's snapshot; and events from before the last complete list tell nothing new.

One case is different: an API server that was restored from a backup counts from an earlier version
again, and "newer" means nothing any more. `rewind` is for that.

A version in which `parse` finds nothing new, say of a status alone, is no change: the value stays the one
that it was, and no subscriber is called. A value that is outdated for another reason than the version of its
object is parsed again when a list has it, and replaced.

No I/O here, and no clock.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from actgate.kube.objects import Key, Object, key_of, version_of

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """In place of an object that is there and that `parse` could not read: not the same as none."""

    error: str
    uid: str
    resource_version: str


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """What was known about an object and what is: None before it came, None once it is gone."""

    key: Key
    old: "T | Unreadable | None"
    new: "T | Unreadable | None"


class _Entry(Generic[T]):
    """Slots, since there may be 100,000 of them."""

    __slots__ = ("value", "version")

    def __init__(self, value: T | Unreadable, version: int) -> None:
        self.value = value
        self.version = version


Parse = Callable[[Object], T]


class Store(Generic[T]):
    """The values that `parse` made of the objects, and the versions at which it did.

    `outdated` says of a value that the same object would be parsed to another one now.
    """

    def __init__(
        self,
        parse: Parse[T],
        on_change: Callable[[Change[T]], None] | None = None,
        outdated: Callable[[T], bool] = lambda _: False,
    ) -> None:
        self._parse = parse
        self._on_change = on_change
        self._outdated = outdated
        self._entries: dict[Key, _Entry[T]] = {}
        self._listed_at = 0
        self._unlisted: set[Key] = set()
        self._deleted_meanwhile: dict[Key, int] = {}
        self._listing = False

    def get(self, key: Key) -> T | Unreadable | None:
        """Return what is known about an object, None where none is known."""
        entry = self._entries.get(key)
        return None if entry is None else entry.value

    def items(self) -> list[tuple[Key, T | Unreadable]]:
        """Return everything that is known now; later changes do not show in it."""
        return [(key, entry.value) for key, entry in self._entries.items()]

    def __len__(self) -> int:
        return len(self._entries)

    def begin_list(self) -> None:
        """Expect a list, whole or again from its beginning."""
        self._listing = True
        self._unlisted = set(self._entries)
        self._deleted_meanwhile.clear()

    def wants(self, thing: Object) -> bool:
        """Return whether an object of a list or watch that comes now would be parsed."""
        entry, version = self._entries.get(key_of(thing)), version_of(thing)
        return entry is None or entry.version < version or self._is_outdated(entry, version)

    def listed(self, thing: Object, parse: Parse[T] | None = None) -> None:
        """Take one object of the list; `parse`, where given, is called in place of the usual one."""
        key, version = key_of(thing), version_of(thing)
        self._unlisted.discard(key)
        entry = self._entries.get(key)
        known = self._deleted_meanwhile.get(key, -1) if entry is None else entry.version
        if known < version or (entry is not None and self._is_outdated(entry, version)):
            self._put(key, thing, version, parse)

    def end_list(self, version: int) -> None:
        """Drop what the list, a snapshot at `version`, would have named if it were still there."""
        for key in self._unlisted:
            entry = self._entries.get(key)
            if entry is not None and entry.version <= version:
                self._remove(key)
        self._listing = False
        self._listed_at = version
        self._unlisted.clear()
        self._deleted_meanwhile.clear()

    def changed(self, thing: Object, parse: Parse[T] | None = None) -> None:
        """Take an object that a watch says was added or modified; `parse` as for `listed`."""
        key, version = key_of(thing), version_of(thing)
        entry = self._entries.get(key)
        if version <= self._listed_at or (entry is not None and entry.version >= version):
            return
        if self._listing and entry is None:
            self._unlisted.add(key)
        self._put(key, thing, version, parse)

    def deleted(self, thing: Object) -> None:
        """Take an object that a watch says was deleted; its version is that of the deletion."""
        key, version = key_of(thing), version_of(thing)
        if self._listing:
            self._deleted_meanwhile[key] = version
        entry = self._entries.get(key)
        if entry is not None and entry.version <= version:
            self._remove(key)

    def rewind(self) -> None:
        """Let the list that has begun win over everything: history was replaced by an older one."""
        for entry in self._entries.values():
            entry.version = 0
        self._listed_at = 0
        self._deleted_meanwhile.clear()

    def _is_outdated(self, entry: _Entry[T], version: int) -> bool:
        value = entry.value
        return entry.version == version and not isinstance(value, Unreadable) and self._outdated(value)

    def _put(self, key: Key, thing: Object, version: int, parse: Parse[T] | None) -> None:
        entry = self._entries.get(key)
        old = None if entry is None else entry.value
        new = self._read(key, thing, version, old, parse or self._parse)
        if entry is None:
            self._entries[key] = _Entry(new, version)
        elif new == old:
            entry.version = version
            if not isinstance(old, Unreadable) and old is not None and self._outdated(old):
                entry.value = new
            return
        else:
            entry.value, entry.version = new, version
        self._tell(Change(key, old, new))

    def _remove(self, key: Key) -> None:
        self._tell(Change(key, self._entries.pop(key).value, None))

    def _read(
        self, key: Key, thing: Object, version: int, old: T | Unreadable | None, parse: Parse[T]
    ) -> T | Unreadable:
        try:
            return parse(thing)
        except Exception as error:
            uid = str(thing["metadata"].get("uid", ""))
            unreadable = Unreadable(f"{type(error).__name__}: {error}", uid, str(version))
            if not isinstance(old, Unreadable) or old.error != unreadable.error:
                logger.exception("%s cannot be read", "/".join(filter(None, key)))
            return unreadable

    def _tell(self, change: Change[T]) -> None:
        if self._on_change is None:
            return
        try:
            self._on_change(change)
        except Exception:
            # The listener is wrong, the knowledge is right: to stop here would blind every reader.
            logger.exception("a listener failed on a change of %s", "/".join(change.key))
