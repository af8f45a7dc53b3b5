"""A real API server for tests: `etcd` and `kube-apiserver` on loopback, gone without a trace.

The binaries are found as controller-runtime's envtest finds them: in the folder that
`KUBEBUILDER_ASSETS` names, else in `/usr/local/kubebuilder/bin`. Where `kube-controller-manager`
lies beside them, its namespace and garbage collection controllers run too. A Deployment stays as its
writer left it, in both engines alike; where workloads are asked for, the controllers of workloads run
as well, and a `Kubelet` of ours lets the pods run.
"""

from __future__ import annotations

import os
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from actgate_sandbox.errors import SandboxError
from actgate_sandbox.keeper import KeptProcess
from actgate_sandbox.kubelet import Kubelet
from actgate_sandbox.nodes import Nodes
from actgate_sandbox.pki import KeyPair
from actgate_sandbox.plane import ControlPlane, reserve_port

DEFAULT_ASSETS = Path("/usr/local/kubebuilder/bin")
NEEDED = ("etcd", "kube-apiserver")
START_SECONDS = 120.0
CONTROLLERS = (
    "namespace-controller",
    "garbage-collector-controller",
    # Fills the ClusterRoles view, edit and admin; checks the types of admission policies.
    "clusterrole-aggregation-controller",
    "validatingadmissionpolicy-status-controller",
)
WORKLOAD_CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "statefulset-controller",
    "daemonset-controller",
    "job-controller",
    "disruption-controller",
)
_CONTROLLER_MANAGER = "kube-controller-manager"


def assets() -> Path:
    """Return the folder where envtest's binaries are looked for."""
    return Path(os.environ.get("KUBEBUILDER_ASSETS") or DEFAULT_ASSETS)


def find_kubectl() -> str | None:
    """Return kubectl from the PATH, else from envtest's folder, else None."""
    return shutil.which("kubectl") or shutil.which("kubectl", path=assets())


def missing_binaries(*, workloads: bool = False) -> list[str]:
    """Name the binaries without which no real API server (whose workloads run) can be started."""
    needed = (*NEEDED, _CONTROLLER_MANAGER) if workloads else NEEDED
    return [name for name in needed if not os.access(assets() / name, os.X_OK)]


class EnvTest(ControlPlane):
    """One etcd, one API server and, where present, its controllers, from `start` to `stop`.

    Args:
        nodes: Where pods run; without nodes no controller makes pods.
        flags: More flags of the API server.
    """

    def __init__(self, nodes: Nodes | None = None, flags: Sequence[str] = ()) -> None:
        if missing := missing_binaries(workloads=nodes is not None):
            raise SandboxError(
                f"{' and '.join(missing)} not found in {assets()}: set KUBEBUILDER_ASSETS to the "
                "folder of envtest's binaries (`setup-envtest use -p path`), "
                "or take the stand-in engine"
            )
        super().__init__("envtest")
        self._etcd, self._peers = reserve_port(), reserve_port()
        self._processes: dict[str, KeptProcess] = {}
        self._nodes = nodes
        self._flags = flags
        self._kubelet: Kubelet | None = None

    def start(self) -> None:
        """Start everything and return when the API server is ready.

        Raises:
            SandboxError: A process ended, or was not ready in time; its last words are included.
        """
        self._write_files()
        self._start_etcd()
        self._start_api_server()
        self._start_controllers()
        if self._nodes is not None:
            self._kubelet = Kubelet(self.rest(), self._nodes)
            self._kubelet.start()

    def restart(self) -> None:
        """Kill the API server and start it again on the same port, over the same etcd."""
        self._processes.pop("kube-apiserver").stop()
        self._start_api_server()

    def stop(self) -> None:
        """End every process and remove every file; stopping twice is harmless."""
        if self._kubelet is not None:
            self._kubelet.stop()
            self._kubelet = None
        while self._processes:
            _, process = self._processes.popitem()
            process.stop()
        self._etcd.close()
        self._peers.close()
        super().stop()

    def _write_files(self) -> None:
        self._write_pair("serving", self.authority.server())
        self._write_pair("service-accounts", self.authority.server())  # the API server signs tokens with it
        (self.directory / "ca.crt").write_bytes(self.ca)
        self._write_secret("tokens.csv", f'{self.token},admin,admin,"system:masters"\n'.encode())

    def _write_pair(self, name: str, pair: KeyPair) -> None:
        (self.directory / f"{name}.crt").write_bytes(pair.certificate)
        self._write_secret(f"{name}.key", pair.key)

    def _write_secret(self, name: str, content: bytes) -> None:
        path = self.directory / name
        path.touch(mode=0o600)
        path.write_bytes(content)

    def _start_etcd(self) -> None:
        clients = f"http://127.0.0.1:{self._etcd.getsockname()[1]}"
        peers = f"http://127.0.0.1:{self._peers.getsockname()[1]}"
        self._spawn(
            "etcd",
            f"--data-dir={self.directory / 'etcd'}",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            "--socket-reuse-port",
            "--unsafe-no-fsync",
            # As kubeadm sets it: without it, watches of a quiet kind get no bookmarks.
            "--experimental-watch-progress-notify-interval=5s",
            "--log-level=warn",
        )
        self._wait_until_ready("etcd", f"{clients}/health")

    def _start_api_server(self) -> None:
        self._spawn(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd.getsockname()[1]}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.port}",
            "--permit-port-sharing",
            f"--tls-cert-file={self.directory / 'serving.crt'}",
            f"--tls-private-key-file={self.directory / 'serving.key'}",
            f"--client-ca-file={self.directory / 'ca.crt'}",
            f"--token-auth-file={self.directory / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.directory / 'service-accounts.crt'}",
            f"--service-account-signing-key-file={self.directory / 'service-accounts.key'}",
            "--service-cluster-ip-range=10.0.0.0/16",
            # No controller creates default service accounts here, so no pod could be admitted with it.
            "--disable-admission-plugins=ServiceAccount",
            "--endpoint-reconciler-type=none",
            "--allow-privileged",
            "--profiling=false",
            *self._flags,
        )
        self._wait_until_ready("kube-apiserver", f"{self.url}/readyz")

    def _start_controllers(self) -> None:
        if not os.access(assets() / _CONTROLLER_MANAGER, os.X_OK):
            return
        chosen = CONTROLLERS if self._nodes is None else (*CONTROLLERS, *WORKLOAD_CONTROLLERS)
        self._spawn(
            _CONTROLLER_MANAGER,
            f"--kubeconfig={self.kubeconfig}",
            f"--controllers={','.join(chosen)}",
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=100",
            "--kube-api-burst=200",
            "--profiling=false",
        )

    def _spawn(self, name: str, *arguments: str) -> None:
        command: Sequence[str] = (str(assets() / name), *arguments)
        self._processes[name] = KeptProcess(command, self.directory / f"{name}.log")

    def _wait_until_ready(self, name: str, url: str) -> None:
        process = self._processes[name]
        context = ssl.create_default_context(cadata=self.ca.decode())
        request = urllib.request.Request(  # noqa: S310 - a loopback address of our own
            url, headers={"Authorization": f"Bearer {self.token}"}
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not process.running():
                raise SandboxError(f"{name} ended before it was ready:\n{process.last_words()}")
            try:
                with urllib.request.urlopen(request, timeout=5, context=context):  # noqa: S310
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise SandboxError(f"{name} was not ready within {START_SECONDS:.0f} s:\n{process.last_words()}")
