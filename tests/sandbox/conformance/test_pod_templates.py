"""A pod template that the API server refuses, by the field and in its words."""

from __future__ import annotations

from typing import Any

import pytest

from actgate_sandbox.rest import APPLY_PATCH, JSON_PATCH, Reply, Rest
from tests.sandbox.conformance.paths import Paths
from tests.sandbox.conformance.samples import deployment

PREFIX = "spec.template.spec."


def applied(rest: Rest, paths: Paths, *, pod: dict[str, Any] | None = None, **container: object) -> Reply:
    """Apply a Deployment whose pod and container say something else."""
    obj = deployment("web")
    spec = obj["spec"]["template"]["spec"]
    spec["containers"][0] |= container
    spec |= pod or {}
    return rest("PATCH", f"{paths.deployments}/web", obj, APPLY_PATCH, fieldManager="operator")


@pytest.mark.parametrize(
    ("container", "field", "words"),
    [
        ({"image": ""}, "containers[0].image", "Required value"),
        ({"name": "A_B"}, "containers[0].name", "a lowercase RFC 1123 label must consist of"),
        (
            {"ports": [{"containerPort": 99999}]},
            "containers[0].ports[0].containerPort",
            "between 1 and 65535",
        ),
        (
            {"ports": [{"containerPort": 80, "name": "a_b"}]},
            "containers[0].ports[0].name",
            "must contain only alpha-numeric characters",
        ),
        ({"env": [{"name": "", "value": "1"}]}, "containers[0].env[0].name", "Required value"),
        (
            {"volumeMounts": [{"name": "no", "mountPath": "/x"}]},
            "containers[0].volumeMounts[0].name",
            'Not found: "no"',
        ),
        ({"imagePullPolicy": "Sometimes"}, "containers[0].imagePullPolicy", "Unsupported value"),
    ],
)
def test_a_container_is_refused_by_its_field(
    rest: Rest, paths: Paths, container: dict[str, Any], field: str, words: str
) -> None:
    """422, and the cause names the field."""
    reply = applied(rest, paths, **container)
    assert (reply.status, reply.body["reason"]) == (422, "Invalid")
    found = {cause["field"]: cause["message"] for cause in reply.body["details"]["causes"]}
    assert words in found[PREFIX + field]


@pytest.mark.parametrize(
    ("pod", "field", "words"),
    [
        ({"restartPolicy": "Never"}, "restartPolicy", "Unsupported value"),
        ({"containers": []}, "containers", "Required value"),
        (
            {"volumes": [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/"}}]},
            "volumes[0].hostPath",
            "may not specify more than 1 volume type",
        ),
    ],
)
def test_a_pod_is_refused_by_its_field(
    rest: Rest, paths: Paths, pod: dict[str, Any], field: str, words: str
) -> None:
    """So is the rest of the template."""
    reply = applied(rest, paths, pod=pod)
    assert reply.status == 422
    found = {cause["field"]: cause["message"] for cause in reply.body["details"]["causes"]}
    assert words in found[PREFIX + field]


def test_an_applied_quantity_that_is_none_is_a_500(rest: Rest, paths: Paths) -> None:
    """It can be merged but not be turned into the kind; the words tell it from an outage."""
    reply = applied(rest, paths, resources={"limits": {"memory": "1 GB"}})
    assert reply.status == 500
    assert reply.message.startswith("failed to convert new object (/web; apps/v1, Kind=Deployment)")
    assert "quantities must match the regular expression" in reply.message


def test_a_quantity_that_is_none_is_a_bad_request(rest: Rest, paths: Paths) -> None:
    """By an ordinary write it is the client's mistake."""
    obj = deployment("web")
    obj["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"memory": "1 GB"}}
    reply = rest("POST", paths.deployments, obj)
    assert (reply.status, reply.body["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize("quantity", ["1", "0.5", "500m", "1Gi", "1e3", "2k", 2])
def test_quantities_are_written_in_many_ways(rest: Rest, paths: Paths, quantity: str | int) -> None:
    """Each of them is taken."""
    assert applied(rest, paths, resources={"limits": {"cpu": quantity}}).status == 201


def test_a_recreation_is_not_rolled(rest: Rest, paths: Paths) -> None:
    """Who changes the strategy by hand has to take the bounds of the other one out."""
    rest("POST", paths.deployments, deployment("web"))
    change = [{"op": "replace", "path": "/spec/strategy/type", "value": "Recreate"}]
    reply = rest("PATCH", f"{paths.deployments}/web", change, JSON_PATCH)
    assert reply.status == 422
    assert reply.body["details"]["causes"][0]["field"] == "spec.strategy.rollingUpdate"
