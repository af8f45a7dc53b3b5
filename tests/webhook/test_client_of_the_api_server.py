"""The client certificate that a real API server shows to webhooks, where it is configured to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from actgate_sandbox import registration
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.envtest import EnvTest
from actgate_sandbox.pki import Authority
from actgate_sandbox.rest import Reply, Rest
from tests.support import crds
from tests.support.waiting import wait_until
from tests.webhook.process import WebhookProcess, running

NAME = "kube-apiserver"
REGISTRATION = Path(__file__).parents[2] / "deploy" / "base" / "webhook-registration.yaml"


@pytest.fixture
def front(tmp_path: Path) -> Authority:
    """Who signs the API server's client certificate."""
    authority = Authority("front of webhooks")
    (tmp_path / "client-ca.crt").write_bytes(authority.certificate)
    return authority


@pytest.fixture
def plane(control_plane: ControlPlane, tmp_path: Path, front: Authority) -> Iterator[EnvTest]:
    """A real API server of its own that shows a certificate to every webhook."""
    if control_plane.engine == "stand-in":
        pytest.skip("the stand-in shows no certificate to webhooks")
    engine = EnvTest(flags=[f"--admission-control-config-file={configured(tmp_path, front)}"])
    try:
        engine.start()
        yield engine
    finally:
        engine.stop()


def configured(folder: Path, front: Authority) -> Path:
    """Write what an administrator writes, and return the file that the API server's flag names."""
    pair = front.client(NAME)
    certificate, key = folder / "client.crt", folder / "client.key"
    certificate.write_bytes(pair.certificate)
    key.write_bytes(pair.key)
    user = {"client-certificate": str(certificate), "client-key": str(key)}
    users = folder / "webhook-users.json"
    users.write_text(
        json.dumps({"apiVersion": "v1", "kind": "Config", "users": [{"name": "*", "user": user}]}),
        encoding="utf-8",
    )
    version = "apiserver.config.k8s.io/v1"
    webhooks = {"apiVersion": version, "kind": "WebhookAdmissionConfiguration", "kubeConfigFile": str(users)}
    plugins = [{"name": "ValidatingAdmissionWebhook", "configuration": webhooks}]
    document = {"apiVersion": version, "kind": "AdmissionConfiguration", "plugins": plugins}
    file = folder / "admission.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


def asked(rest: Rest, webhook: WebhookProcess) -> Reply:
    """Register a webhook, and return how a model is answered that it judges."""
    written = registration.read(REGISTRATION)
    registration.install(rest, registration.on_loopback(written, webhook.port, webhook.authority.certificate))
    absent = crds.deployment_spec(complianceManifestRef={"name": "absent"})

    def judged() -> Reply | None:
        reply = crds.create(rest, "ModelDeployment", "model", absent, "default", dryRun="All")
        return None if reply.status == 201 and not reply.warnings else reply

    reply = wait_until(judged)
    assert reply is not None
    return reply


def test_the_api_server_is_answered_by_its_certificate_and_by_no_other(
    plane: EnvTest, front: Authority, tmp_path: Path
) -> None:
    """The right name is judged; where another one is asked for, the call fails and nothing is let in."""
    rest = Rest(plane.url, plane.ca, plane.token)
    crds.install(rest)
    flags = ("--client-ca", str(tmp_path / "client-ca.crt"), "--client-name")
    with running(tmp_path / "right", plane.kubeconfig, *flags, NAME) as webhook:
        webhook.wait_until_ready()
        reply = asked(rest, webhook)
        assert reply.status == 201, reply
        assert "absent" in reply.warnings[0]
        webhook.signal()
    with running(tmp_path / "wrong", plane.kubeconfig, *flags, "somebody-else") as webhook:
        webhook.wait_until_ready()
        wait_until(lambda: asked(rest, webhook).status == 500)
        assert "failed calling webhook" in asked(rest, webhook).message
        assert 'bad_requests_total{status="403"}' in webhook.get("/metrics")[1]
    rest.close()
