"""What is kept of an object between two judgements."""

from __future__ import annotations

from actgate.kube.resources import DEPLOYMENTS
from actgate_operator.scan.kept import Kept, Unpacking
from tests.scan.objects import inference_service, kept, server

LARGEST = 1024
"""Bytes of a packed candidate at most: a hundred thousand of them fit into 100 MiB."""


def candidates() -> list[Kept]:
    """Return what is kept of a chain of objects, and of one that loads a URI."""
    top = server("Deployment", "scorer")
    below = server("ReplicaSet", "scorer-1", top)
    return [Kept.of(one, DEPLOYMENTS) for one in kept(top, below, inference_service("credit"))]


def test_a_candidate_comes_back_as_it_was() -> None:
    top, below, service = found = candidates()
    originals = kept(
        server("Deployment", "scorer"),
        server("ReplicaSet", "scorer-1", server("Deployment", "scorer")),
        inference_service("credit"),
    )
    assert [one.candidate() for one in found] == originals
    assert below.controller == top.uid
    assert service.controller is None
    unpacked = Unpacking({one.uid: one for one in found})
    assert dict(unpacked) == {one.uid: one for one in originals}
    assert len(unpacked) == 3


def test_what_is_kept_is_small_and_equal_content_is_equal() -> None:
    """Equal: a change of a status, or of replicas, has nothing judged again."""
    for one, again in zip(candidates(), candidates(), strict=True):
        assert one == again
        assert hash(one) == hash(again)
        assert one.size < LARGEST
    first, second, _ = candidates()
    assert first != second
