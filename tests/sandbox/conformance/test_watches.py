from __future__ import annotations

from itertools import islice

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import MERGE_PATCH, Rest
from tests.sandbox.conformance.paths import Paths
from tests.sandbox.conformance.samples import config_map
from tests.sandbox.conformance.watching import Event, watching
from tests.support.waiting import wait_until


def revision(rest: Rest, path: str) -> str:
    """Return the revision from which a watch continues a list made now."""
    return str(rest("GET", path).body["metadata"]["resourceVersion"])


def shown(event: Event) -> tuple[str, str]:
    """Return an event's type and the object's name."""
    kind, obj = event
    return kind, obj["metadata"].get("name", "")


def test_a_watch_reports_every_change_since_a_revision(
    control_plane: ControlPlane, rest: Rest, paths: Paths
) -> None:
    """What happened before the watch was opened is sent, and in order."""
    start = revision(rest, paths.config_maps)
    rest("POST", paths.config_maps, config_map("a"))
    with watching(control_plane, paths.config_maps, resourceVersion=start) as events:
        assert shown(next(events)) == ("ADDED", "a")
        rest("PATCH", f"{paths.config_maps}/a", {"data": {"x": "1"}}, MERGE_PATCH)
        kind, obj = next(events)
        assert (kind, obj["data"], obj["kind"]) == ("MODIFIED", {"x": "1"}, "ConfigMap")
        rest("DELETE", f"{paths.config_maps}/a")
        kind, gone = next(events)
    assert kind == "DELETED"
    assert int(gone["metadata"]["resourceVersion"]) > int(obj["metadata"]["resourceVersion"])


def test_a_watch_without_a_revision_begins_with_what_exists(
    control_plane: ControlPlane, rest: Rest, paths: Paths
) -> None:
    """Everything that is there is sent as ADDED."""
    for name in ("a", "b"):
        rest("POST", paths.config_maps, config_map(name))
    query = {"fieldSelector": "metadata.name!=kube-root-ca.crt"}

    def sent() -> set[tuple[str, str]]:
        with watching(control_plane, paths.config_maps, **query) as events:
            return {shown(event) for event in islice(events, 2)}

    # A busy API server may end such a watch with an error before its first event; a client opens another.
    wait_until(lambda: sent() == {("ADDED", "a"), ("ADDED", "b")})


def test_a_selected_watch_sees_objects_come_and_go(
    control_plane: ControlPlane, rest: Rest, paths: Paths
) -> None:
    """A label that is set or taken off is ADDED or DELETED to who selects by it."""
    start = revision(rest, paths.config_maps)
    rest("POST", paths.config_maps, config_map("a"))
    query = {"labelSelector": "on=yes", "resourceVersion": start}
    with watching(control_plane, paths.config_maps, **query) as events:
        for value in ("yes", None):
            patch = {"metadata": {"labels": {"on": value}}}
            rest("PATCH", f"{paths.config_maps}/a", patch, MERGE_PATCH)
        assert [shown(next(events)) for _ in range(2)] == [("ADDED", "a"), ("DELETED", "a")]


def test_a_watch_of_one_namespace_hears_nothing_of_others(
    control_plane: ControlPlane, rest: Rest, paths: Paths
) -> None:
    """A change elsewhere comes first, and is not sent."""
    start = revision(rest, paths.config_maps)
    other = "/api/v1/namespaces/default/configmaps"
    rest("POST", other, config_map("elsewhere"))
    rest("DELETE", f"{other}/elsewhere")
    rest("POST", paths.config_maps, config_map("here"))
    with watching(control_plane, paths.config_maps, resourceVersion=start) as events:
        assert shown(next(events)) == ("ADDED", "here")


def test_a_watch_ends_in_time(control_plane: ControlPlane, rest: Rest, paths: Paths) -> None:
    """`timeoutSeconds` is kept; the stream just ends."""
    start = revision(rest, paths.config_maps)
    query = {"timeoutSeconds": "2", "resourceVersion": start}
    with watching(control_plane, paths.config_maps, **query) as events:
        assert list(events) == []


def test_a_watch_with_a_revision_that_is_none_is_refused(
    control_plane: ControlPlane, rest: Rest, paths: Paths
) -> None:
    """A revision that cannot be read is a refusal, not a watch from the beginning."""
    reply = rest("GET", paths.config_maps, watch="true", resourceVersion="yesterday")
    assert reply.status == 500
    assert reply.message.startswith('resourceVersion: Invalid value: "yesterday"')
