from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate_operator.certificates import pki
from actgate_operator.certificates.plan import SETTLING, KeepAuthorities, Publish, Serve, plan
from actgate_operator.certificates.state import Authorities, Leaf, State
from tests.operator.certificates.cluster import (
    NAMES,
    RELOADED,
    START,
    Cluster,
    installed,
    registered,
)

pytestmark = pytest.mark.system

DAY = timedelta(days=1)
LEAF_DUE = pki.LEAF_LIFETIME * 2 / 3
AUTHORITY_DUE = pki.AUTHORITY_LIFETIME * 2 / 3


def kinds(cluster: Cluster) -> list[str]:
    """Return what was done, in order."""
    return [type(change).__name__ for change in cluster.changes]


def test_a_new_cluster_gets_an_authority_then_trust_then_a_leaf() -> None:
    """Nothing is signed before it is trusted, and nothing is trusted whose key is not kept."""
    cluster = installed()
    assert kinds(cluster) == ["KeepAuthorities", "Publish", "KeepAuthorities", "KeepAuthorities", "Serve"]
    assert cluster.refused() == []
    known = cluster.state.authorities
    assert known.next is None
    assert known.current is not None
    assert cluster.state.leaf is not None
    assert cluster.state.leaf.authority == known.current.certificate
    assert pki.names_of(cluster.state.leaf.pair.certificate) == set(NAMES)


def test_without_a_registration_there_is_a_leaf_and_nothing_is_registered() -> None:
    """The webhook can start before it is registered; a later registration gets its caBundle."""
    cluster = Cluster()
    cluster.reconcile()
    assert "Publish" not in kinds(cluster)
    assert cluster.state.leaf is not None
    cluster.state = replace(cluster.state, registration=registered())
    cluster.reconcile()
    assert kinds(cluster)[-1] == "Publish"
    assert cluster.refused() == []


def test_a_leaf_is_renewed_at_two_thirds_of_its_life_and_not_before() -> None:
    """The authority stays, and so does caBundle."""
    cluster = installed()
    cluster.wait(LEAF_DUE - timedelta(seconds=1))
    assert len(cluster.served) == 1
    cluster.wait(timedelta(seconds=1))
    assert kinds(cluster)[5:] == ["Serve"]
    assert cluster.refused() == []


def test_an_authority_is_rotated_without_a_gap() -> None:
    """Trusted beside the old one first; then it signs; the old one goes when its last leaf has ended."""
    cluster = installed()
    old = cluster.state.authorities.current
    assert old is not None
    cluster.wait(AUTHORITY_DUE)
    following = cluster.state.authorities.next
    assert following is not None
    assert cluster.state.registration == registered(frozenset({old.certificate, following.certificate}))
    assert cluster.state.leaf is not None
    assert pki.issued_by(cluster.state.leaf.pair.certificate, old.certificate)
    cluster.wait(SETTLING)
    known = cluster.state.authorities
    assert known.current == following
    assert known.previous == {old.certificate}
    assert pki.issued_by(cluster.state.leaf.pair.certificate, following.certificate)
    last_of_old = cluster.served[-2][1]
    cluster.wait(pki.LEAF_LIFETIME - timedelta(seconds=1))
    assert cluster.state.registration == registered(frozenset({old.certificate, following.certificate}))
    cluster.wait(timedelta(seconds=1))
    assert cluster.state.registration == registered(frozenset({following.certificate}))
    assert not pki.valid(last_of_old, cluster.now)


def test_the_key_of_an_authority_is_forgotten_as_soon_as_it_signs_no_more() -> None:
    """Previous authorities are certificates alone."""
    cluster = installed()
    old = cluster.state.authorities.current
    cluster.wait(AUTHORITY_DUE)
    cluster.wait(SETTLING)
    known = cluster.state.authorities
    assert old is not None
    assert old not in (known.current, known.next)


def test_a_lost_authority_is_replaced_as_gently_as_an_old_one() -> None:
    """Deleting its Secret is how a person rotates it: what is served stays trusted the whole time."""
    cluster = installed()
    old = cluster.state.authorities.current
    assert old is not None
    cluster.state = replace(cluster.state, authorities=Authorities())
    while cluster.step() is not None:
        assert cluster.refused() == []
    assert cluster.state.authorities.previous == {old.certificate}
    cluster.wait(SETTLING)
    assert cluster.refused() == []
    new = cluster.state.authorities.current
    assert new not in (None, old)
    assert len(cluster.served) == 2


def test_nothing_is_trusted_that_was_not() -> None:
    """A leaf of an authority that caBundle does not hold is replaced, and its authority is not adopted."""
    cluster = installed()
    before = cluster.state.registration
    stranger = pki.new_authority(START)
    foreign = Leaf(pki.new_leaf(stranger, NAMES, START), stranger.certificate)
    cluster.state = replace(cluster.state, leaf=foreign)
    cluster.reconcile()
    assert cluster.state.registration == before
    assert cluster.state.leaf != foreign
    assert cluster.refused() == []


