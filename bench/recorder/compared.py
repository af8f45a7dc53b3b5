"""What a recorder is compared with: nginx with a log in JSON, and FastAPI without and with the middleware."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Final

_NGINX: Final = """
daemon off;
master_process off;
pid {directory}/pid;
error_log {directory}/errors crit;
events {{}}
http {{
  log_format uses escape=json '{{"time":"$time_iso8601","id":"$request_id","method":"$request_method",'
    '"path":"$uri","status":$status,"sent":$body_bytes_sent,"received":$request_length,'
    '"seconds":$request_time}}';
  access_log {directory}/uses.jsonl uses;
  client_body_temp_path {directory}/bodies;
  proxy_temp_path {directory}/answers;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  keepalive_requests 1000000;
  upstream model {{ server 127.0.0.1:{model_port}; keepalive 32; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


def has_nginx() -> bool:
    """Return whether this machine has an nginx to compare with."""
    return shutil.which("nginx") is not None


def nginx(port: str, model_port: str, directory: str) -> None:
    """Become an nginx of one process, which writes a line of JSON for each answer."""
    folder = Path(directory)
    folder.mkdir()
    configuration = folder / "nginx.conf"
    configuration.write_text(_NGINX.format(port=port, model_port=model_port, directory=directory))
    os.execvp("nginx", ["nginx", "-p", directory, "-c", str(configuration)])  # noqa: S606, S607


def application(port: str, directory: str = "", keys: str = "") -> None:
    """Serve the model by FastAPI, recorded by the middleware where there is a directory for its log."""
    import uvicorn
    from fastapi import FastAPI

    from actgate.recording.writer import Settings
    from actgate.trace.asgi import Recorder

    app = FastAPI()

    @app.post("/one")
    async def one(features: dict[str, float]) -> dict[str, float]:
        return {"score": features["income"] / 17284}

    @app.post("/slow")
    async def slow(features: dict[str, float]) -> dict[str, float]:
        await asyncio.sleep(0.01)
        return await one(features)

    if directory:
        app.add_middleware(
            Recorder, settings=Settings(directory=Path(directory), name="bench"), keys_dir=Path(keys)
        )
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(port),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
