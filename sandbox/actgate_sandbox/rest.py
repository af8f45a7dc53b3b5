"""The few REST calls that the sandbox and its tests make against a control plane.

Deliberately not the Kubernetes client: a test wants the status code, the words and the warnings
that the API server sent, unparsed.
"""

from __future__ import annotations

import json
import re
import ssl
import time
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

from actgate_sandbox.errors import SandboxError

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')
_ESTABLISH_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: the HTTP status, the decoded JSON body, and the texts of its warning headers."""

    status: int
    body: Any
    warnings: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """The message of a `Status` body, empty for anything else."""
        return str(self.body.get("message", "")) if isinstance(self.body, dict) else ""


class Rest:
    """A keep-alive JSON client for one API server."""

    def __init__(self, url: str, ca: bytes, token: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(
            ssl_context=ssl.create_default_context(cadata=ca.decode()),
            headers={"Authorization": f"Bearer {token}", "Accept": JSON},
            timeout=urllib3.Timeout(connect=10, read=60),
            retries=False,
        )

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        content_type: str = JSON,
        **query: str,
    ) -> Reply:
        """Send one request; every HTTP status is an answer, only a broken connection raises."""
        sent: dict[str, str] = dict(self._pool.headers)
        if body is not None:
            sent["Content-Type"] = content_type
        response = self._pool.request(
            method,
            f"{self._url}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else ""),
            body=None if body is None else json.dumps(body).encode(),
            headers=sent,
        )
        warnings = response.headers.getlist("Warning")
        return Reply(response.status, _decoded(response.data), _texts(warnings))

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.clear()


def install_crds(rest: Rest, definitions: Iterable[Mapping[str, Any]]) -> None:
    """Apply CustomResourceDefinitions and return when each of them is served.

    Raises:
        SandboxError: The API server refused one, or did not serve it in time.
    """
    for definition in definitions:
        name = definition["metadata"]["name"]
        reply = rest("PATCH", f"{CRDS}/{name}", definition, APPLY_PATCH, fieldManager="sandbox", force="true")
        if reply.status not in (200, 201):
            raise SandboxError(f"the API server refused the CRD {name}: {reply.message}")
        _wait_until_served(rest, definition)


def _wait_until_served(rest: Rest, definition: Mapping[str, Any]) -> None:
    spec = definition["spec"]
    version = next(v["name"] for v in spec["versions"] if v["served"])
    path = f"/apis/{spec['group']}/{version}/{spec['names']['plural']}"
    deadline = time.monotonic() + _ESTABLISH_SECONDS
    while rest("GET", path, limit="1").status != 200:
        if time.monotonic() > deadline:
            raise SandboxError(f"{path} was not served within {_ESTABLISH_SECONDS:.0f} s")
        time.sleep(0.05)


def _decoded(data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="replace")


def _texts(headers: Iterable[str]) -> tuple[str, ...]:
    found = (text for header in headers for text in _WARNING.findall(header))
    return tuple(re.sub(r"\\(.)", r"\1", text) for text in found)
