"""One small interface over both engines: the stand-in and the real API server."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

from actgate_sandbox.envtest import EnvTest, missing_binaries
from actgate_sandbox.errors import SandboxError
from actgate_sandbox.kubeconfig import write_kubeconfig
from actgate_sandbox.nodes import Nodes
from actgate_sandbox.pki import Authority
from actgate_sandbox.rest import Rest
from actgate_sandbox.stand_in import StandIn

EngineName = Literal["stand-in", "envtest"]
ENGINES: tuple[EngineName, ...] = ("stand-in", "envtest")


class Engine(Protocol):
    """What a control plane is made of, whichever engine serves it."""

    url: str
    ca: bytes
    token: str
    kubeconfig: Path

    def start(self) -> None:
        """Serve; return when requests are answered."""

    def restart(self) -> None:
        """Break every connection, then serve the same objects at the same address."""

    def stop(self) -> None:
        """Serve no more and leave nothing behind."""


class ControlPlane:
    """A running API server on loopback; a context manager that stops it."""

    def __init__(self, name: EngineName, engine: Engine) -> None:
        self.engine: EngineName = name
        self._engine = engine

    @property
    def url(self) -> str:
        """The address, without a trailing slash."""
        return self._engine.url

    @property
    def ca(self) -> bytes:
        """The authority that signed the serving certificate, PEM."""
        return self._engine.ca

    @property
    def token(self) -> str:
        """The administrator's bearer token."""
        return self._engine.token

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig; it goes when the control plane stops."""
        return self._engine.kubeconfig

    def rest(self) -> Rest:
        """Open a plain REST client with the administrator's rights."""
        return Rest(self.url, self.ca, self.token)

    def restart(self) -> None:
        """Restart the API server at the same address; stored objects stay, connections break."""
        self._engine.restart()

    def stop(self) -> None:
        """Stop serving; stopping twice is harmless."""
        self._engine.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()


def start(
    engine: str = "auto", *, workloads: bool = False, regions: Collection[str] | None = None
) -> ControlPlane:
    """Start a control plane; `auto` takes the real API server where its binaries are.

    Args:
        engine: `auto`, `stand-in` or `envtest`.
        workloads: Whether Deployments roll out, as in a cluster with nodes; else they stay as written.
        regions: With workloads, the regions that have nodes; None means all. A pod that must run in
            other ones stays pending, as Unschedulable.

    Raises:
        SandboxError: The engine is unknown, its binaries are missing, or it does not come up.
    """
    nodes = Nodes(regions) if workloads else None
    name = _resolved(engine, workloads=workloads)
    made: Engine = EnvTest(nodes) if name == "envtest" else _StandInEngine(nodes)
    try:
        made.start()
    except BaseException:
        made.stop()
        raise
    return ControlPlane(name, made)


def _resolved(engine: str, *, workloads: bool) -> EngineName:
    if engine == "auto":
        return "stand-in" if missing_binaries(workloads=workloads) else "envtest"
    for name in ENGINES:
        if engine == name:
            return name
    raise SandboxError(f"unknown engine {engine!r}: take one of auto, {', '.join(ENGINES)}")


class _StandInEngine:
    """The stand-in behind a throw-away authority, with a kubeconfig of its own."""

    def __init__(self, nodes: Nodes | None) -> None:
        authority = Authority("stand-in")
        self.ca = authority.certificate
        self.token = secrets.token_urlsafe(24)
        self._server = StandIn(authority.server(), self.token, nodes=nodes)
        self._directory = Path(tempfile.mkdtemp(prefix="stand-in-"))
        self.kubeconfig = self._directory / "kubeconfig"
        self.url = self._server.url

    def start(self) -> None:
        self._server.start()
        write_kubeconfig(self.kubeconfig, self.url, self.ca, self.token)

    def restart(self) -> None:
        self._server.restart()

    def stop(self) -> None:
        self._server.stop()
        shutil.rmtree(self._directory, ignore_errors=True)
