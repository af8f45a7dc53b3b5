"""The Merkle tree over the lines of a log: RFC 9162 section 2.1 (as RFC 6962), SHA-256.

A tree that grows is kept as the roots of its complete subtrees, from the largest to the smallest: 30 hashes
for 10**9 leaves. Proofs are made from the leaf hashes of a whole log, and checked from a root alone.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

HASH_SIZE: Final = 32
EMPTY: Final = hashlib.sha256(b"").digest()
"""Root of a tree without leaves."""

_sha256 = hashlib.sha256


def leaf_hash(line: bytes) -> bytes:
    """Return the hash of a leaf."""
    return _sha256(b"\0" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above two others."""
    return _sha256(b"\1" + left + right).digest()


class Tree:
    """A tree that only grows; of its leaves nothing is kept but what its root takes."""

    __slots__ = ("size", "subtrees")

    def __init__(self, size: int = 0, subtrees: Sequence[bytes] = ()) -> None:
        """Take a tree up where it was: its size, and the roots of its complete subtrees, largest first.

        Raises:
            ValueError: There are not as many as a tree of that size has.
        """
        if len(subtrees) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} complete subtrees")
        self.size = size
        self.subtrees = list(subtrees)

    def add(self, leaf: bytes) -> None:
        """Add a leaf by its hash."""
        size = self.size
        subtrees = self.subtrees
        while size & 1:
            leaf = _sha256(b"\1" + subtrees.pop() + leaf).digest()
            size >>= 1
        subtrees.append(leaf)
        self.size += 1

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Add leaves by their hashes, whole subtrees at once where they fit, which is faster than ``add``."""
        at = 0
        while at < len(leaves):
            room = self.size & -self.size or _BATCH
            width = min(room, _BATCH, 1 << (len(leaves) - at).bit_length() - 1)
            self._add_subtree(subtree_root(leaves[at : at + width]), width)
            at += width

    def _add_subtree(self, root: bytes, width: int) -> None:
        size = self.size // width
        while size & 1:
            root = _sha256(b"\1" + self.subtrees.pop() + root).digest()
            size >>= 1
        self.subtrees.append(root)
        self.size += width

    def root(self) -> bytes:
        """Return the root."""
        if not self.subtrees:
            return EMPTY
        *rest, root = self.subtrees
        for subtree in reversed(rest):
            root = node_hash(subtree, root)
        return root

    def copy(self) -> "Tree":
        """Return the tree as it is, to grow by itself."""
        return Tree(self.size, self.subtrees)


_BATCH: Final = 4096


def subtree_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over hashes of which there are a power of two."""
    while len(hashes) > 1:
        hashes = [
            _sha256(b"\1" + left + right).digest()
            for left, right in zip(hashes[::2], hashes[1::2], strict=True)
        ]
    return hashes[0]


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over the hashes of all leaves."""
    tree = Tree()
    tree.extend(leaves)
    return tree.root()


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the proof that a leaf is in the tree: RFC 9162 section 2.1.3.1.

    Raises:
        IndexError: There is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"there is no leaf {index} in a tree of {len(leaves)}")
    proof: list[bytes] = []
    begin, end = 0, len(leaves)
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            proof.append(root_of(leaves[middle:end]))
            end = middle
        else:
            proof.append(root_of(leaves[begin:middle]))
            begin = middle
    return proof[::-1]


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """Return the root that a proof leads to, RFC 9162 section 2.1.3.2; None where it fits no such tree."""
    if not 0 <= index < size:
        return None
    place, last = index, size - 1
    root = leaf
    for step in proof:
        if last == 0:
            return None
        if place & 1 or place == last:
            root = node_hash(step, root)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            root = node_hash(root, step)
        place >>= 1
        last >>= 1
    return root if last == 0 else None


def consistency_proof(leaves: Sequence[bytes], first: int) -> list[bytes]:
    """Return the proof that a tree of ``first`` leaves grew into that of all: RFC 9162 section 2.1.4.1.

    Raises:
        IndexError: The tree never had that size.
    """
    if not 0 < first <= len(leaves):
        raise IndexError(f"a tree of {len(leaves)} leaves has no consistency proof from {first}")
    proof: list[bytes] = []
    begin, end = 0, len(leaves)
    while first != end:
        middle = begin + _split(end - begin)
        if first <= middle:
            proof.append(root_of(leaves[middle:end]))
            end = middle
        else:
            proof.append(root_of(leaves[begin:middle]))
            begin = middle
    if begin:
        proof.append(root_of(leaves[begin:end]))
    return proof[::-1]


def is_consistent(first: int, first_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Return whether a proof shows that one tree grew into another: RFC 9162 section 2.1.4.2."""
    if not 0 < first <= size:
        return False
    if first == size:
        return not proof and first_root == root
    steps = list(proof)
    if first & (first - 1) == 0:
        steps.insert(0, first_root)
    if not steps:
        return False
    place, last = first - 1, size - 1
    while place & 1:
        place >>= 1
        last >>= 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            new = node_hash(new, step)
        place >>= 1
        last >>= 1
    return last == 0 and old == first_root and new == root


def _split(size: int) -> int:
    """Return the largest power of two below ``size``, which is 2 or more."""
    return 1 << (size - 1).bit_length() - 1
