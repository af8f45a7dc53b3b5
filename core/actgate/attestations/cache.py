"""What verification found before, so that each (envelope, key) pair is verified once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, TypeVar, cast

T = TypeVar("T")
MOST: Final = 65_536
"""Entries of about 250 bytes: 10,000 manifests with three signatures, each tried with two keys."""


class SignatureCache:
    """Results by what they follow from; the least recently used ones are dropped.

    A result follows from its key alone, bytes and keys being part of it as digests, and so never changes. It
    may be used by several threads; two that need the same result at the same time both compute it.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._found: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._found)

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the result under a key, computed with ``make`` where it is not known."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return cast("T", self._found[key])
        result = make()
        with self._lock:
            self._found[key] = result
            self._found.move_to_end(key)
            while len(self._found) > self._most:
                self._found.popitem(last=False)
        return result
