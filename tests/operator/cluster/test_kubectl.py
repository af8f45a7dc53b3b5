"""What kubectl shows and does with a ModelDeployment, as with a built-in kind."""

from __future__ import annotations

import json

import pytest

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest
from tests.operator.running import RunningOperator, operating
from tests.operator.world import MODEL, World
from tests.support.kubectl import Kubectl
from tests.support.waiting import wait_until

pytestmark = pytest.mark.needs_kubectl


@pytest.fixture
def running(operator: RunningOperator, world: World) -> World:
    """A model that is Ready, beside an operator that works."""
    assert operator.failure is None
    world.manifest()
    world.model(replicas=2, placement={"regions": [{"provider": "aws", "region": "eu-west-3"}]})
    world.ready()
    return world


def test_wait_for_ready(running: World, kubectl: Kubectl) -> None:
    """`kubectl wait` ends when the model serves, and not for one that cannot."""
    outcome = kubectl("wait", "--for=condition=Ready", f"mdep/{MODEL}", "--timeout=30s")
    assert outcome.code == 0, outcome
    running.model("refused", complianceManifestRef={"name": "nowhere"})
    outcome = kubectl("wait", "--for=condition=Ready", "mdep/refused", "--timeout=1s")
    assert outcome.code == 1
    assert "timed out" in outcome.err
    gone = kubectl(
        "wait",
        "--for=jsonpath={.status.conditions[?(@.type=='Ready')].reason}=ManifestNotFound",
        "mdep/refused",
        "--timeout=30s",
    )
    assert gone.code == 0, gone


def test_get_shows_what_matters(running: World, kubectl: Kubectl) -> None:
    """Name, whether it is ready and why not, the model and its manifest."""
    outcome = kubectl("get", "mdep")
    assert outcome.code == 0, outcome
    heading, line = outcome.out.splitlines()
    assert heading.split() == ["NAME", "READY", "REASON", "MODEL", "VERSION", "MANIFEST", "AGE"]
    assert line.split()[:6] == [MODEL, "True", "Available", "CreditRiskScorer", "2", "credit-risk-scorer-v2"]
    assert MODEL in kubectl("get", "actgate").out
    assert running.namespace in kubectl("get", "modeldeployments.actgate.dev", "-A").out


def test_scale_goes_through_the_model(running: World, kubectl: Kubectl) -> None:
    """`kubectl scale mdep` is what changes the Deployment, and stays."""
    outcome = kubectl("scale", f"mdep/{MODEL}", "--replicas=3", "--current-replicas=2")
    assert outcome.code == 0, outcome
    wait_until(lambda: running.deployment()["spec"]["replicas"] == 3)
    running.ready()
    scale = kubectl(
        "get",
        "--raw",
        f"/apis/actgate.dev/v1alpha1/namespaces/{running.namespace}/modeldeployments/{MODEL}/scale",
    )
    assert scale.code == 0, scale
    body = json.loads(scale.out)
    assert (body["spec"]["replicas"], body["status"]["replicas"]) == (3, 3)
    selected = kubectl("get", "deployments", "-l", body["status"]["selector"], "-o", "name")
    assert selected.out.split() == [f"deployment.apps/{MODEL}"]


@pytest.mark.usefixtures("installed")
def test_explain_shows_every_field(kubectl: Kubectl) -> None:
    """The words are those of the models."""
    outcome = kubectl("explain", "mdep.spec.placement")
    assert outcome.code == 0, outcome
    assert "Where the model may be served" in outcome.out
    assert "Scales the model to zero" in kubectl("explain", "mdep.spec.suspend").out
    assert "What the operator observed" in kubectl("explain", "mdep.status").out


@pytest.mark.usefixtures("operator")
def test_describe_shows_events(world: World, kubectl: Kubectl) -> None:
    """A problem is reported where people look first."""
    world.model()
    wait_until(lambda: "ManifestNotFound" in world.reasons())
    outcome = kubectl("describe", "mdep", MODEL)
    assert outcome.code == 0, outcome
    assert "ManifestNotFound" in outcome.out.partition("Events:")[2]


def test_delete_takes_the_children_along(running: World, kubectl: Kubectl) -> None:
    """In the foreground too: kubectl comes back when everything is gone."""
    outcome = kubectl("delete", "mdep", MODEL, "--cascade=foreground", "--timeout=60s")
    assert outcome.code == 0, outcome
    wait_until(lambda: all(running.child(kind) is None for kind in ("deployments", "services")))


def test_nothing_hangs_without_an_operator(
    control_plane: ControlPlane, installed: Rest, world: World, kubectl: Kubectl
) -> None:
    """The operator is gone for good; models and namespaces can be deleted all the same."""
    with operating(control_plane.kubeconfig):
        world.manifest()
        world.model()
        world.ready()
    assert kubectl("delete", "mdep", MODEL, "--timeout=60s").code == 0
    wait_until(lambda: world.child("deployments") is None)
    world.model("another")
    outcome = kubectl("delete", "namespace", world.namespace, "--timeout=60s")
    assert outcome.code == 0, outcome
    assert installed("GET", f"/api/v1/namespaces/{world.namespace}").status == 404
