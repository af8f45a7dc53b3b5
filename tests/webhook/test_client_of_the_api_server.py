"""The client certificate that a real API server shows to webhooks, where it is configured to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.envtest import EnvTest
from actgate_sandbox.pki import Authority
from actgate_sandbox.rest import Reply, Rest
from demo import registration
from tests.cli.support import actgate
from tests.support import crds
from tests.support.waiting import wait_until
from tests.webhook.process import WebhookProcess, running

NAME = "kube-apiserver"
DEPLOY = Path(__file__).parents[2] / "deploy"
REGISTRATION = DEPLOY / "base" / "webhook-registration.yaml"
CONTROL_PLANE = DEPLOY / "control-plane"


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
    policy = tmp_path / "audit-policy.json"
    rules = [{"level": "Metadata", "resources": [{"group": "actgate.dev"}]}]
    document = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules}
    policy.write_text(json.dumps(document), encoding="utf-8")
    engine = EnvTest(
        flags=[
            f"--admission-control-config-file={configured(tmp_path, front)}",
            f"--audit-policy-file={policy}",
            f"--audit-log-path={tmp_path / 'audit.log'}",
        ]
    )
    try:
        engine.start()
        yield engine
    finally:
        engine.stop()


def configured(folder: Path, front: Authority) -> Path:
    """Write what docs/client-certificates.md has an administrator write; return the file of the flag."""
    pair = front.client(NAME)
    (folder / "client.crt").write_bytes(pair.certificate)
    (folder / "client.key").write_bytes(pair.key)
    for source in CONTROL_PLANE.iterdir():
        text = source.read_text("utf-8").replace("/etc/kubernetes/actgate", str(folder))
        # Here the webhook is called by its address.
        text = text.replace("name: actgate-webhook.actgate-system.svc", 'name: "*"')
        (folder / source.name).write_text(text, encoding="utf-8")
    return folder / "admission-configuration.yaml"


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
    flags = ("--client-ca-file", str(tmp_path / "client-ca.crt"), "--client-allowed-names")
    with running(tmp_path / "right", plane.kubeconfig, *flags, NAME) as webhook:
        webhook.wait_until_ready()
        reply = asked(rest, webhook)
        assert reply.status == 201, reply
        assert "absent" in reply.warnings[0]
        webhook.signal()
    with running(tmp_path / "wrong", plane.kubeconfig, *flags, "another-client") as webhook:
        webhook.wait_until_ready()
        wait_until(lambda: asked(rest, webhook).status == 500)
        assert "failed calling webhook" in asked(rest, webhook).message
        assert 'bad_requests_total{status="403"}' in webhook.get("/metrics")[1]
    rest.close()


def test_the_line_of_what_the_api_server_asked_is_authenticated_and_in_its_audit_log(
    plane: EnvTest, tmp_path: Path
) -> None:
    """By name in the decision log, and by the review's uid in the API server's own log."""
    rest = Rest(plane.url, plane.ca, plane.token)
    crds.install(rest)
    decisions = tmp_path / "decisions.log"
    flags = ("--client-ca-file", str(tmp_path / "client-ca.crt"), "--client-allowed-names", NAME)
    with running(tmp_path / "w", plane.kubeconfig, *flags, "--decision-log", str(decisions)) as webhook:
        webhook.wait_until_ready()
        asked(rest, webhook)
        absent = crds.deployment_spec(complianceManifestRef={"name": "absent"})
        reply = crds.create(rest, "ModelDeployment", "model", absent, "default")
        assert reply.status == 403, reply
    lines = [json.loads(line) for line in decisions.read_text("utf-8").splitlines()]
    (line,) = (line for line in lines if line["kind"] == "Decision")
    assert line["caller"] == {"authenticated": True, "name": NAME}
    uid = "serving.actgate.dev/review-uid"

    def audited() -> list[str]:
        events = map(json.loads, (tmp_path / "audit.log").read_text("utf-8").splitlines())
        return [event["annotations"][uid] for event in events if uid in event.get("annotations", {})]

    wait_until(lambda: line["uid"] in audited())
    done = actgate("log", "verify", str(decisions))
    assert done.returncode == 0
    assert "authenticated" not in done.stdout
    rest.close()