def test_deleting_both_secrets_ends_the_trust_in_both() -> None:
    """The way out after a stolen key: nothing of before is trusted any more."""
    cluster = installed()
    old = cluster.state.authorities.current
    assert old is not None
    cluster.state = replace(cluster.state, authorities=Authorities(), leaf=None)
    cluster.reconcile()
    assert cluster.state.registration is not None
    assert not cluster.state.registration.trusts(old.certificate)
    assert cluster.state.leaf is not None


@pytest.mark.parametrize("jump", [366 * DAY, -366 * DAY], ids=["ahead", "behind"])
def test_what_a_clock_a_year_off_makes_is_accepted(jump: timedelta) -> None:
    """The leader's clock alone is wrong: calls by the right clock succeed, then and when it is set right."""
    cluster = installed()
    cluster.wait(20 * DAY)
    cluster.ahead = jump
    while cluster.step() is not None:
        assert cluster.refused() == []
    cluster.wait(SETTLING)
    assert cluster.refused() == []
    cluster.ahead = timedelta()
    while cluster.step() is not None:
        assert cluster.refused() == []
    cluster.wait(SETTLING)
    assert cluster.refused() == []


def test_a_cluster_whose_clock_jumps_by_a_year_has_a_valid_leaf_at_once() -> None:
    """Everything of before has expired or is due; the next reconcile renews it."""
    cluster = installed()
    cluster.wait(366 * DAY)
    cluster.now += RELOADED
    assert cluster.refused() == []


def test_what_expired_altogether_is_made_anew() -> None:
    """A cluster that was off for ten years: authority and leaf are over, and both are replaced."""
    cluster = installed()
    cluster.wait(3650 * DAY)
    cluster.wait(SETTLING)
    cluster.now += RELOADED
    assert cluster.refused() == []


def test_other_names_mean_another_leaf() -> None:
    """A leaf is for the names that are asked for, however they are written; the same ones change nothing."""
    state = installed().state
    assert isinstance(plan(state, (*NAMES, "10.0.0.1"), START), Serve)
    assert plan(state, tuple(reversed(NAMES)), START) is None
    odd = Cluster(State(registration=registered()))
    odd.reconcile()
    leaf = plan(odd.state, (*NAMES, "0:0:0:0:0:0:0:1"), START)
    assert isinstance(leaf, Serve)
    assert plan(replace(odd.state, leaf=leaf.leaf), (*NAMES, "::1"), START) is None


def test_a_leaf_beside_another_authority_is_made_anew() -> None:
    """A client that trusts ca.crt, a scraper say, is not misled."""
    state = installed().state
    assert state.leaf is not None
    for authority in (None, pki.new_authority(START).certificate):
        assert isinstance(
            plan(replace(state, leaf=replace(state.leaf, authority=authority)), NAMES, START), Serve
        )


def test_a_wait_that_began_in_the_future_begins_now() -> None:
    """A clock that was set back by a year does not put a rotation off by a year."""
    cluster = installed()
    cluster.wait(AUTHORITY_DUE)
    following = cluster.state.authorities.next
    assert following is not None
    cluster.wait(-timedelta(days=10))
    assert cluster.state.authorities.next_trusted_since == cluster.now
    cluster.wait(SETTLING)
    assert cluster.state.authorities.current == following


