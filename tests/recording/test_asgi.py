"""The middleware: no message of an answer leaves before its record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI, Request
from starlette.responses import StreamingResponse

from actgate.recording.writer import Settings
from actgate.trace.asgi import Recorder
from tests.recording.test_writer import contents, lines


@asynccontextmanager
async def _alive(app: FastAPI) -> AsyncIterator[None]:
    """Start an application as a server does, and end it with the block."""
    asked: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    answered: asyncio.Queue[Any] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    life = asyncio.create_task(app(scope, asked.get, answered.put))
    await asked.put({"type": "lifespan.startup"})
    assert (await answered.get())["type"] == "lifespan.startup.complete"
    yield
    await asked.put({"type": "lifespan.shutdown"})
    assert (await answered.get())["type"] == "lifespan.shutdown.complete"
    await life


async def _pieces() -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"


def _app() -> FastAPI:
    app = FastAPI()

    @app.post("/infer")
    async def infer(request: Request) -> dict[str, float]:
        request.state.actgate.field("threshold", 0.5)
        return {"score": 0.25}

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(_pieces())

    @app.get("/broken")
    async def broken() -> None:
        raise LookupError

    return app


async def test_each_use_has_its_record_and_names_it(tmp_path: Path) -> None:
    """Whole answers have one, streams two, failures one with the error; probes none."""
    app = _app()
    app.add_middleware(Recorder, settings=Settings(directory=tmp_path, name="test"))
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with _alive(app), httpx2.AsyncClient(transport=transport, base_url="http://m") as client:
        answer = await client.post("/infer", json={"income": 4321})
        assert answer.json() == {"score": 0.25}
        assert (await client.get("/stream")).text == "onetwo"
        assert (await client.get("/broken")).status_code == 500
        await client.get("/healthz")
        assert (await client.post("/_actgate/events", json={})).status_code == 403
    found = [entry for entry in lines(tmp_path) if entry.event not in ("start", "stop")]
    assert [entry.event for entry in found] == ["inference", "stream.start", "stream.end", "inference"]
    uses = [entry.record for entry in found]
    assert uses[0]["id"] == answer.headers["actgate-record-id"]
    assert uses[0]["fields"] == {"threshold": 0.5}
    assert uses[2]["stream"] == {"complete": True}
    assert (uses[3]["status"], uses[3]["error"]) == (500, "LookupError")
    assert b"4321" not in b"".join(contents(tmp_path))
