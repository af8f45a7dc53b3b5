"""Namespaces in which no model runs, whatever its evidence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from actgate_operator import model
from actgate_sandbox.rest import Rest
from tests.operator.running import RunningOperator
from tests.operator.world import MANIFEST, MODEL, World
from tests.support.waiting import wait_until

OWN = "actgate-system"
"""The default of --webhook-namespace outside a pod."""

PLURALS = ("deployments", "services", "horizontalpodautoscalers", "poddisruptionbudgets", "networkpolicies")


@pytest.fixture(params=["kube-system", "kube-public", "kube-node-lease", OWN])
def world(request: pytest.FixtureRequest, installed: Rest) -> Iterator[World]:
    """A namespace that is never judged, or that every user can read."""
    namespace: str = request.param
    installed("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    wait_until(lambda: installed("GET", f"/api/v1/namespaces/{namespace}").status == 200)
    world = World(installed, namespace)
    yield world
    for kind, name in (("ModelDeployment", MODEL), ("ComplianceManifest", MANIFEST)):
        world.delete(kind, name)


def test_a_model_in_an_excluded_namespace_never_runs(operator: RunningOperator, world: World) -> None:
    """The webhook is not asked there, so the operator must not run it: Stalled, with the way out."""
    world.manifest()
    world.model(replicas=2, autoscaling=None)
    found = world.wait_for("Stalled", "True", "NamespaceExcluded")
    assert found["message"] == (
        f"models must not run in namespace {world.namespace}; fix: move the ModelDeployment to another "
        "namespace"
    )
    assert world.condition("Ready")["status"] == "Unknown"
    operator.wait_until_idle()
    assert [plural for plural in PLURALS if world.child(plural) is not None] == []
    assert "NamespaceExcluded" in world.reasons()


@pytest.mark.parametrize("namespace", ["kube", "kube-system-2", "actgate-systems", "default", "team-a"])
def test_names_are_compared_whole(namespace: str) -> None:
    """A team is not locked out by a name that only looks like one of these."""
    model.check_namespace(namespace, OWN)


def test_the_operator_s_own_namespace_is_the_one_of_its_settings() -> None:
    """Where it is installed under another name, that one is excluded."""
    with pytest.raises(model.ExcludedNamespaceError, match="namespace gate;"):
        model.check_namespace("gate", "gate")
    model.check_namespace("actgate-system", "gate")
