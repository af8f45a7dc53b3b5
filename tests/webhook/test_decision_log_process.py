"""The decision log of a webhook that runs as a pod does, verified with the installed command."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.pki import Authority
from actgate_sandbox.rest import Rest
from tests.cli.support import actgate
from tests.records.build import prove, sentences
from tests.support import crds
from tests.support.waiting import wait_until
from tests.webhook.build import Json, changed, model_deployment, review
from tests.webhook.process import WebhookProcess, running
from tests.webhook.secret_mount import SecretMount

pytestmark = pytest.mark.system

FAST = ("--shutdown-delay-duration", "0s", "--shutdown-timeout", "1s", "--replica", "webhook-1")


@pytest.fixture
def question(rest: Rest, namespace: str) -> Json:
    """A review about a model whose manifest is missing."""
    crds.install(rest)
    return review(changed(model_deployment(), "metadata.namespace", namespace), namespace=namespace)


def stop(webhook: WebhookProcess) -> None:
    """End a webhook as a kubelet does."""
    webhook.signal()
    assert webhook.exit_code() == 0, webhook.log()


def head_of(webhook: WebhookProcess) -> str:
    """Return the last head that it logged on standard error."""
    heads = [line for line in webhook.log().splitlines() if "decision log: chain" in line]
    head: str = json.loads(heads[-1])["message"].rpartition(" ")[2]
    return head


def test_a_log_is_proven_over_stops_and_a_kill(
    control_plane: ControlPlane, question: Json, tmp_path: Path
) -> None:
    """A file that three processes wrote one after the other: stopped, killed, stopped."""
    file = tmp_path / "decisions.log"
    for name, end in (("one", signal.SIGTERM), ("two", signal.SIGKILL), ("three", signal.SIGTERM)):
        with running(
            tmp_path / name, control_plane.kubeconfig, *FAST, "--decision-log", str(file)
        ) as webhook:
            webhook.wait_until_ready()
            assert not webhook.ask(question)["allowed"]
            webhook.signal(end)
            webhook.exit_code()
            head = head_of(webhook)
    done = actgate("log", "verify", "--head", head, str(file))
    assert done.returncode == 0, done.stdout
    assert "PROVEN: 3 decisions in 3 chains" in done.stdout
    assert "3 of 3 decisions came from callers that were not authenticated" in done.stdout
    assert "without --client-ca-file any caller is answered" in webhook.log()
    assert done.stdout.count("no stop: ") == 1
    lines = file.read_text().splitlines(keepends=True)
    del lines[1]
    file.write_text("".join(lines))
    assert actgate("log", "verify", str(file)).returncode == 1


def test_standard_output_holds_the_decision_log_and_nothing_else(
    control_plane: ControlPlane, question: Json, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """By default; everything else that is logged goes to standard error."""
    with running(tmp_path / "webhook", control_plane.kubeconfig, *FAST) as webhook:
        webhook.wait_until_ready()
        webhook.ask(question)
        stop(webhook)
    proof = prove(capfd.readouterr().out.splitlines(keepends=True), strict=True)
    assert sentences(proof) == ""
    assert (proof.chains[0].replica, proof.chains[0].decisions) == ("webhook-1", 1)


def test_none_writes_nothing(
    control_plane: ControlPlane, question: Json, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Users who rely on the API server's audit log can do without."""
    with running(tmp_path / "w", control_plane.kubeconfig, *FAST, "--decision-log", "none") as webhook:
        webhook.wait_until_ready()
        webhook.ask(question)
        stop(webhook)
    assert capfd.readouterr().out == ""


def test_a_full_disk_makes_the_replica_unready(
    control_plane: ControlPlane, question: Json, tmp_path: Path
) -> None:
    """It says so, answers refusals still, and counts what it could not record."""
    with running(tmp_path / "w", control_plane.kubeconfig, *FAST, "--decision-log", "/dev/full") as webhook:
        wait_until(lambda: "[+]namespaces ok" in webhook.get("/readyz?verbose")[1])
        status, text = webhook.get("/readyz")
        assert status == 503
        assert "[-]decision log failed: it cannot be written: No space left on device" in text
        assert webhook.ask(question)["status"]["code"] == 403
        assert "actgate_webhook_decision_log_lost_total 1.0" in webhook.get("/metrics")[1]
        stop(webhook)


def test_a_place_that_cannot_be_opened_ends_the_process(control_plane: ControlPlane, tmp_path: Path) -> None:
    """Exit code 2 and the sentence, before anything is served."""
    mount = SecretMount(tmp_path, Authority("webhook").server())
    done = subprocess.run(  # noqa: S603 - our own command
        [
            sys.executable, "-m", "actgate_webhook", "--kubeconfig", str(control_plane.kubeconfig),
            "--tls-cert-file", str(mount.certificate), "--tls-private-key-file", str(mount.key),
            "--bind-address", "127.0.0.1", "--secure-port", "0", "--decision-log", str(tmp_path),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    message = f"actgate-webhook: the decision log cannot be written to {tmp_path}: Is a directory"
    assert done.stderr.splitlines()[-1] == message
