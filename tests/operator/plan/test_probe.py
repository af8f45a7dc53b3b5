"""A server is asked whether it listens before it gets requests; what the user states stays."""

from __future__ import annotations

import pytest

from tests.operator.plan.build import Json, overlaid, pod, server, serving

STATED: Json = {"httpGet": {"path": "/ready", "port": 8080}}
UDP: Json = {"containerPort": 4000, "protocol": "UDP"}


@pytest.mark.parametrize(
    ("ports", "number"),
    [
        (None, 8080),
        ([], 8080),
        ([{"containerPort": 9000}], 9000),
        ([{"containerPort": 9000, "protocol": "TCP"}, {"containerPort": 9001}], 9000),
        ([UDP], None),
        ([UDP, {"containerPort": 9000}], None),
    ],
)
def test_a_server_without_a_readiness_probe_gets_one(ports: list[Json] | None, number: int | None) -> None:
    """On the port that its Service sends requests to, and by TCP alone: its paths are not known."""
    stated = serving() if ports is None else serving(ports=ports)
    probe = server(server=stated).get("readinessProbe")
    assert probe == (None if number is None else {"tcpSocket": {"port": number}, "periodSeconds": 5})


@pytest.mark.parametrize(
    "spec",
    [
        {"server": serving(readinessProbe=STATED)},
        {"podTemplate": overlaid(containers=[{"name": "server", "readinessProbe": STATED}])},
    ],
)
def test_a_readiness_probe_that_is_stated_stays(spec: Json) -> None:
    """Wherever it stands."""
    assert server(**spec)["readinessProbe"] == STATED


def test_other_probes_are_no_readiness_probe() -> None:
    """They restart a server, and keep no request from it."""
    probed = server(server=serving(livenessProbe=STATED, startupProbe=STATED))
    assert (probed["livenessProbe"], probed["startupProbe"]) == (STATED, STATED)
    assert probed["readinessProbe"] == {"tcpSocket": {"port": 8080}, "periodSeconds": 5}


def test_side_cars_are_left_without() -> None:
    """Only their author knows which of their ports would show it."""
    planned = pod(podTemplate=overlaid(containers=[{"name": "proxy", "image": "registry.example/proxy:1"}]))
    [proxy] = [item for item in planned["containers"] if item["name"] == "proxy"]
    assert "readinessProbe" not in proxy