def test_a_leaf_that_would_not_be_trusted_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checked against each caBundle before it is written: a defect here must not become an outage."""
    state = replace(installed().state, leaf=None)
    stranger = pki.new_authority(START)
    made = pki.new_leaf(stranger, NAMES, START)
    monkeypatch.setattr(pki, "new_leaf", lambda *_: made)
    with pytest.raises(pki.UnusableError, match="would not be trusted"):
        plan(state, NAMES, START)


def test_earlier_authorities_of_unknown_need_are_kept_for_a_leaf_s_life() -> None:
    """Who removes the annotation does not remove the trust."""
    cluster = installed()
    cluster.wait(AUTHORITY_DUE)
    cluster.wait(SETTLING)
    known = cluster.state.authorities
    cluster.state = replace(cluster.state, authorities=replace(known, previous_needed_until=None))
    cluster.reconcile()
    assert cluster.state.authorities.previous == known.previous
    assert cluster.state.authorities.previous_needed_until == cluster.now + pki.LEAF_LIFETIME


def damage(cluster: Cluster, how: str) -> None:
    """Break one thing as a user might."""
    state, known = cluster.state, cluster.state.authorities
    match how:
        case "caBundle emptied":
            cluster.state = replace(state, registration=registered())
            cluster.published.clear()
        case "caBundle garbage":
            cluster.state = replace(state, registration=registered(None))
        case "registration deleted":
            cluster.state = replace(state, registration=None)
        case "registration installed" if state.registration is None:
            cluster.state = replace(state, registration=registered())
        case "authorities deleted":
            cluster.state = replace(state, authorities=Authorities())
        case "leaf deleted":
            cluster.state = replace(state, leaf=None)
        case "current key lost":
            cluster.state = replace(state, authorities=replace(known, current=None))
        case "next lost":
            cluster.state = replace(state, authorities=replace(known, next=None))
        case "times lost":
            kept = replace(known, next_trusted_since=None, previous_needed_until=None)
            cluster.state = replace(state, authorities=kept)


GENTLE = ("leaf deleted", "next lost", "times lost")
"""What others may do at any time without a moment in which a leaf is refused."""
ROUGH = ("caBundle emptied", "caBundle garbage", "registration deleted", "registration installed",
         "authorities deleted", "current key lost")  # fmt: skip

TIMES = (
    timedelta(seconds=1),
    timedelta(seconds=10),
    SETTLING,
    RELOADED,
    timedelta(hours=6),
    20 * DAY,
    LEAF_DUE,
    pki.LEAF_LIFETIME,
    AUTHORITY_DUE,
)
MOVES = st.one_of(st.integers(1, 6), st.sampled_from(TIMES))
"""So many changes and then a kill, or so much time and then all changes that are due."""


def ran(cluster: Cluster, moves: list[int | timedelta | str]) -> None:
    """Make moves, and ask after every change and every while whether each leaf is trusted."""
    for move in moves:
        if isinstance(move, int):
            for _ in range(move):
                stepped(cluster)
        elif isinstance(move, timedelta):
            passed(cluster, move)
        else:
            damage(cluster, move)


def stepped(cluster: Cluster) -> bool:
    """Let one change be made; what it trusts is what the Secret holds by then."""
    change = cluster.step()
    if isinstance(change, Publish):
        assert change.trust == cluster.state.authorities.trust
    assert cluster.refused() == [], [change.why for change in cluster.changes]
    return change is not None


def passed(cluster: Cluster, time: timedelta) -> None:
    """Let time pass, in which a replica leads at least once in the last third of a leaf's life."""
    longest = pki.LEAF_LIFETIME / 3 - DAY
    while time > timedelta():
        for piece in (min(time, longest), SETTLING):
            cluster.now += piece
            assert cluster.refused() == [], [change.why for change in cluster.changes]
            while stepped(cluster):
                pass
        time -= longest


@given(st.lists(MOVES, min_size=1, max_size=8))
def test_every_leaf_that_may_be_served_is_trusted_at_every_moment(moves: list[int | timedelta | str]) -> None:
    """Whenever the operator is killed, and however long no replica leads, within a third of a leaf's life."""
    ran(installed(), moves)


@given(st.lists(st.one_of(MOVES, st.sampled_from(GENTLE)), min_size=1, max_size=8))
def test_gentle_damage_at_any_moment_leaves_no_gap(moves: list[int | timedelta | str]) -> None:
    """A deleted leaf, a lost next authority and lost times are replaced while everything is trusted."""
    ran(installed(), moves)


@given(
    st.lists(st.one_of(MOVES, st.just("caBundle emptied"), st.sampled_from(GENTLE)), min_size=1, max_size=8)
)
def test_an_authority_is_known_before_its_first_leaf(moves: list[int | timedelta | str]) -> None:
    """It has stood in caBundle without a break for long enough for every API server to have observed it."""
    cluster = installed()
    for move in [*moves, AUTHORITY_DUE, SETTLING, "caBundle emptied", 6, SETTLING]:
        if isinstance(move, str):
            damage(cluster, move)
            continue
        if isinstance(move, timedelta):
            cluster.now += move
        for _ in range(move if isinstance(move, int) else 10):
            seen, published = cluster.state.authorities.current, cluster.published
            if isinstance(cluster.step(), KeepAuthorities) and cluster.state.authorities.current != seen:
                new = cluster.state.authorities.current
                assert new is not None
                assert cluster.now - published[new.certificate] >= SETTLING


@given(st.lists(st.tuples(st.sampled_from(GENTLE + ROUGH), st.integers(0, 6)), min_size=1, max_size=8))
def test_any_damage_is_repaired(damages: list[tuple[str, int]]) -> None:
    """Once the damage ends, a pass, the settling and the kubelet's delay lead to a state that is whole."""
    cluster = installed()
    for how, steps in damages:
        damage(cluster, how)
        for _ in range(steps):
            cluster.step()
    cluster.reconcile()
    cluster.wait(SETTLING)
    cluster.now += RELOADED
    assert cluster.step() is None
    assert cluster.refused() == []
    leaf, current = cluster.state.leaf, cluster.state.authorities.current
    assert leaf is not None
    assert current is not None
    assert pki.trusted(leaf.pair.certificate, [current.certificate], cluster.now)
