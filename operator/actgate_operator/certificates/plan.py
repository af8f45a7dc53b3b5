"""What to change next, and why that is safe.

A rotation of the authority: a *next* one is stored, then put into ``caBundle`` beside the others, then seen
there for a while, then made the *current* one; only then it signs a leaf. The one before becomes *previous*,
without its key, and stays trusted for as long as a leaf of it can be valid. So at every moment, and after a
kill at every moment, each leaf that some replica may still serve chains to an authority in ``caBundle``.

Where an authority is lost, one that ``caBundle`` already holds and that signed the leaf in use is kept as
previous: nothing is trusted that was not, and nothing that is served is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from actgate_operator.certificates import pki
from actgate_operator.certificates.state import Authorities, Leaf, State

SETTLING: Final = timedelta(seconds=30)
"""How long an authority stands in ``caBundle`` before it signs: each API server observes it by a watch."""


@dataclass(frozen=True)
class KeepAuthorities:
    """Write the authorities."""

    authorities: Authorities
    why: str
    signs: bool = False
    """Whether another authority signs from now on."""


@dataclass(frozen=True)
class Publish:
    """Write ``caBundle`` of every registered webhook."""

    trust: pki.Trust
    why: str


@dataclass(frozen=True)
class Serve:
    """Write the leaf."""

    leaf: Leaf
    why: str


Change: TypeAlias = KeepAuthorities | Publish | Serve


def plan(state: State, names: Sequence[str], now: datetime, settling: timedelta = SETTLING) -> Change | None:
    """Return the next change, None where all is well.

    Args:
        state: What is now.
        names: DNS names and addresses that the leaf is for.
        now: The wall clock's time.
        settling: How long an authority is trusted before it signs.
    """
    return (
        _adopt(state, now)
        or _stage(state, now)
        or _publish(state)
        or _note(state, now)
        or _promote(state, now, settling)
        or _serve(state, names, now)
        or _retire(state, now)
    )


def _adopt(state: State, now: datetime) -> Change | None:
    """Go on trusting who signed the leaf in use, where that is none of ours any more."""
    known = state.authorities
    if state.leaf is None or state.registration is None:
        return None
    served = state.leaf.pair.certificate
    if not pki.valid(served, now) or any(pki.issued_by(served, one) for one in known.trust):
        return None
    bundles = [bundle for bundle in state.registration.bundles.values() if bundle is not None]
    signers = frozenset(one for bundle in bundles for one in bundle if pki.issued_by(served, one))
    if not signers:
        return None
    kept = _with_previous(known, signers, now)
    return KeepAuthorities(kept, "the leaf in use was signed by an authority that is trusted, but not ours")


def _stage(state: State, now: datetime) -> Change | None:
    known = state.authorities
    if known.next is not None and pki.valid(known.next.certificate, now):
        return None
    if known.next is None and known.current is not None and not _authority_due(known.current, now):
        return None
    why = "authority not found" if known.current is None else "two thirds of the authority's life are over"
    return KeepAuthorities(replace(known, next=pki.new_authority(now), next_trusted_since=None), why)


def _authority_due(authority: pki.Pair, now: datetime) -> bool:
    certificate = authority.certificate
    return pki.due(certificate, pki.AUTHORITY_LIFETIME, now) or not pki.valid(certificate, now)


def _publish(state: State) -> Change | None:
    known = state.authorities
    if state.registration is None or state.registration.holds(known.trust):
        return None
    if known.next_trusted_since is not None:
        return KeepAuthorities(
            replace(known, next_trusted_since=None), "caBundle was changed: the wait starts again"
        )
    return Publish(known.trust, "caBundle is not what it has to be")


def _note(state: State, now: datetime) -> Change | None:
    """Remember when the next authority came to be trusted; a time that is yet to come is no memory."""
    known = state.authorities
    if known.next is None or state.registration is None:
        return None
    since = known.next_trusted_since
    if since is not None and since <= now:
        return None
    return KeepAuthorities(
        replace(known, next_trusted_since=now), "the next authority is trusted from now on"
    )


def _promote(state: State, now: datetime, settling: timedelta) -> Change | None:
    known = state.authorities
    if known.next is None or not _is_known(state, now, settling):
        return None
    before = frozenset() if known.current is None else frozenset({known.current.certificate})
    kept = replace(_with_previous(known, before, now), current=known.next, next=None, next_trusted_since=None)
    return KeepAuthorities(kept, "the next authority signs from now on", signs=True)


def _is_known(state: State, now: datetime, settling: timedelta) -> bool:
    """Return whether every API server trusts the next authority, or has no leaf to refuse."""
    if state.registration is None or not _in_use(state, now):
        return True
    since = state.authorities.next_trusted_since
    return since is not None and now - since >= settling


def _in_use(state: State, now: datetime) -> bool:
    """Return whether some leaf may be served that is accepted now."""
    if state.authorities.current is not None:
        return True
    return state.leaf is not None and pki.trusted(state.leaf.pair.certificate, state.authorities.trust, now)


def _serve(state: State, names: Sequence[str], now: datetime) -> Change | None:
    signer = state.authorities.current
    if signer is None or not pki.valid(signer.certificate, now):
        return None
    if (why := _unfit(state.leaf, signer, names, now)) is None:
        return None
    leaf = Leaf(pki.new_leaf(signer, names, now), signer.certificate)
    if not _accepted(leaf, state, now):
        raise pki.UnusableError(
            f"{why}, and the one that was made for it would not be trusted: it is not used"
        )
    return Serve(leaf, why)


def _accepted(leaf: Leaf, state: State, now: datetime) -> bool:
    """Return whether every webhook is called with an authority that the leaf chains to."""
    bundles = [state.authorities.trust]
    if state.registration is not None:
        bundles += [bundle or frozenset() for bundle in state.registration.bundles.values()]
    return all(pki.trusted(leaf.pair.certificate, bundle, now) for bundle in bundles)


def _unfit(leaf: Leaf | None, signer: pki.Pair, names: Sequence[str], now: datetime) -> str | None:
    """Return why another leaf is needed, None where this one will do."""
    if leaf is None:
        return "usable leaf certificate not found"
    certificate = leaf.pair.certificate
    if not pki.issued_by(certificate, signer.certificate):
        return "the leaf was signed by another authority"
    if leaf.authority != signer.certificate:
        return "ca.crt is not the authority of the leaf"
    if pki.names_of(certificate) != frozenset(map(pki.canonical, names)):
        return "the leaf is for other names"
    if not pki.valid(certificate, now) or pki.due(certificate, pki.LEAF_LIFETIME, now):
        return "two thirds of the leaf's life are over"
    return None


def _retire(state: State, now: datetime) -> Change | None:
    """Forget who signed before, once every leaf of theirs has ended."""
    known = state.authorities
    until = known.previous_needed_until
    if not known.previous:
        return None
    if until is None:
        kept = _with_previous(known, known.previous, now)
        return KeepAuthorities(kept, "it is not known for how long earlier authorities are needed")
    if now < until:
        return None
    kept = replace(known, previous=frozenset(), previous_needed_until=None)
    return KeepAuthorities(kept, "no leaf of an earlier authority can be valid any more")


def _with_previous(known: Authorities, more: pki.Trust, now: datetime) -> Authorities:
    if not more:
        return known
    # No leaf that is in use now lives longer than one that were signed now.
    until = max(now + pki.LEAF_LIFETIME, known.previous_needed_until or now)
    return replace(known, previous=known.previous | more, previous_needed_until=until)
