"""Lists and a watch are merged into one state that never runs back in time."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate.kube.errors import Unintelligible
from actgate.kube.objects import Object
from actgate.kube.store import Change, Store, Unreadable


def widget(name: str, version: int, **spec: object) -> Object:
    return {
        "metadata": {
            "name": name,
            "namespace": "ns",
            "uid": f"uid-{name}",
            "resourceVersion": str(version),
        },
        "spec": spec,
    }


def version_in(thing: Object) -> int:
    return int(thing["metadata"]["resourceVersion"])


class Journal:
    """Keeps every change that it receives."""

    def __init__(self) -> None:
        self.changes: list[Change[int]] = []

    def __call__(self, change: Change[int]) -> None:
        """Be the listener."""
        self.changes.append(change)

    def reported(self) -> list[tuple[str, object, object]]:
        """Return name, old and new of each change so far."""
        return [(change.key[1], change.old, change.new) for change in self.changes]


def filled(*things: Object, journal: Journal | None = None) -> Store[int]:
    """Return a store that has taken one complete list."""
    store = Store(version_in, journal)
    store.begin_list()
    for thing in things:
        store.listed(thing)
    store.end_list(max((version_in(thing) for thing in things), default=1))
    return store


def test_a_list_reports_what_is_new_what_changed_and_what_is_gone() -> None:
    """A gap in the watch is closed by the next list, deletions included."""
    journal = Journal()
    store = filled(widget("a", 5), widget("b", 6), widget("c", 7), journal=journal)
    journal.changes.clear()
    store.begin_list()
    for thing in (widget("a", 5), widget("b", 9), widget("d", 10)):
        store.listed(thing)
    store.end_list(12)
    assert journal.reported() == [("b", 6, 9), ("d", None, 10), ("c", 7, None)]
    assert store.items() == [(("ns", "a"), 5), (("ns", "b"), 9), (("ns", "d"), 10)]


def test_an_unchanged_object_is_not_parsed_again() -> None:
    """A periodic list of 100,000 unchanged objects costs no parsing."""
    parsed: list[str] = []
    store = Store(lambda thing: parsed.append(thing["metadata"]["name"]))
    for _ in range(2):
        store.begin_list()
        store.listed(widget("a", 5))
        store.end_list(5)
    assert parsed == ["a"]


def test_a_version_that_holds_nothing_new_is_no_change() -> None:
    """A status that `parse` does not see, say: the value stays the same one, with what is noted on it."""
    changes: list[Change[list[object]]] = []
    store: Store[list[object]] = Store(lambda thing: [thing["spec"]], changes.append)
    store.changed(widget("a", 5, size=1))
    first = store.get(("ns", "a"))
    store.changed(widget("a", 6, size=1))
    assert store.get(("ns", "a")) is first
    store.changed(widget("a", 5, size=2))
    assert store.get(("ns", "a")) is first, "version 6 counts all the same"
    store.changed(widget("a", 7, size=2))
    assert [(change.old, change.new) for change in changes] == [
        (None, [{"size": 1}]),
        ([{"size": 1}], [{"size": 2}]),
    ]


def test_an_outdated_value_is_parsed_again_from_the_same_version() -> None:
    """As when keys are new: a list brings the object again, and an older page does not."""
    keys, changes = [1], list[Change[tuple[object, int]]]()

    def parse(thing: Object) -> tuple[object, int]:
        return thing["spec"]["size"], keys[0]

    store = Store(parse, changes.append, outdated=lambda value: value[1] < keys[0])
    store.begin_list()
    store.listed(widget("a", 5, size=1))
    store.end_list(5)
    assert not store.wants(widget("a", 5, size=1))
    keys[0] = 2
    assert store.wants(widget("a", 5, size=1))
    assert not store.wants(widget("a", 4, size=0)), "history does not run back"
    store.begin_list()
    store.listed(widget("a", 4, size=0))
    assert store.get(("ns", "a")) == (1, 1)
    store.listed(widget("a", 5, size=1))
    assert store.get(("ns", "a")) == (1, 2)
    assert [change.new for change in changes] == [(1, 1), (1, 2)]


def test_an_outdated_value_is_replaced_by_an_equal_one_without_a_change() -> None:
    """What makes it outdated need not be part of what is compared, and must not stay outdated."""

    class Tried(int):
        """A number, and with how many keys it was tried, which no comparison sees."""

        keys = 0

    keys, changes = [1], list[Change[Tried]]()

    def parse(thing: Object) -> Tried:
        value = Tried(thing["spec"]["size"])
        value.keys = keys[0]
        return value

    store = Store(parse, changes.append, outdated=lambda value: value.keys < keys[0])
    store.changed(widget("a", 5, size=1))
    keys[0] = 2
    store.begin_list()
    store.listed(widget("a", 5, size=1))
    found = store.get(("ns", "a"))
    assert isinstance(found, Tried)
    assert (found.keys, len(changes)) == (2, 1)


def test_the_old_state_stays_until_the_list_is_complete() -> None:
    """What an unfinished list has not named is not gone."""
    store = filled(widget("a", 5), widget("b", 6))
    store.begin_list()
    store.listed(widget("a", 5))
    assert store.get(("ns", "b")) == 6


def test_a_list_that_broke_off_removes_nothing_when_the_next_one_begins() -> None:
    """Only the latest list counts, from its own beginning."""
    store = filled(widget("a", 5), widget("b", 6))
    store.begin_list()
    store.listed(widget("a", 5))
    store.begin_list()
    store.listed(widget("b", 6))
    store.end_list(7)
    assert store.items() == [(("ns", "b"), 6)]


def test_an_older_page_does_not_overwrite_a_newer_event() -> None:
    """The watch may be ahead of the snapshot that a list pages through."""
    store = filled(widget("a", 5))
    store.begin_list()
    store.changed(widget("a", 11))
    store.listed(widget("a", 5))
    store.end_list(10)
    assert store.get(("ns", "a")) == 11


def test_an_older_page_does_not_bring_back_what_the_watch_reported_deleted() -> None:
    """A withdrawn manifest stays withdrawn, also while a list still shows it."""
    store = filled(widget("a", 5))
    store.begin_list()
    store.deleted(widget("a", 11))
    store.listed(widget("a", 5))
    store.end_list(10)
    assert store.get(("ns", "a")) is None


def test_an_object_made_after_the_snapshot_survives_the_list() -> None:
    """The list cannot name what did not exist yet."""
    store = filled(widget("a", 5))
    store.begin_list()
    store.listed(widget("a", 5))
    store.changed(widget("b", 11))
    store.end_list(10)
    assert store.get(("ns", "b")) == 11


def test_events_from_before_the_last_list_tell_nothing() -> None:
    """A watch that lags behind a list does not bring back what was made and deleted meanwhile."""
    journal = Journal()
    store = filled(widget("a", 5), journal=journal)
    store.begin_list()
    store.listed(widget("a", 5))
    store.end_list(10)
    journal.changes.clear()
    store.changed(widget("b", 7))
    store.deleted(widget("b", 8))
    assert journal.reported() == []


def test_a_late_deletion_does_not_remove_the_successor() -> None:
    """Deleted at 7, made again at 8, listed at 10: the deletion is history when it comes."""
    store = filled(widget("a", 5))
    store.begin_list()
    store.listed(widget("a", 8))
    store.end_list(10)
    store.deleted(widget("a", 7))
    assert store.get(("ns", "a")) == 8


def test_what_was_made_and_deleted_while_a_list_ran_is_gone_at_its_end() -> None:
    """Also when the watch that reported its creation is lost before it reports its deletion."""
    store = filled(widget("a", 5))
    store.begin_list()
    store.listed(widget("a", 5))
    store.changed(widget("b", 7))
    store.end_list(10)
    assert store.get(("ns", "b")) is None


def test_after_a_rewind_the_list_wins_over_higher_versions() -> None:
    """An API server restored from a backup counts anew: what it does not name is gone."""
    journal = Journal()
    store = filled(widget("a", 500), widget("b", 501), widget("c", 502), journal=journal)
    journal.changes.clear()
    store.begin_list()
    store.rewind()
    store.listed(widget("a", 40))
    store.listed(widget("b", 501))
    store.end_list(60)
    assert journal.reported() == [("a", 500, 40), ("c", 502, None)]
    store.changed(widget("a", 61))
    assert store.get(("ns", "a")) == 61


def test_an_object_that_parse_refuses_is_marked_and_not_forgotten(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No entry would read as "there is none"; the same error is logged once."""

    def parse(thing: Object) -> int:
        if "bad" in thing["spec"]:
            raise ValueError("bias is not a number")
        return version_in(thing)

    store = Store(parse)
    store.begin_list()
    store.listed(widget("good", 4))
    store.listed(widget("a", 5, bad=True))
    store.end_list(5)
    with caplog.at_level(logging.ERROR):
        caplog.clear()
        store.changed(widget("a", 6, bad=True))
    assert store.get(("ns", "a")) == Unreadable("ValueError: bias is not a number", "uid-a", "6")
    assert store.get(("ns", "good")) == 4
    assert not caplog.records
    store.changed(widget("a", 7))
    assert store.get(("ns", "a")) == 7


