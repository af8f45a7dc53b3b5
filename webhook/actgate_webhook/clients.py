"""Who asks: where a client authority is set, only the API server's certificate opens ``/validate``.

Any pod can reach the port of a webhook. A client that shows a certificate that the authority did not sign
does not get through the handshake. A client without one does, since the kubelet and scrapers of metrics have
none, and is refused on ``/validate`` alone.
"""

import asyncio
from collections.abc import Collection
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from actgate_webhook.connections import TimedProtocol
from actgate_webhook.metrics import Metrics
from actgate_webhook.review import PATH, Problem, encode
from actgate_webhook.validate import CLIENT, caller_of

_NO_CERTIFICATE: Final = "reviews are answered to clients with a certificate only, and none was shown"

_OTHER_NAME: Final = (
    "reviews are not answered to this client: its certificate's name is not among --client-allowed-names"
)


class ClientProtocol(TimedProtocol):
    """The protocol of a connection, which also passes the client's certificate to the app."""

    _client_name: str | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Read the certificate that the handshake has verified."""
        super().connection_made(transport)
        self._client_name = common_name(transport.get_extra_info("peercert") or {})

    def on_message_begin(self) -> None:
        """Begin a request, and say in it whose it is."""
        super().on_message_begin()
        self.scope["extensions"] = {CLIENT: {"name": self._client_name}}


class Clients:
    """Lets an app answer reviews only for clients with a verified certificate, of certain names if any."""

    def __init__(self, app: ASGIApp, names: Collection[str], metrics: Metrics) -> None:
        self._app = app
        self._names = frozenset(names)
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        if scope["type"] == "http" and scope["path"] == PATH and (why := self._refusal(scope)) is not None:
            self._metrics.bad_request(403)
            await _refuse(send, why)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        caller = caller_of(scope)
        if not caller.authenticated:
            return _NO_CERTIFICATE
        if self._names and caller.name not in self._names:
            return _OTHER_NAME
        return None


def common_name(certificate: dict[str, Any]) -> str | None:
    """Return the common name of a certificate as Python decodes one; "" where it has none or several."""
    if not certificate:
        return None
    subject = certificate.get("subject", ())
    names = [value for part in subject for key, value in part if key == "commonName"]
    return names[0] if len(names) == 1 else ""


async def _refuse(send: Send, why: str) -> None:
    body = encode(Problem(why))
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        # What was sent is not read, and must not be taken for the next request.
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
