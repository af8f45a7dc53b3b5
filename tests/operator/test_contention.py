"""Reverts that another field manager keeps changing back: at once a few times, and then ever later."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actgate_operator.contention import BURST, LONGEST_SECONDS, Contention

KEY = ("credit", "scorer")


class Fight:
    """A clock, and another field manager that changes a child as soon as it is reverted."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.contention = Contention(lambda: self.now)

    def revert(self) -> float:
        """Revert as soon as that may be; return after how many seconds."""
        begun = self.now
        while left := self.contention.left(KEY):
            self.now += left
        self.contention.note(KEY)
        return self.now - begun


def test_a_few_reverts_are_made_at_once_and_the_next_ones_later_and_later() -> None:
    """Up to a longest pause, which holds for ever."""
    fight = Fight()
    pauses = [fight.revert() for _ in range(200)]
    assert pauses[:BURST] == [0.0] * BURST
    assert pauses[BURST : BURST + 3] == [1.0, 2.0, 4.0]
    assert pauses[BURST:] == sorted(pauses[BURST:])
    assert pauses[-1] == LONGEST_SECONDS


def test_after_a_calm_while_reverts_are_made_at_once_again() -> None:
    """The other field manager has given up; another edit is another matter."""
    fight = Fight()
    for _ in range(50):
        fight.revert()
    fight.now += 2 * LONGEST_SECONDS + 1
    assert fight.revert() == 0.0
    assert fight.revert() == 0.0


@given(st.lists(st.floats(0, 30), min_size=1, max_size=200))
def test_reverts_are_bounded_whatever_the_pace_of_the_edits(gaps: list[float]) -> None:
    """In any stretch without calm: a burst, and then no more than the pauses allow."""
    fight, reverts = Fight(), 0
    for gap in gaps:
        fight.now += gap
        if fight.contention.left(KEY) == 0:
            fight.contention.note(KEY)
            reverts += 1
    assert reverts <= BURST + 7 + sum(gaps) / LONGEST_SECONDS


def test_children_do_not_wait_for_each_other_and_are_forgotten() -> None:
    """A fight over one child is none over another; those of long ago take no memory."""
    fight = Fight()
    for _ in range(50):
        fight.revert()
    for number in range(5000):
        assert fight.contention.left(("credit", f"other-{number}")) == 0.0
        fight.contention.note(("credit", f"other-{number}"))
        fight.now += 1
    assert len(fight.contention._reverts) < 1100
