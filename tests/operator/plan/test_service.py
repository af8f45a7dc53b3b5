from __future__ import annotations

from typing import Any

import pytest

from actgate_operator.names import child_name
from actgate_operator.plan import plan
from tests.operator.plan.build import EVIDENCE, Json, model_deployment, overlaid, server, serving


def ports(**spec: Any) -> list[Json]:  # noqa: ANN401 - fields of a ModelDeployment's spec
    """Return the ports of the planned Service."""
    found: list[Json] = plan(model_deployment(**spec), EVIDENCE).service["spec"]["ports"]
    return found


@pytest.mark.parametrize("stated", [serving(), serving(ports=[])])
def test_a_server_without_ports_gets_one(stated: Json) -> None:
    """It is http on 8080, in the container and in the Service."""
    assert server(server=stated)["ports"] == [{"name": "http", "containerPort": 8080}]
    assert ports(server=stated) == [{"port": 8080, "targetPort": 8080, "protocol": "TCP", "name": "http"}]


def test_the_first_port_is_the_service() -> None:
    """Its number, protocol and name; a port without a name stays without."""
    stated = [{"containerPort": 9000, "name": "grpc"}, {"containerPort": 9090, "name": "metrics"}]
    assert ports(server=serving(ports=stated)) == [
        {"port": 9000, "targetPort": 9000, "protocol": "TCP", "name": "grpc"}
    ]
    bare = serving(ports=[{"containerPort": 53, "protocol": "UDP"}])
    assert ports(server=bare) == [{"port": 53, "targetPort": 53, "protocol": "UDP"}]


def test_ports_of_the_overlay_count_where_the_server_states_none() -> None:
    """What listens is what answers."""
    overlay = overlaid(containers=[{"name": "server", "ports": [{"containerPort": 7000}]}])
    assert ports(podTemplate=overlay) == [{"port": 7000, "targetPort": 7000, "protocol": "TCP"}]


def test_the_service_selects_the_pods_of_the_deployment() -> None:
    """By the labels that the Deployment selects by, and its pods carry."""
    planned = plan(model_deployment("credit.risk"), EVIDENCE)
    selector = planned.service["spec"]["selector"]
    assert selector == planned.deployment["spec"]["selector"]["matchLabels"]
    assert selector.items() <= planned.deployment["spec"]["template"]["metadata"]["labels"].items()


def test_the_url_is_that_of_the_service() -> None:
    """Service, namespace and port."""
    assert plan(model_deployment(), EVIDENCE).url == "http://credit-risk.credit.svc:8080"
    planned = plan(model_deployment("a.b", server=serving(ports=[{"containerPort": 9000}])), EVIDENCE)
    assert planned.url == f"http://{child_name('a.b')}.credit.svc:9000"


@pytest.mark.parametrize("protocol", ["UDP", "SCTP"])
def test_what_does_not_speak_tcp_has_no_url(protocol: str) -> None:
    """There is no http over it."""
    stated = serving(ports=[{"containerPort": 53, "protocol": protocol}])
    assert plan(model_deployment(server=stated), EVIDENCE).url is None
