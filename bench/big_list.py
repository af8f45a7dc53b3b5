"""An API server with nothing but many manifests: ``python -m bench.big_list PORT COUNT``."""

import asyncio
import sys

import orjson
from aiohttp import web

from bench.manifests import manifest


async def serve(port: int, count: int) -> None:
    """Answer lists page by page, and watches with silence, until killed."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            stream = web.StreamResponse(headers={"Content-Type": "application/json"})
            await stream.prepare(request)
            await asyncio.sleep(600)
            return stream
        start, limit = int(request.query.get("continue") or 0), int(request.query.get("limit", count))
        end = min(start + limit, count)
        metadata = {"resourceVersion": str(1000 + count)} | ({"continue": str(end)} if end < count else {})
        items = [manifest(number) for number in range(start, end)]
        body = orjson.dumps({"kind": "ComplianceManifestList", "metadata": metadata, "items": items})
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
