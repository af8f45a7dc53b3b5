"""A webhook over TLS that answers as a test wants, and remembers what it was asked."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from actgate_sandbox.pki import Authority, KeyPair

Review = dict[str, Any]
Answer = dict[str, Any] | bytes | int
"""A `response` (the uid is put in), or a raw body, or a bare HTTP status."""


def allow(_: Review) -> Answer:
    """Let everything in."""
    return {"allowed": True}


@dataclass
class WebhookServer:
    """What is served at `url`, and what came in."""

    port: int
    ca: bytes
    answer: Callable[[Review], Answer] = allow
    asked: list[Review] = field(default_factory=list)
    """The `request` of every review, in order."""
    paths: list[str] = field(default_factory=list)
    connections: set[tuple[str, int]] = field(default_factory=set)
    """The client addresses, one per connection."""

    @property
    def url(self) -> str:
        """The address that a webhook configuration names."""
        return f"https://127.0.0.1:{self.port}/validate"


@contextmanager
def serving(pair: KeyPair | None = None, authority: Authority | None = None) -> Iterator[WebhookServer]:
    """Serve on a free loopback port until the block ends."""
    authority = authority or Authority("webhook test")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    with TemporaryDirectory() as directory:
        server.socket = _context(pair or authority.server(), Path(directory)).wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    server.webhook = WebhookServer(server.server_port, authority.certificate)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.webhook  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _context(pair: KeyPair, directory: Path) -> ssl.SSLContext:
    (directory / "tls.crt").write_bytes(pair.certificate)
    (directory / "tls.key").write_bytes(pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "tls.crt", directory / "tls.key")
    return context


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True  # a client that does not trust us hangs up

    def do_POST(self) -> None:
        webhook: WebhookServer = self.server.webhook  # type: ignore[attr-defined]
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        webhook.asked.append(review["request"])
        webhook.paths.append(self.path)
        webhook.connections.add(self.client_address)
        answer = webhook.answer(review["request"])
        status, body = (answer, b"no") if isinstance(answer, int) else (200, answer)
        if isinstance(body, dict):
            response = {"uid": review["request"]["uid"], **body}
            body = json.dumps(
                {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
            ).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is declared
        """Say nothing."""
