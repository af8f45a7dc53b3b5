from __future__ import annotations

import pytest

from actgate_sandbox.stand_in.store import ChangedError, CompactedError, Key, Place, Store

THINGS = Place("test", "things")


def thing(name: str, **metadata: object) -> dict[str, object]:
    """Make an object; its uid is its name."""
    return {"apiVersion": "test/v1", "kind": "Thing", "metadata": {"uid": name, **metadata}}


def test_a_commit_is_a_compare_and_swap() -> None:
    """A writer that did not start from the current state gets an error."""
    store, key = Store(), Key("", "a")
    first = store.commit(THINGS, key, thing("a"), None)
    second = store.commit(THINGS, key, first.copy(), first)
    assert second.revision > first.revision
    for stale in (None, first):
        with pytest.raises(ChangedError):
            store.commit(THINGS, key, thing("a"), stale)
    with pytest.raises(ChangedError):
        store.remove(THINGS, key, first)
    assert store.get(THINGS, key) is second


def test_a_copy_shares_nothing_with_the_store() -> None:
    """A change of a copy changes no stored object."""
    store = Store()
    stored = store.commit(THINGS, Key("", "a"), thing("a", labels={"x": "y"}), None)
    stored.copy()["metadata"]["labels"]["x"] = "z"
    assert stored.obj["metadata"]["labels"] == {"x": "y"}


def test_events_are_remembered_in_order() -> None:
    """Since a revision means after it."""
    store, key = Store(), Key("", "a")
    first = store.commit(THINGS, key, thing("a"), None)
    second = store.commit(THINGS, key, first.copy(), first)
    last = store.remove(THINGS, key, second)
    events = list(store.since(THINGS, first.revision))
    assert [event.revision for event in events] == [second.revision, last.revision]
    assert [event.current is None for event in events] == [False, True]
    assert events[1].last.obj["metadata"]["resourceVersion"] == str(last.revision)


def test_history_is_bounded() -> None:
    """What was forgotten is refused, and not skipped."""
    store = Store(history=3)
    stored = [store.commit(THINGS, Key("", str(n)), thing(str(n)), None) for n in range(5)]
    assert len(list(store.since(THINGS, stored[1].revision))) == 3
    with pytest.raises(CompactedError, match=f"too old resource version: {stored[0].revision}"):
        store.since(THINGS, stored[0].revision)


def test_compaction_forgets_everything() -> None:
    """Only a watch from now on is possible."""
    store = Store()
    before = store.commit(THINGS, Key("", "a"), thing("a"), None).revision
    store.commit(THINGS, Key("", "b"), thing("b"), None)
    store.compact()
    with pytest.raises(CompactedError):
        store.since(THINGS, before)
    assert list(store.since(THINGS, store.revision)) == []


def test_a_list_is_in_the_order_of_keys() -> None:
    """Namespaces first, then names, whatever the order of creation."""
    store = Store()
    for namespace, name in (("b", "a"), ("a", "b"), ("a", "a")):
        uid = namespace + name
        store.commit(THINGS, Key(namespace, name), thing(uid), None)
    assert [item.obj["metadata"]["uid"] for item in store.all_of(THINGS)] == ["aa", "ab", "ba"]
    assert [item.obj["metadata"]["uid"] for item in store.all_of(THINGS, "a")] == ["aa", "ab"]


def test_dependents_are_found_by_their_owner() -> None:
    """The index follows every change of owner references."""
    store, key = Store(), Key("", "child")
    owners = [{"uid": "one"}, {"uid": "two"}]
    child = store.commit(THINGS, key, thing("child", ownerReferences=owners), None)
    assert store.dependents["one"] == store.dependents["two"] == {(THINGS, key)}
    changed = child.copy()
    changed["metadata"]["ownerReferences"] = owners[1:]
    child = store.commit(THINGS, key, changed, child)
    assert "one" not in store.dependents
    store.remove(THINGS, key, child)
    assert "two" not in store.dependents
    assert "child" not in store.by_uid
