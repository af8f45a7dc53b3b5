from __future__ import annotations

import gc
import json
import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import urllib3

from actgate_sandbox.rest import Rest
from actgate_sandbox.stand_in import StandIn

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def config_map(name: str) -> dict[str, Any]:
    """Make a ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


@pytest.fixture
def server() -> Iterator[StandIn]:
    """A running stand-in that sends bookmarks at once."""
    made = StandIn(bookmark_seconds=0.05)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def rest(server: StandIn) -> Iterator[Rest]:
    """A client of it."""
    client = server.rest()
    yield client
    client.close()


def lines(server: StandIn, **query: str) -> Iterator[dict[str, Any]]:
    """Watch ConfigMaps, and yield events until the server ends the watch."""
    context = ssl.create_default_context(cadata=server.ca.decode())
    with urllib3.PoolManager(ssl_context=context) as pool:
        response = pool.request(
            "GET",
            f"{server.url}{CONFIG_MAPS}",
            fields={"watch": "true", "timeoutSeconds": "50", **query},
            headers={"Authorization": f"Bearer {server.token}"},
            preload_content=False,
        )
        kept = b""
        try:
            for chunk in response.stream(amt=None):
                *whole, kept = (kept + chunk).split(b"\n")
                yield from (json.loads(line) for line in whole)
        finally:
            response.close()


def test_a_restart_keeps_the_objects_and_the_address(server: StandIn, rest: Rest) -> None:
    """Only connections break; revisions go on."""
    created = rest("POST", CONFIG_MAPS, config_map("a")).body
    url = server.url
    server.restart()
    assert server.url == url
    again = server.rest()
    assert again("GET", f"{CONFIG_MAPS}/a").body == created
    later = again("POST", CONFIG_MAPS, config_map("b")).body["metadata"]["resourceVersion"]
    assert int(later) > int(created["metadata"]["resourceVersion"])
    again.close()


def test_custom_resources_are_served_again_after_a_restart(server: StandIn, rest: Rest) -> None:
    """What definitions define is read from the store."""
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.test.dev"},
        "spec": {
            "group": "test.dev",
            "scope": "Cluster",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object"}},
                }
            ],
        },
    }
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert rest("POST", path, definition).status == 201
    server.restart()
    again = server.rest()
    assert again("GET", "/apis/test.dev/v1/things").status == 200
    again.close()


def test_while_it_is_halted_no_client_is_answered(server: StandIn, rest: Rest) -> None:
    """The port is refused, and no other process can take it."""
    server.halt()
    with pytest.raises(urllib3.exceptions.HTTPError):
        rest("GET", "/version")
    server.start()
    assert rest("GET", "/version").status == 200


def test_bookmarks_come_to_who_asks_for_them(server: StandIn, rest: Rest) -> None:
    """In silence they say up to where everything was sent."""
    revision = rest("GET", CONFIG_MAPS).body["metadata"]["resourceVersion"]
    events = lines(server, resourceVersion=revision, allowWatchBookmarks="true")
    bookmark = next(events)
    assert (bookmark["type"], bookmark["object"]["kind"]) == ("BOOKMARK", "ConfigMap")
    assert bookmark["object"]["metadata"]["resourceVersion"] == revision
    later = rest("POST", "/api/v1/namespaces/kube-system/configmaps", config_map("a")).body
    for event in events:
        assert event["type"] == "BOOKMARK"
        if event["object"]["metadata"]["resourceVersion"] == later["metadata"]["resourceVersion"]:
            break


def test_after_compaction_a_watch_is_too_old(server: StandIn, rest: Rest) -> None:
    """The 410 comes as an event; the list's own revision works again."""
    revision = rest("GET", CONFIG_MAPS).body["metadata"]["resourceVersion"]
    rest("POST", CONFIG_MAPS, config_map("a"))
    server.compact()
    [event] = lines(server, resourceVersion=revision)
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
    assert event["object"]["reason"] == "Expired"


def test_after_compaction_a_page_is_too_old(server: StandIn, rest: Rest) -> None:
    """A continue token whose state changed since is 410 Gone."""
    for name in ("a", "b", "c"):
        rest("POST", CONFIG_MAPS, config_map(name))
    token = rest("GET", CONFIG_MAPS, limit="1").body["metadata"]["continue"]
    rest("DELETE", f"{CONFIG_MAPS}/c")
    server.compact()
    reply = rest("GET", CONFIG_MAPS, limit="1", **{"continue": token})
    assert (reply.status, reply.body["reason"]) == (410, "Expired")


def test_a_large_list_is_answered_whole(server: StandIn, rest: Rest) -> None:
    """Two thousand objects are one answer, and pages of it add up."""
    from actgate_sandbox.stand_in.store import Key, Place

    place = Place("", "configmaps")
    for number in range(2_000):
        name = f"n{number:05}"
        obj = config_map(name)
        obj["metadata"] |= {"namespace": "default", "uid": name}
        server.store.commit(place, Key("default", name), obj, None)
    assert len(rest("GET", CONFIG_MAPS).body["items"]) == 2_000
    first = rest("GET", CONFIG_MAPS, limit="1500").body
    rest_of_it = rest("GET", CONFIG_MAPS, **{"continue": first["metadata"]["continue"]}).body
    assert len(first["items"]) + len(rest_of_it["items"]) == 2_000


def test_what_it_does_not_do_is_refused(rest: Rest) -> None:
    """A definition that the real server takes, and this one cannot, is 501 with the reason."""
    version = {"name": "v1", "served": True, "storage": True}
    version["schema"] = {"openAPIV3Schema": {"type": "object", "anyOf": [{"required": ["spec"]}]}}
    names = {"plural": "things", "kind": "Thing"}
    spec = {"group": "test.dev", "scope": "Cluster", "names": names, "versions": [version]}
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    reply = rest("POST", path, {"metadata": {"name": "things.test.dev"}, "spec": spec})
    assert (reply.status, reply.body["reason"]) == (501, "NotImplemented")
    assert "anyOf" in reply.message


def test_a_body_that_is_too_large_is_refused(rest: Rest) -> None:
    """As on the real server, the limit is 3 MiB."""
    body = config_map("a") | {"data": {"a": "x" * (3 * 1024 * 1024)}}
    reply = rest("POST", CONFIG_MAPS, body)
    assert (reply.status, reply.body["reason"]) == (413, "RequestEntityTooLarge")


def test_no_socket_outlives_the_server(server: StandIn, rest: Rest, caplog: pytest.LogCaptureFixture) -> None:
    """In the TLS handshake, idle, with a watch: each is broken, and no socket outlives the loop."""
    address = urllib3.util.parse_url(server.url)
    context = ssl.create_default_context(cadata=server.ca.decode())
    watch = lines(server)
    assert rest("POST", CONFIG_MAPS, config_map("seen")).status == 201
    assert next(watch)["object"]["metadata"]["name"]
    shaking = [socket.create_connection((address.host, address.port)) for _ in range(3)]
    idle = context.wrap_socket(
        socket.create_connection((address.host, address.port)), server_hostname=address.host
    )
    assert rest("GET", f"{CONFIG_MAPS}/seen").status == 200
    server.restart()
    gc.collect()
    for left in (*shaking, idle):
        left.settimeout(10)
        with left, suppress(ConnectionError):
            assert left.recv(1) == b""
    with pytest.raises(urllib3.exceptions.HTTPError):
        list(watch)
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []
