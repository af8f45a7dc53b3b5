"""Throw-away certificates of the sandbox: `trustme`, as certificate and key in PEM.

A certificate of trustme serves for servers and clients alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import trustme

LOOPBACK_NAMES = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """A certificate authority that lives in memory."""

    def __init__(self, name: str = "sandbox") -> None:
        self.ca = trustme.CA(organization_name=name)
        self.certificate = self.ca.cert_pem.bytes()
        """The authority's own certificate, PEM: what a client trusts."""

    def server(self, names: Sequence[str] = LOOPBACK_NAMES, lifetime: timedelta | None = None) -> KeyPair:
        """Sign a serving certificate for names or addresses; a negative lifetime is expired."""
        ends = None if lifetime is None else datetime.now(UTC) + lifetime
        return _pair(self.ca.issue_cert(*names, common_name=names[0], not_after=ends))

    def client(self, user: str) -> KeyPair:
        """Sign a client certificate, whose common name Kubernetes takes for the user."""
        return _pair(self.ca.issue_cert("client.invalid", common_name=user))


def _pair(made: trustme.LeafCert) -> KeyPair:
    return KeyPair(made.cert_chain_pems[0].bytes(), made.private_key_pem.bytes())
