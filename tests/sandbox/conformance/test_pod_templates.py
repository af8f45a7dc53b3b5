"""A pod template that the API server refuses, by the field and in its words."""

from __future__ import annotations

from typing import Any

import pytest

from actgate_sandbox.rest import APPLY_PATCH, Reply, Rest
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
        ({"name": "A_B"}, "containers[0].name", "a lowercase RFC 1123 label must consist of"),
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


@pytest.mark.parametrize("quantity", ["1", "0.5", "500m", "1Gi", "1e3", "2k", 2])
def test_quantities_are_written_in_many_ways(rest: Rest, paths: Paths, quantity: str | int) -> None:
    """Each of them is taken."""
    assert applied(rest, paths, resources={"limits": {"cpu": quantity}}).status == 201
