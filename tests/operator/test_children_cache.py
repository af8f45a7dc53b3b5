"""What is known of children: events of our own writes are no news, whichever comes first, event or answer."""

from __future__ import annotations

from typing import Any

import pytest

from actgate.api.names import API_VERSION
from actgate.kube.objects import Key
from actgate.kube.resources import DEPLOYMENTS
from actgate.kube.store import Change
from actgate_operator.child import read_child
from actgate_operator.children import Children
from tests.operator.fakes import unreachable

KEY = ("credit", "scorer")


def deployment(version: int, *, foreign: bool = False) -> dict[str, Any]:
    """Return a Deployment of a model in a version, where asked for with a field of another manager."""
    fields: dict[str, Any] = {"f:spec": {"f:template": {"f:spec": {"f:hostNetwork": {}}}}}
    manager = {"manager": "kubectl", "operation": "Update", "apiVersion": "apps/v1", "fieldsV1": fields}
    owner = {
        "apiVersion": API_VERSION,
        "kind": "ModelDeployment",
        "name": "scorer",
        "uid": "u",
        "controller": True,
    }
    return {
        "metadata": {
            "namespace": "credit",
            "name": "scorer",
            "uid": "uid",
            "resourceVersion": str(version),
            "ownerReferences": [{**owner, "controller": True}],
            "managedFields": [manager] if foreign else [],
        },
        "spec": {"strategy": {}, "replicas": 1},
    }


def event(version: int, *, foreign: bool = False) -> Change[Any]:
    """Return the event of that version."""
    return Change(KEY, None, read_child(deployment(version, foreign=foreign)))


@pytest.mark.parametrize("event_first", [True, False])
@pytest.mark.parametrize("foreign", [True, False])
def test_the_event_of_our_own_write_is_no_news(event_first: bool, foreign: bool) -> None:
    """What another client added right before our write is: it is in the answer, too."""
    changed: list[Key] = []
    children = Children(unreachable(), changed.append)
    observe = children._listener(DEPLOYMENTS)
    with children.writing(DEPLOYMENTS, KEY):
        if event_first:
            observe(event(5, foreign=foreign))
            assert changed == []
        children.note(DEPLOYMENTS, deployment(5, foreign=foreign))
    if not event_first:
        observe(event(5, foreign=foreign))
    assert changed == ([KEY] if foreign else [])
    observe(event(6))
    assert changed[-1:] == [KEY]


def test_a_write_that_fails_hides_nothing() -> None:
    """Events that came meanwhile are news, as those of other children are at any time."""
    changed: list[Key] = []
    children = Children(unreachable(), changed.append)
    observe = children._listener(DEPLOYMENTS)
    with pytest.raises(RuntimeError, match="no answer"):
        failing_write(children, observe, changed)
    assert changed == [("credit", "other"), KEY]


def failing_write(children: Children, observe: Any, changed: list[Key]) -> None:  # noqa: ANN401
    """Write while events come, without an answer."""
    with children.writing(DEPLOYMENTS, KEY):
        observe(event(5))
        other = deployment(6)
        other["metadata"]["name"] = other["metadata"]["ownerReferences"][0]["name"] = "other"
        observe(Change(("credit", "other"), None, read_child(other)))
        assert changed == [("credit", "other")]
        raise RuntimeError("no answer")


def test_what_was_verified_is_not_kept_again_with_each_event() -> None:
    """A new status comes with the content that is known: thousands of Deployments report theirs at a time."""
    changed: list[Key] = []
    children = Children(unreachable(), changed.append)
    observe = children._listener(DEPLOYMENTS)
    with children.writing(DEPLOYMENTS, KEY):
        written = children.note(DEPLOYMENTS, deployment(5))
    written.content.forget()
    same, other = read_child(deployment(6)), read_child(deployment(7))
    observe(Change(KEY, None, same))
    assert same.content.raw is None
    other.content.digest += 1
    observe(Change(KEY, same, other))
    assert other.content.raw is not None


def test_our_own_write_is_known_once_the_watch_has_it() -> None:
    """Not twice: what the cache has is not kept beside it."""
    changed: list[Key] = []
    children = Children(unreachable(), changed.append)
    with children.writing(DEPLOYMENTS, KEY):
        written = children.note(DEPLOYMENTS, deployment(5))
    assert children.get(DEPLOYMENTS, KEY) is written
    children._listener(DEPLOYMENTS)(event(5))
    assert children.get(DEPLOYMENTS, KEY) is None, "this cache follows no API server"


def test_children_of_one_shape_share_the_record_of_their_fields() -> None:
    """Most models differ by names and values, which the record does not have."""
    assert read_child(deployment(5)).record is read_child(deployment(6)).record
