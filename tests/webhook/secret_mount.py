"""``SecretMount``: certificate and key as the kubelet mounts a Secret, behind a symlink that it swaps."""

from __future__ import annotations

import itertools
import ssl
from pathlib import Path

from actgate_sandbox.pki import KeyPair


class SecretMount:
    """A folder with ``tls.crt`` and ``tls.key``; both change at once, as the kubelet does it."""

    def __init__(self, folder: Path, pair: KeyPair) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self.certificate = folder / "tls.crt"
        self.key = folder / "tls.key"
        self.write(pair.certificate, pair.key)
        for path in (self.certificate, self.key):
            path.symlink_to(Path("..data") / path.name)

    def write(self, certificate: bytes, key: bytes) -> None:
        """Write both into a new folder, then swap the symlink in one step."""
        version = self._folder / f"..{next(self._numbers)}"
        version.mkdir()
        (version / "tls.crt").write_bytes(certificate)
        (version / "tls.key").write_bytes(key)
        link = self._folder / "..data_tmp"
        link.symlink_to(version.name)
        link.rename(self._folder / "..data")


def der_of(pair: KeyPair) -> bytes:
    """Return the certificate of a pair as it goes over the wire."""
    return ssl.PEM_cert_to_DER_cert(pair.certificate.decode())
