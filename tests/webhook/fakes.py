"""An app to ask in process."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.types import Message

from actgate.lookup.evidence import EvidenceSource
from actgate_webhook.app import create_app
from actgate_webhook.metrics import Metrics
from actgate_webhook.validate import Validate
from tests.webhook.build import body_of

JSON_HEADERS: Final = ((b"content-type", b"application/json"),)


def lifespan(app: Validate) -> AbstractAsyncContextManager[object]:
    """Run what an app opens, closes and has beside its requests, in a block."""
    return app.app.router.lifespan_context(app.app)


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever came
        """The body, decoded."""
        return orjson.loads(self.body)

    @property
    def response(self) -> dict[str, Any]:
        """The response of an AdmissionReview."""
        assert self.status == 200, self
        document = self.json
        assert (document["apiVersion"], document["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
        return dict(document["response"])

    @property
    def allowed(self) -> bool:
        """Whether an AdmissionReview allows."""
        return bool(self.response["allowed"])

    @property
    def message(self) -> str:
        """The message of a refusal."""
        return str(self.response["status"]["message"])


class InProcess:
    """Asks an app without a network; headers, chunks and errors are as a server would hand them on."""

    def __init__(self, source: EvidenceSource, metrics: Metrics | None = None) -> None:
        self.metrics = metrics or Metrics()
        self.app = create_app(source, self.metrics)

    async def __call__(self, document: object, query: str = "timeout=5s") -> Reply:
        """Post a document as JSON to ``/validate``."""
        return await self.send("POST", "/validate", [body_of(document)], query=query)

    async def send(
        self,
        method: str,
        path: str,
        chunks: Iterable[bytes] = (),
        *,
        query: str = "",
        headers: Iterable[tuple[bytes, bytes]] = JSON_HEADERS,
    ) -> Reply:
        """Send one request and return its answer."""
        pieces = list(chunks) or [b""]
        received = [
            {"type": "http.request", "body": piece, "more_body": number < len(pieces)}
            for number, piece in enumerate(pieces, 1)
        ]
        sent: list[Message] = []

        async def receive() -> Message:
            return received.pop(0) if received else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.app(_scope(method, path, query, headers), receive, send)
        start, *rest = sent
        names = {name.decode(): value.decode() for name, value in start["headers"]}
        return Reply(start["status"], names, b"".join(part.get("body", b"") for part in rest))


def _scope(method: str, path: str, query: str, headers: Iterable[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(b"host", b"localhost"), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8443),
        "state": {},
    }
