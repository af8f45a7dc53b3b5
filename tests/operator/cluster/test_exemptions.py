"""A model that runs under an exemption, and no longer than that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.operator.world import MODEL, World, stamp
from tests.support.crds import ROOT, create
from tests.support.exemptions import exemption_spec

pytestmark = pytest.mark.usefixtures("operator")


def test_an_exemption_lets_a_model_run_until_the_moment_of_its_end(world: World) -> None:
    """It comes after the refusal, and nothing but time ends it: the deadline is the verdict's."""
    name = f"exempt-{world.namespace}"
    world.manifest(humanOversight={"enabled": False})
    world.model()
    world.wait_for("EvidenceAccepted", "False", "EvidenceRejected")
    until = datetime.now(UTC) + timedelta(seconds=10)
    subject = {
        "apiGroup": "actgate.dev",
        "kind": "ModelDeployment",
        "namespace": world.namespace,
        "name": MODEL,
    }
    spec = exemption_spec(around=until - timedelta(days=5), subjects=[subject], notAfter=stamp(until))
    try:
        assert create(world.rest, "Exemption", name, spec).status == 201
        world.wait_for("EvidenceAccepted", "True")
        verdict = world.status()["verdict"]
        assert verdict["validUntil"] == stamp(until)
        assert verdict["exemptions"] == [{"name": name, "notAfter": stamp(until)}]
        accepted = [item for item in verdict["findings"] if item["rule"] == "oversight/missing"]
        assert [(item["effect"], item["exemption"]) for item in accepted] == [("Exempted", name)]
        found = world.wait_for("EvidenceAccepted", "False", "EvidenceRejected")
        assert found["lastTransitionTime"] >= stamp(until)
        assert "exemptions" not in world.status()["verdict"]
    finally:
        assert world.rest("DELETE", f"{ROOT}/exemptions/{name}").status == 200
