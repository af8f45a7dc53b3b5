"""What both engines have in common: an address, credentials, and an end."""

from __future__ import annotations

import secrets
import shutil
import socket
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from actgate_sandbox.kubeconfig import write_kubeconfig
from actgate_sandbox.pki import Authority
from actgate_sandbox.rest import Rest

EngineName = Literal["stand-in", "envtest"]


class ControlPlane(ABC):
    """An API server on loopback; a context manager that stops it."""

    def __init__(self, engine: EngineName) -> None:
        self.engine: EngineName = engine
        self.authority = Authority(engine)
        self.ca = self.authority.certificate
        """The authority that signed the serving certificate, PEM."""
        self.token = secrets.token_urlsafe(24)
        """The administrator's bearer token."""
        self.directory = Path(tempfile.mkdtemp(prefix=f"{engine}-"))
        """For its files; it goes when the control plane stops."""
        # Held as long as the control plane lives, so that the port is free for it after a restart.
        self._reserved = reserve_port()
        self.port: int = self._reserved.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        """The address, without a trailing slash."""
        self.kubeconfig = self.directory / "kubeconfig"
        """The administrator's kubeconfig."""
        write_kubeconfig(self.kubeconfig, self.url, self.ca, self.token)

    @abstractmethod
    def start(self) -> None:
        """Serve; return when requests are answered. The caller has to stop it, after a failure too."""

    @abstractmethod
    def restart(self) -> None:
        """Break every connection, then serve the same objects at the same address."""

    def stop(self) -> None:
        """Serve no more and leave nothing behind; stopping twice is harmless."""
        self._reserved.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def rest(self) -> Rest:
        """Open a plain REST client with the administrator's rights."""
        return Rest(self.url, self.ca, self.token)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()


def reserve_port(port: int = 0) -> socket.socket:
    """Bind a loopback port, a free one for 0, that another socket with the same option may share."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound
