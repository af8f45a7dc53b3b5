"""A TLS call to ourselves: the proof that clients of our port are answered, with our certificate."""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Final

from actgate.runtime.tls import Certificates

EVERY_SECONDS: Final = 5.0
_FIRST_SECONDS: Final = 0.2
_PATIENCE_SECONDS: Final = 5.0
_REQUEST: Final = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound


class SelfCall:
    """Calls one address again and again, and knows how the last call went."""

    def __init__(self, host: str, port: int, certificates: Certificates) -> None:
        self._host = _ANYWHERE.get(host, host)
        self._port = port
        self._certificates = certificates
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Trust is not the question here; which certificate comes is compared below.
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE
        self.error: str | None = "not called yet"
        """What went wrong with the last call, None where nothing did."""

    def failing_checks(self) -> Mapping[str, str | None]:
        """Return how the last call went, as a check."""
        return {"self-call": self.error}

    async def follow(self) -> None:
        """Call for ever: in quick succession until it works, then every few seconds."""
        while True:
            await self.call()
            await asyncio.sleep(_FIRST_SECONDS if self.error else EVERY_SECONDS)

    async def call(self) -> None:
        """Call once, and note how it went."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                self.error = await self._exchange()
        except TimeoutError:
            self.error = f"no answer within {_PATIENCE_SECONDS:g} s"
        except OSError as error:
            self.error = f"{type(error).__name__}: {error}"

    async def _exchange(self) -> str | None:
        before = self._certificates.loaded.der
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._context)
        try:
            served = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            writer.write(_REQUEST)
            status = await reader.readline()
        finally:
            writer.close()
        # A new pair may have been loaded while the call was under way.
        if served not in (before, self._certificates.loaded.der):
            return "another certificate is served than the one that is loaded"
        return None if status.startswith(b"HTTP/1.1 200 ") else f"answered {status[:40]!r}"
