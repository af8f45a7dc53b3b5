from __future__ import annotations

import pytest

from actgate_sandbox import control_plane as sandbox
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.errors import SandboxError
from actgate_sandbox.rest import Rest, install_crds
from tests.sandbox.conformance_admission.crds import definition, served
from tests.support.kubectl import Kubectl


def test_an_unknown_engine_is_refused_with_the_names_of_those_there_are() -> None:
    """`start` names the engines when it is asked for one that does not exist."""
    with pytest.raises(SandboxError, match=r"'kind'.*auto, stand-in, envtest"):
        sandbox.start("kind")


def test_a_restart_keeps_objects_address_and_credentials(
    control_plane: ControlPlane, rest: Rest, namespace: str
) -> None:
    """What was stored before a restart is read after it by the same client."""
    url = control_plane.url
    control_plane.restart()
    assert control_plane.url == url
    assert rest("GET", f"/api/v1/namespaces/{namespace}").body["metadata"]["name"] == namespace


def test_requests_without_the_token_are_refused(control_plane: ControlPlane) -> None:
    """The loopback address is open to every user of the machine, so the token is asked for."""
    stranger = Rest(control_plane.url, control_plane.ca, "not-the-token")
    assert stranger("GET", "/api/v1/namespaces").status == 401
    stranger.close()


@pytest.mark.needs_kubectl
def test_the_kubeconfig_is_all_that_kubectl_needs(kubectl: Kubectl, namespace: str) -> None:
    """`kubectl` lists the namespace with nothing but the kubeconfig."""
    outcome = kubectl("get", "namespace", namespace, "-o", "name")
    assert (outcome.code, outcome.out) == (0, f"namespace/{namespace}\n"), outcome


def test_a_crd_that_is_refused_is_reported(rest: Rest) -> None:
    """`install_crds` passes the API server's own words on."""
    refused = definition({"type": "object"})
    del refused["spec"]["scope"]
    with pytest.raises(SandboxError, match=r"spec\.scope: Required value"):
        install_crds(rest, [refused])


def test_an_installed_crd_is_served(rest: Rest) -> None:
    """When `install_crds` returns, objects of the new kind can be created."""
    with served(rest, {"type": "object"}) as kind:
        assert kind.create({}, "first").status == 201