def test_an_unreadable_object_is_logged_when_it_turns_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log names the object; nothing of its content."""
    store: Store[int] = Store(lambda thing: int(thing["spec"]["secret"]))
    store.changed(widget("a", 5, secret="x"))
    assert [record.getMessage() for record in caplog.records] == ["ns/a cannot be read"]


def test_a_listener_that_fails_does_not_blind_the_store(caplog: pytest.LogCaptureFixture) -> None:
    """The knowledge is kept, the failure is logged."""

    def listen(change: Change[int]) -> None:
        raise RuntimeError("the listener is broken")

    store = Store(version_in, listen)
    store.changed(widget("a", 5))
    assert store.get(("ns", "a")) == 5
    assert "a listener failed on a change of ns/a" in caplog.text


@pytest.mark.parametrize(
    "thing",
    [
        {},
        {"metadata": {}},
        {"metadata": None},
        {"metadata": {"name": "a"}},
        {"metadata": {"name": "a", "resourceVersion": "new"}},
    ],
)
def test_an_object_without_name_or_version_is_refused(thing: Object) -> None:
    """The API server sends none; something else is speaking, and it is not believed."""
    with pytest.raises(Unintelligible):
        Store(version_in).changed(thing)


class History:
    """What truly happened to some objects: every state at every version."""

    def __init__(self, steps: list[tuple[str, bool]]) -> None:
        self.events: list[tuple[str, Object]] = []
        self.states: list[dict[str, int]] = [{}]
        for version, (name, keep) in enumerate(steps, start=1):
            state = dict(self.states[-1])
            if keep:
                kind = "changed"
                state[name] = version
            elif state.pop(name, None) is not None:
                kind = "deleted"
            else:
                kind = "elsewhere"
            self.events.append((kind, widget(name, version)))
            self.states.append(state)

    @property
    def now(self) -> int:
        """The latest version."""
        return len(self.events)

    def tell(self, store: Store[int], version: int) -> None:
        """Let the watch tell what happened at this version."""
        kind, thing = self.events[version - 1]
        if kind == "changed":
            store.changed(thing)
        elif kind == "deleted":
            store.deleted(thing)


@given(
    steps=st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), min_size=1, max_size=30),
    draws=st.data(),
)
def test_however_lists_and_the_watch_meet_the_truth_comes_out(
    steps: list[tuple[str, bool]], draws: st.DataObject
) -> None:
    """Pages and events interleave at will; no object ever runs back, and at the end all is true."""
    history = History(steps)
    last: dict[str, int] = {}

    def never_back(change: Change[int]) -> None:
        name = change.key[1]
        if isinstance(change.new, int):
            assert change.new > last.get(name, 0)
            last[name] = change.new

    store = Store(version_in, never_back)
    heard = snapshot = 0
    for _ in range(draws.draw(st.integers(1, 3), label="lists")):
        snapshot = draws.draw(st.integers(max(heard, snapshot), history.now), label="snapshot")
        store.begin_list()
        for name in sorted(history.states[snapshot]):
            for _ in range(draws.draw(st.integers(0, 4), label="events before a page")):
                if heard < history.now:
                    heard += 1
                    history.tell(store, heard)
            store.listed(widget(name, history.states[snapshot][name]))
        if draws.draw(st.booleans(), label="complete"):
            store.end_list(snapshot)
            if draws.draw(st.booleans(), label="the watch starts anew"):
                heard = max(heard, snapshot)
            expected = history.states[max(heard, snapshot)]
            assert {key[1]: value for key, value in store.items()} == expected
    while heard < history.now:
        heard += 1
        history.tell(store, heard)
    assert {key[1]: value for key, value in store.items()} == history.states[-1]
