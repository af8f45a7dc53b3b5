"""The services as the manifests run them, but on loopback: same flags, same accounts, same rights."""

from __future__ import annotations

import ssl
import sys
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3

from actgate_sandbox.keeper import KeptProcess
from actgate_sandbox.kubeconfig import write_kubeconfig
from actgate_sandbox.rest import Rest
from demo import service
from demo.registration import COLLECTION
from demo.service import Operator, free_port
from tests.deploy.conftest import Cluster
from tests.deploy.rendering import NAMESPACE, Json, container_of
from tests.support.waiting import wait_until

SECRET = f"/api/v1/namespaces/{NAMESPACE}/secrets/actgate-webhook-tls"
REGISTRATION = f"{COLLECTION}/actgate"


def token_of(cluster: Cluster, account: str, namespace: str = NAMESPACE) -> str:
    """Return a token of a service account, as a pod gets one."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    reply = cluster.rest("POST", path, {"spec": {"expirationSeconds": 3600}})
    assert reply.status == 201, reply
    return str(reply.body["status"]["token"])


def rest_of(cluster: Cluster, account: str, namespace: str = NAMESPACE) -> Rest:
    """Return a client that has nothing but a service account's token; the caller closes it."""
    return Rest(cluster.plane.url, cluster.plane.ca, token_of(cluster, account, namespace))


def kubeconfig_of(cluster: Cluster, account: str, folder: Path) -> Path:
    """Write a kubeconfig with a token of a service account."""
    written = folder / f"{account}.kubeconfig"
    write_kubeconfig(written, cluster.plane.url, cluster.plane.ca, token_of(cluster, account))
    return written


def flags_of(objects: Sequence[Json], account: str) -> list[str]:
    """Return the flags of a service's container but its port, which on one machine may be taken."""
    flags: list[str] = container_of(objects, account)["args"]
    return [flag for flag in flags if not flag.startswith(("--secure-port=", "--health-port="))]


@contextmanager
def operator(cluster: Cluster, objects: Sequence[Json], folder: Path) -> Iterator[Operator]:
    """Run the operator with its own account until the block ends."""
    kubeconfig = kubeconfig_of(cluster, "actgate-operator", folder)
    # In a pod, the namespace is read from a file; here it is a flag, and the webhook is on loopback.
    here = [
        "--lease-namespace",
        NAMESPACE,
        "--webhook-namespace",
        NAMESPACE,
        "--webhook-extra-sans",
        "127.0.0.1",
    ]
    # The default, which the sandbox sets aside.
    here += ["--certificates", "SelfManaged"]
    here += ["--recorder-image", f"registry.example/recorder@sha256:{'1' * 64}"]
    with service.operator(kubeconfig, *flags_of(objects, "actgate-operator"), *here) as running:
        yield running


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook on loopback, behind the certificate that the operator made."""

    port: int
    log: Path
    folder: Path
    """Where its Secret is mounted."""

    def metrics(self) -> str:
        """Return its metrics, trusting what the operator wrote into the Secret."""
        context = ssl.create_default_context(cafile=self.folder / "ca.crt")
        with urllib3.PoolManager(ssl_context=context, timeout=urllib3.Timeout(30), retries=False) as pool:
            return pool.request("GET", f"https://127.0.0.1:{self.port}/metrics").data.decode()


@contextmanager
def webhook(cluster: Cluster, objects: Sequence[Json], folder: Path) -> Iterator[Webhook]:
    """Run the webhook with its own account until the block ends, as soon as its Secret is there."""
    mount_secret(cluster, folder)
    kubeconfig = kubeconfig_of(cluster, "actgate-webhook", folder)
    log, port = folder / "webhook.log", free_port()
    process = KeptProcess(
        [
            sys.executable, "-m", "actgate_webhook", *flags_of(objects, "actgate-webhook"),
            "--bind-address", "127.0.0.1", "--secure-port", str(port), "--kubeconfig", str(kubeconfig),
            "--tls-cert-file", str(folder / "tls.crt"), "--tls-private-key-file", str(folder / "tls.key"),
        ],
        log,
    )  # fmt: skip
    try:
        yield Webhook(port, log, folder)
    finally:
        process.stop()


def mount_secret(cluster: Cluster, folder: Path) -> None:
    """Write the files of the webhook's Secret, as the kubelet would when it exists."""

    def data() -> Json:
        reply = cluster.rest("GET", SECRET)
        assert reply.status == 200, reply
        return dict(reply.body["data"])

    found = wait_until(data)
    for name in ("tls.crt", "tls.key", "ca.crt"):
        path = folder / name
        path.touch(mode=0o600)
        path.write_bytes(b64decode(found[name]))


def point_at(cluster: Cluster, port: int) -> None:
    """Point the installed registration at loopback, where no Service leads; its trust is the operator's."""

    def pointed() -> bool:
        live = cluster.rest("GET", REGISTRATION).body
        for item in live["webhooks"]:
            was = item["clientConfig"]
            item["clientConfig"] = {
                "url": f"https://127.0.0.1:{port}{was['service']['path']}",
                "caBundle": was.get("caBundle", ""),
            }
        # The operator may just have written caBundle.
        return cluster.rest("PUT", REGISTRATION, live).status == 200

    wait_until(pointed)
