from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actgate.trace import merkle
from tests.trace import rfc

ENTRIES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""The test vectors of the Certificate Transparency reference implementations, for RFC 6962."""


def entries(count: int) -> list[bytes]:
    """Return that many entries, all different."""
    return [b"%d" % number for number in range(count)]


def hashes(of: list[bytes]) -> list[bytes]:
    """Return the leaf hashes of entries."""
    return [merkle.leaf_hash(entry) for entry in of]


def test_roots_are_those_of_certificate_transparency() -> None:
    """So that tools for transparency logs read ours."""
    tree = merkle.Tree()
    assert tree.root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for entry, root in zip(ENTRIES, ROOTS, strict=True):
        tree.add(merkle.leaf_hash(entry))
        assert tree.root().hex() == root


def test_every_tree_and_every_proof_up_to_33_leaves_is_that_of_the_rfc() -> None:
    """All sizes, all leaves, all former sizes: the recursive definitions are the oracle."""
    for size in range(1, 34):
        data = entries(size)
        leaves, root = hashes(data), rfc.mth(data)
        assert merkle.root_of(leaves) == root
        for index in range(size):
            proof = merkle.inclusion_proof(leaves, index)
            assert proof == rfc.path(index, data), (size, index)
            assert merkle.root_from_inclusion(leaves[index], index, size, proof) == root
        for first in range(1, size + 1):
            proof = merkle.consistency_proof(leaves, first)
            assert proof == rfc.proof(first, data), (size, first)
            assert merkle.is_consistent(first, rfc.mth(data[:first]), size, root, proof)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=6))
def test_leaves_may_be_added_in_batches_of_any_size(batches: list[int]) -> None:
    """One by one, or as a segment is verified: the same tree, also where it is taken up again."""
    data = entries(sum(batches))
    leaves = hashes(data)
    at_once, one_by_one = merkle.Tree(), merkle.Tree()
    begin = 0
    for width in batches:
        at_once.extend(leaves[begin : begin + width])
        begin += width
        at_once = merkle.Tree(at_once.size, at_once.subtrees)
    for leaf in leaves:
        one_by_one.add(leaf)
    assert at_once.root() == one_by_one.root() == rfc.mth(data)
    assert at_once.subtrees == one_by_one.subtrees


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_no_proof_holds_for_another_leaf_place_size_or_root(data: st.DataObject) -> None:
    """Each part of a proof that changes breaks it."""
    size = data.draw(st.integers(2, 40))
    index = data.draw(st.integers(0, size - 1))
    leaves = hashes(entries(size))
    root = merkle.root_of(leaves)
    proof = merkle.inclusion_proof(leaves, index)
    other = data.draw(st.integers(0, size - 1).filter(lambda number: number != index))
    assert merkle.root_from_inclusion(leaves[other], index, size, proof) != root
    assert merkle.root_from_inclusion(leaves[index], other, size, proof) != root
    assert merkle.root_from_inclusion(leaves[index], index, size, proof[:-1]) != root
    assert merkle.root_from_inclusion(leaves[index], index, size, [*proof, root]) != root
    changed = data.draw(st.integers(0, len(proof) - 1))
    proof[changed] = root
    assert merkle.root_from_inclusion(leaves[index], index, size, proof) != root


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_fork_has_no_consistency_proof(data: st.DataObject) -> None:
    """A tree in which one early leaf is another is never shown as grown from the first."""
    size = data.draw(st.integers(2, 40))
    first = data.draw(st.integers(1, size - 1))
    changed = data.draw(st.integers(0, first - 1))
    before = hashes(entries(size))
    after = list(before)
    after[changed] = merkle.leaf_hash(b"another")
    proof = merkle.consistency_proof(after, first)
    old, new = merkle.root_of(before[:first]), merkle.root_of(after)
    assert not merkle.is_consistent(first, old, size, new, proof)
    assert not merkle.is_consistent(first, merkle.root_of(after[:first]), size, merkle.root_of(before), proof)
    assert not merkle.is_consistent(first, merkle.root_of(after[:first]), size, new, [*proof, new])


def test_proofs_of_what_is_not_in_the_tree_are_refused() -> None:
    """There is no such leaf, or no such former size."""
    leaves = hashes(entries(3))
    with pytest.raises(IndexError, match="there is no leaf 3 in a tree of 3"):
        merkle.inclusion_proof(leaves, 3)
    with pytest.raises(IndexError, match="no consistency proof from 4"):
        merkle.consistency_proof(leaves, 4)
    assert merkle.root_from_inclusion(leaves[0], 3, 3, []) is None
    assert not merkle.is_consistent(0, merkle.EMPTY, 3, merkle.root_of(leaves), [])
    with pytest.raises(ValueError, match="a tree of 3 leaves has 2 complete subtrees"):
        merkle.Tree(3, leaves)
