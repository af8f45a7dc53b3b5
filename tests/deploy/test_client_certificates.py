"""docs/client-certificates.md and what it refers to: that the parts fit together."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from actgate_sandbox.pki import KeyPair
from tests.deploy.rendering import DEPLOY, ROOT, named, pod_of, render
from tests.deploy.test_manifests import webhook_settings
from tests.webhook.test_clients import NAME, guarding

PAGE = ROOT / "docs" / "client-certificates.md"
FILES = DEPLOY / "control-plane"


def read(name: str) -> Any:  # noqa: ANN401 - YAML
    """Return one of the files for the control plane."""
    return yaml.safe_load((FILES / name).read_text("utf-8"))


def commands(program: str) -> list[str]:
    """Return the commands of the page that begin with a program, or with printf."""
    lines = re.findall(r"^\s*\$ (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)
    return [line for line in lines if line.split()[0] in (program, "printf")]


@pytest.mark.needs_kubectl
def test_the_component_mounts_what_the_flags_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority out of the ConfigMap that the page makes, and the name of the certificate."""
    objects = render(DEPLOY / "overlays" / "client-certificates")
    settings = webhook_settings(objects, monkeypatch)
    pod = pod_of(objects, "actgate-webhook")
    (mount,) = (item for item in pod["containers"][0]["volumeMounts"] if item["name"] == "client-ca")
    (volume,) = (item for item in pod["volumes"] if item["name"] == "client-ca")
    assert settings.client_ca_file is not None
    assert (str(settings.client_ca_file.parent), mount["readOnly"]) == (mount["mountPath"], True)
    assert {item["path"] for item in volume["configMap"]["items"]} == {settings.client_ca_file.name}
    (made,) = (line for line in commands("kubectl") if "configmap" in line)
    assert f"create configmap {volume['configMap']['name']} --from-file=ca.crt" in made
    assert settings.client_allowed_names == (NAME,)
    assert f"-subj /CN={NAME}" in PAGE.read_text("utf-8")


@pytest.mark.needs_kubectl
def test_the_files_of_the_control_plane_name_each_other_and_the_webhook() -> None:
    """Flag, configuration, kubeconfig and certificate; the user is chosen by the name that is called."""
    (plugin,) = read("admission-configuration.yaml")["plugins"]
    assert plugin["name"] == "ValidatingAdmissionWebhook"
    kubeconfig = Path(plugin["configuration"]["kubeConfigFile"])
    assert (FILES / kubeconfig.name).exists()
    (user,) = read(kubeconfig.name)["users"]
    registration = named(render(DEPLOY / "base"), "ValidatingWebhookConfiguration", "actgate")
    called = {
        "{name}.{namespace}.svc".format(**item["clientConfig"]["service"])
        for item in registration["webhooks"]
    }
    assert called == {user["name"]}
    server = read("kubeadm.yaml")["apiServer"]
    (volume,), (flag,) = server["extraVolumes"], server["extraArgs"]
    paths = [Path(flag["value"]), kubeconfig, *map(Path, user["user"].values())]
    assert {str(path.parent) for path in paths} == {volume["mountPath"]} == {volume["hostPath"]}
    assert f"--{flag['name']}={flag['value']}" in PAGE.read_text("utf-8")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder with what the commands of the page make."""
    if shutil.which("openssl") is None:
        pytest.skip("the commands of the page take openssl")
    made = tmp_path / "made"
    made.mkdir()
    for command in commands("openssl"):
        done = subprocess.run(  # noqa: S602 - commands of our own page
            command, shell=True, cwd=made, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
    return made


async def test_the_page_s_certificates_open_the_webhook_to_the_api_server_alone(
    made: Path, tmp_path: Path
) -> None:
    """The commands as they are printed: what they sign is answered, and no other caller is."""
    async with guarding(tmp_path, NAME) as webhook:
        webhook.client_ca.write_bytes((made / "ca.crt").read_bytes())
        webhook.certificates.refresh()
        client = KeyPair((made / "client.crt").read_bytes(), (made / "client.key").read_bytes())
        assert (await webhook.ask(client))[0] == 200
        assert (await webhook.ask(None))[0] == 403


def test_the_page_says_who_cannot() -> None:
    """Managed control planes have no such flag; the page names them before it shows how."""
    text = PAGE.read_text("utf-8")
    assert text.index("EKS, GKE, AKS") < text.index("## Set it up")
