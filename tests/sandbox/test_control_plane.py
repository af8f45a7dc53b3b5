from __future__ import annotations

import base64
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from actgate_sandbox import control_plane as sandbox
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.demo.applying import Named, RestApplier
from actgate_sandbox.demo.examples import load
from actgate_sandbox.errors import SandboxError
from actgate_sandbox.rest import Rest, install_crds
from tests.sandbox.conformance_admission.crds import GROUP, definition, served
from tests.support.kubectl import Kubectl

ROOT = Path(__file__).parents[2]


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
    """The loopback address is open to everybody on the machine, so the token is asked for."""
    stranger = Rest(control_plane.url, control_plane.ca, "not-the-token")
    assert stranger("GET", "/api/v1/namespaces").status == 401
    stranger.close()


@pytest.mark.needs_kubectl
def test_the_kubeconfig_is_all_that_kubectl_needs(kubectl: Kubectl, namespace: str) -> None:
    """`kubectl` lists the namespace with nothing but the kubeconfig."""
    outcome = kubectl("get", "namespace", namespace, "-o", "name")
    assert (outcome.code, outcome.out) == (0, f"namespace/{namespace}\n"), outcome


def test_up_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """`up` writes the kubeconfig, installs the CRDs, serves, and ends with 0 on SIGTERM."""
    folder = tmp_path / "crds"
    folder.mkdir()
    (folder / "one.yaml").write_text(yaml.safe_dump(definition({"type": "object"})))
    kubeconfig = tmp_path / "made" / "kubeconfig"
    command = [sys.executable, "-m", "actgate_sandbox", "up", "--engine", "stand-in"]
    command += ["--kubeconfig", str(kubeconfig), "--crds", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            assert f"kubectl --kubeconfig {kubeconfig} " in line
            assert _reader(kubeconfig)("GET", f"/apis/{GROUP}/v1").status == 200
        finally:
            process.terminate()
        assert process.wait(timeout=60) == 0


def test_up_with_the_operator_runs_models(tmp_path: Path) -> None:
    """`up --operator` is the whole of actgate: what is applied with its evidence becomes Ready."""
    kubeconfig = tmp_path / "kubeconfig"
    command = [sys.executable, "-m", "actgate_sandbox", "up", "--engine", "stand-in", "--operator"]
    command += ["--kubeconfig", str(kubeconfig), "--root", str(ROOT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        try:
            assert "is serving" in process.stdout.readline()
            apply = RestApplier(_reader(kubeconfig))
            example = load(
                ROOT / "examples" / "lifecycle" / "runs-while-evidence-holds.yaml", datetime.now(UTC)
            )
            assert apply(example.text).accepted
            waited = apply.wait(Named("ModelDeployment", "default", "credit-risk"), "Ready")
            assert waited.accepted, waited
        finally:
            process.terminate()
        assert process.wait(timeout=60) == 0


def _reader(kubeconfig: Path) -> Rest:
    content = yaml.safe_load(kubeconfig.read_text())
    cluster = content["clusters"][0]["cluster"]
    ca = base64.b64decode(cluster["certificate-authority-data"])
    return Rest(cluster["server"], ca, content["users"][0]["user"]["token"])


def test_a_crd_that_is_refused_is_told(rest: Rest) -> None:
    """`install_crds` passes the API server's own words on."""
    with pytest.raises(SandboxError, match="must be object at the root"):
        install_crds(rest, [definition({"type": "string"})])


def test_an_installed_crd_is_served(rest: Rest) -> None:
    """When `install_crds` returns, objects of the new kind can be created."""
    with served(rest, {"type": "object"}) as kind:
        assert kind.create({}, "first").status == 201


def test_up_refuses_a_folder_without_crds(tmp_path: Path) -> None:
    """`up --crds` on an empty folder says so and exits with 2 before anything is started."""
    finished = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "actgate_sandbox", "up", "--crds", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 2
    assert "there is no YAML file in this folder" in finished.stderr
