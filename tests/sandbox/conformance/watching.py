"""A watch, read line by line, without a Kubernetes client in between."""

from __future__ import annotations

import json
import ssl
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import urllib3

from actgate_sandbox.control_plane import ControlPlane

Event = tuple[str, dict[str, Any]]


@contextmanager
def watching(plane: ControlPlane, path: str, **query: str) -> Iterator[Iterator[Event]]:
    """Open a watch; its events are pairs of type and object, until the server ends it."""
    pool = urllib3.PoolManager(
        ssl_context=ssl.create_default_context(cadata=plane.ca.decode()),
        headers={"Authorization": f"Bearer {plane.token}"},
        timeout=urllib3.Timeout(connect=10, read=60),
        retries=False,
    )
    parameters = urllib.parse.urlencode({"watch": "true", "timeoutSeconds": "50", **query})
    response = pool.request("GET", f"{plane.url}{path}?{parameters}", preload_content=False)
    assert response.status == 200, response.data
    try:
        yield _events(response)
    finally:
        response.close()
        pool.clear()


def _events(response: urllib3.BaseHTTPResponse) -> Iterator[Event]:
    kept = b""
    for chunk in response.stream(amt=None):
        *lines, kept = (kept + chunk).split(b"\n")
        for line in lines:
            event = json.loads(line)
            yield event["type"], event["object"]
