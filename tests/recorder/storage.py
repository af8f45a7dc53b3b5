"""S3-compatible storage for tests: one of our own that checks signatures, or a real server."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import unquote
from xml.etree import ElementTree

import httpx2

from demo.service import free_port
from tests.support.waiting import wait_until

BUCKET: Final = "logs"
_SIGNED: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<scope>[^,]+), SignedHeaders=(?P<names>[^,]+), "
    r"Signature=(?P<signature>[0-9a-f]{64})"
)


class Storage:
    """A server with a bucket, and a user who may write to it."""

    endpoint: str
    keys: tuple[str, str]

    def give_keys(self, directory: Path, secret: str = "") -> Path:
        """Write the user's keys as a Secret is mounted."""
        directory.mkdir(exist_ok=True)
        (directory / "AWS_ACCESS_KEY_ID").write_text(f"{self.keys[0]}\n")
        (directory / "AWS_SECRET_ACCESS_KEY").write_text(secret or self.keys[1])
        return directory

    def objects(self, prefix: str) -> dict[str, bytes]:
        """Return the objects below a prefix."""
        raise NotImplementedError


class Own(Storage):
    """A bucket in memory."""

    def __init__(self) -> None:
        self.keys = ("recorder", "a-secret-of-the-recorder")
        self.kept: dict[str, bytes] = {}
        storage = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                content = self.rfile.read(int(self.headers["content-length"]))
                refused = storage.refusal(self, content)
                if refused:
                    body = f"<?xml version='1.0'?><Error><Code>{refused[1]}</Code></Error>".encode()
                else:
                    body = b""
                    storage.kept[unquote(self.path).removeprefix(f"/{BUCKET}/")] = content
                self.send_response(refused[0] if refused else 200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:  # noqa: ANN401 - the library's
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"

    def refusal(self, request: BaseHTTPRequestHandler, content: bytes) -> tuple[int, str] | None:
        """Return status and code of a refusal; the signature is computed by the specification."""
        stated = _SIGNED.fullmatch(request.headers["authorization"] or "")
        if stated is None or stated["id"] != self.keys[0]:
            return 403, "InvalidAccessKeyId"
        names = stated["names"].split(";")
        digest = hashlib.sha256(content).hexdigest()
        lines = [
            request.command,
            request.path,
            "",
            *(f"{n}:{request.headers[n]}" for n in names),
            "",
            stated["names"],
        ]
        canonical = "\n".join([*lines, digest])
        date, region, service, end = stated["scope"].split("/")
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        text = "\n".join(["AWS4-HMAC-SHA256", request.headers["x-amz-date"], stated["scope"], hashed])
        key = b"AWS4" + self.keys[1].encode()
        for part in (date, region, service, end, text):
            key = hmac.new(key, part.encode(), "sha256").digest()
        if key.hex() != stated["signature"] or "host" not in names:
            return 403, "SignatureDoesNotMatch"
        return None if request.path.startswith(f"/{BUCKET}/") else (404, "NoSuchBucket")

    def objects(self, prefix: str) -> dict[str, bytes]:
        """Return the objects below a prefix."""
        return {key: content for key, content in self.kept.items() if key.startswith(prefix)}


class Real(Storage):
    """A server of moto's, which checks signatures once its user is there."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._client = httpx2.Client(base_url=endpoint, trust_env=False)
        self._client.put(f"/{BUCKET}", headers=_as("s3")).raise_for_status()
        user = {"UserName": "recorder"}
        allowed = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
        self._iam("CreateUser", **user)
        self._iam("PutUserPolicy", **user, PolicyName="logs", PolicyDocument=allowed)
        answer = ElementTree.fromstring(self._iam("CreateAccessKey", **user))  # noqa: S314 - our own server
        found = {element.tag.rpartition("}")[2]: element.text or "" for element in answer.iter()}
        self.keys = (found["AccessKeyId"], found["SecretAccessKey"])
        self._check_after(0)

    def _iam(self, action: str, **parameters: str) -> str:
        form = {"Action": action, "Version": "2010-05-08", **parameters}
        answer = self._client.post("/", data=form, headers=_as("iam"))
        answer.raise_for_status()
        return str(answer.text)

    def _check_after(self, requests: int) -> None:
        self._client.post("/moto-api/reset-auth", content=str(requests).encode()).raise_for_status()

    def objects(self, prefix: str) -> dict[str, bytes]:
        """Return the objects below a prefix."""
        self._check_after(10_000)
        listed = self._client.get(
            f"/{BUCKET}", params={"list-type": "2", "prefix": prefix}, headers=_as("s3")
        )
        keys = [
            element.text or ""
            for element in ElementTree.fromstring(listed.text).iter()  # noqa: S314 - our own server
            if element.tag.rpartition("}")[2] == "Key"
        ]
        found = {
            key: bytes(self._client.get(f"/{BUCKET}/{httpx2.URL(path=key).path}", headers=_as("s3")).content)
            for key in keys
        }
        self._check_after(0)
        return found


def _as(service: str) -> dict[str, str]:
    scope = f"Credential=root/20261127/us-east-1/{service}/aws4_request"
    return {"authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"}


@contextmanager
def storage() -> Iterator[Storage]:
    """Run the storage of ACTGATE_TEST_STORAGE, which is the path of moto_server; else one of our own."""
    program = os.environ.get("ACTGATE_TEST_STORAGE")
    if program is None:
        own = Own()
        thread = Thread(target=own.server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield own
        finally:
            own.server.shutdown()
            own.server.server_close()
            thread.join()
        return
    port = free_port()
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([program, "-p", str(port)], **quiet) as process:  # noqa: S603 - as it was named
        try:
            endpoint = f"http://127.0.0.1:{port}"
            wait_until(lambda: _answers(endpoint))
            yield Real(endpoint)
        finally:
            process.terminate()


def _answers(endpoint: str) -> bool:
    try:
        return httpx2.get(f"{endpoint}/moto-api/", trust_env=False).status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False
