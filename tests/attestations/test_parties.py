"""Who counts as one party: signers that share a key or a name, directly or by others."""

from __future__ import annotations

from actgate.attestations.parties import Found, with_parties
from actgate.decision.attestation import Signer


def by_key(key: str) -> Found:
    """Return a signer by a key that is trusted as it is."""
    return Found(Signer(key, key, key), key)


def by_name(key: str, *names: str, root: str = "root") -> Found:
    """Return a signer by a certificate with these names."""
    return Found(Signer(root, root, key, tuple(("uri", name) for name in names)), key, root)


def parties(*attestations: list[Found]) -> list[list[str]]:
    """Return the parties of the signers of each attestation."""
    return [[signer.party for signer in signers] for signers in with_parties(attestations)]


def test_signers_that_share_nothing_are_as_many_parties() -> None:
    """Keys by themselves, names by themselves, and one name under two roots, in whatever order."""
    apart = [by_key("b"), by_key("a"), by_name("c", "x"), by_name("d", "y"), by_name("e", "x", root="other")]
    for found in (apart, apart[::-1]):
        (one,) = parties(found)
        assert len(set(one)) == len(apart)
        several = parties(*([item] for item in found))
        assert [party for (party,) in several] == one


def test_signers_that_share_something_are_one_party() -> None:
    """A key, a name, or others that do; a party between them may come first or last."""
    for linked in (
        [by_key("a"), by_key("a")],
        [by_key("a"), by_name("a", "x")],
        [by_name("a", "x"), by_name("b", "x")],
        [by_name("a", "x"), by_name("a", "y")],
        [by_name("a", "x"), by_name("b", "y"), by_name("c", "x", "y")],
        [by_name("c", "x", "y"), by_name("a", "x"), by_name("b", "y")],
        [by_name("a", "x"), by_name("b", "x"), by_key("b"), by_name("a", "z")],
    ):
        for found in (linked, linked[::-1]):
            (together,) = parties([*found, by_key("stranger"), by_name("s", "stranger")])
            assert len({*together[: len(found)]}) == 1, found
            assert len({*together}) == 3, found


def test_a_party_is_called_by_its_trusted_key_or_else_by_a_name() -> None:
    """So it is the same whichever of its signatures are there; a key that no one trusts is no name for it."""
    ((named, trusted),) = parties([by_name("b", "x"), by_key("b")])
    assert named == trusted == "b"
    ((alone,), (again, other)) = parties([by_name("a", "x")], [by_name("b", "x"), by_name("c", "q")])
    assert alone == again != other
    assert alone.startswith("sha256:")
    assert {alone, other}.isdisjoint({"a", "b", "c", "root"})
