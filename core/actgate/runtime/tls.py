"""The serving certificate: loaded from two files, and again whenever they change.

A new pair is tried whole before it serves, so that a broken or half-written one changes nothing. The
authority of clients, where one is set, is a third such file.
Connections that are open stay with the certificate they began with. The files are read, not
watched: Kubernetes swaps a symlink above them, and no notification survives that on every system.
"""

import asyncio
import hashlib
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from actgate.api.times import timestamp

logger = logging.getLogger(__name__)


class CertificateError(Exception):
    """The files hold no certificate and key that could serve."""


class Observer(Protocol):
    """What is reported of every pair."""

    def certificate_loaded(self, expiry: float) -> None:
        """Note a pair that serves and when it ends, as Unix time."""

    def certificate_refused(self) -> None:
        """Note a new pair that cannot be used."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A pair that serves."""

    context: ssl.SSLContext
    leaf: x509.Certificate

    @property
    def der(self) -> bytes:
        """The certificate as it goes over the wire."""
        return self.leaf.public_bytes(Encoding.DER)


class Certificates:
    """The pair that serves now; ``context`` is what a server is given, once."""

    def __init__(
        self, certificate: Path, key: Path, observer: Observer, client_authority: Path | None = None
    ) -> None:
        """Load the pair.

        Args:
            certificate: The serving certificate and its chain, PEM.
            key: Its private key, PEM.
            observer: Called for every pair.
            client_authority: Who signs certificates of clients, PEM; None to ask clients for none.

        Raises:
            CertificateError: There is no usable pair; without one nothing can be served.
        """
        self._certificate = certificate
        self._key = key
        self._client_authority = client_authority
        self._observer = observer
        self._seen = self._fingerprint()
        self.loaded = self._load()
        self.error: str | None = None
        """Why the newest pair of files does not serve, None when it does."""
        # Of this one OpenSSL takes how to ask clients, of the one that is chosen whom to trust.
        self.context = self._new_context()
        self.context.sni_callback = self._choose
        self._note()

    @property
    def asks_clients(self) -> bool:
        """Whether clients are asked for a certificate."""
        return self._client_authority is not None

    def refresh(self) -> None:
        """Serve the pair in the files if it is a new one that can be used."""
        seen, self._seen = self._seen, b""
        try:
            self._seen = self._fingerprint()
            if self._seen == seen:
                return
            self.loaded = self._load()
        except CertificateError as error:
            if str(error) != self.error:
                logger.error("the certificate is not replaced: %s", error)  # noqa: TRY400 - no defect
                self._observer.certificate_refused()
            self.error = str(error)
        else:
            self.error = None
            self._note()

    async def follow(self, every: float) -> None:
        """Refresh for ever, every so many seconds."""
        while True:
            await asyncio.sleep(every)
            self.refresh()

    def failing_checks(self) -> Mapping[str, str | None]:
        """Return why the pair that serves is not valid now, None where it is."""
        return {"certificate": self.invalid(datetime.now(UTC))}

    def invalid(self, moment: datetime) -> str | None:
        """Return why the pair that serves is not valid at a moment, None where it is."""
        leaf = self.loaded.leaf
        if moment >= leaf.not_valid_after_utc:
            return f"expired at {leaf.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
        if moment < leaf.not_valid_before_utc:
            return f"not valid before {leaf.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}"
        return None

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """Give a new connection the newest pair; OpenSSL calls this whether or not a name was sent."""
        connection.context = self.loaded.context

    def _note(self) -> None:
        expiry = self.loaded.leaf.not_valid_after_utc
        logger.info("serving a certificate that is valid until %s", timestamp(expiry))
        self._observer.certificate_loaded(expiry.timestamp())

    def _fingerprint(self) -> bytes:
        files = (self._certificate, self._key, self._client_authority)
        return hashlib.sha256(b"\0".join(self._read(path) for path in files if path is not None)).digest()

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise CertificateError(f"{path} cannot be read: {error.strerror}") from error

    def _load(self) -> Loaded:
        context = self._new_context()
        try:
            # Without a password given, OpenSSL would ask the terminal for that of an encrypted key.
            context.load_cert_chain(self._certificate, self._key, password="")
            leaf = x509.load_pem_x509_certificates(self._read(self._certificate))[0]
        except (OSError, ValueError) as error:
            raise CertificateError(
                f"{self._certificate} and {self._key} are not a certificate and its key: {error}"
            ) from error
        return Loaded(context, leaf)

    def _new_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        if self._client_authority is not None:
            self._ask_clients(context, self._client_authority)
        return context

    def _ask_clients(self, context: ssl.SSLContext, authority: Path) -> None:
        try:
            context.load_verify_locations(cadata=self._read(authority).decode("ascii"))
        except (OSError, ValueError) as error:
            raise CertificateError(f"{authority} holds no certificates of an authority: {error}") from error
        context.verify_mode = ssl.CERT_OPTIONAL
        # A session that is resumed is not verified again, and would outlive its authority. Only TLS 1.3
        # without tickets resumes none, and every API server speaks it.
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.num_tickets = 0
