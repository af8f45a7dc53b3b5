"""S3-compatible storage as a place for sealed segments: PUT alone, signed (AWS Signature Version 4).

One object at a time, over a connection of its own, in a thread. The storage compares each body with the
digest that was signed. Addresses are of the form ``ENDPOINT/BUCKET/KEY``, which every such storage takes.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import asyncio
import base64
import hashlib
import hmac
import http.client
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

_SECONDS: Final = 30.0
"""For each step of a connection."""
_CODE: Final = re.compile(rb"<Code>([A-Za-z0-9.]{1,64})</Code>")
_LARGEST_ANSWER: Final = 64 * 1024
_FILES: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
"""Files of a directory of credentials; the last one may be missing."""


class UploadError(Exception):
    """An object that is not in the bucket: a clause that says why."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Keys of a user of the storage."""

    key_id: str
    secret: str
    token: str = ""

    @classmethod
    def read(cls, directory: Path) -> "Credentials":
        """Read them as a Secret is mounted, one file each.

        Raises:
            UploadError: One is missing.
        """
        try:
            paths = [directory / name for name in _FILES]
            key_id, secret = (path.read_text("utf-8").strip() for path in paths[:2])
            return cls(key_id, secret, paths[2].read_text("utf-8").strip() if paths[2].exists() else "")
        except OSError as error:
            raise UploadError(f"{error.filename} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise UploadError(f"{directory} has a key that is not UTF-8") from None


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket, and a prefix of the keys in it (a ``Sink``)."""

    endpoint: str
    """``http://`` or ``https://``, host, port."""
    bucket: str
    credentials: Path
    """Directory of the keys, read for each object, so that they can be rotated."""
    prefix: str = ""
    region: str = "us-east-1"
    """For which requests are signed."""
    ca_file: Path | None = None
    """Certificates that the endpoint's is verified with; by default those of the system."""
    clock: Callable[[], datetime] = _now

    async def put(self, path: str, content: bytes) -> None:
        """Keep an object.

        Raises:
            UploadError: It is not there.
        """
        await asyncio.to_thread(self._put, f"{self.prefix}{path}", content)

    def _put(self, key: str, content: bytes) -> None:
        target = quote(f"/{self.bucket}/{key}", safe="/-_.~")
        digest = hashlib.sha256(content).digest()
        host = urlsplit(self.endpoint).netloc
        headers = {
            "host": host,
            "x-amz-checksum-sha256": base64.b64encode(digest).decode(),
            "x-amz-content-sha256": digest.hex(),
            "x-amz-date": f"{self.clock():%Y%m%dT%H%M%SZ}",
        }
        credentials = Credentials.read(self.credentials)
        if credentials.token:
            headers["x-amz-security-token"] = credentials.token
        signed = {**headers, "authorization": authorization(credentials, self.region, target, headers)}
        connection = self._connection(host)
        try:
            connection.request("PUT", target, content, signed)
            answer = connection.getresponse()
            body = answer.read(_LARGEST_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            raise UploadError(f"{self.endpoint} gave no answer: {_words(error)}") from None
        finally:
            connection.close()
        if answer.status != http.client.OK:
            found = _CODE.search(body)
            code = found[1].decode() if found else answer.reason
            raise UploadError(
                f"{self.endpoint} refused an object of bucket {self.bucket}: {answer.status} {code}"
            )

    def _connection(self, host: str) -> http.client.HTTPConnection:
        if self.endpoint.startswith("http://"):
            return http.client.HTTPConnection(host, timeout=_SECONDS)
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise UploadError(f"{self.ca_file} cannot be used: {error.strerror or error}") from None
        return http.client.HTTPSConnection(host, timeout=_SECONDS, context=context)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def authorization(credentials: Credentials, region: str, target: str, headers: Mapping[str, str]) -> str:
    """Return the header that signs a PUT.

    Args:
        credentials: Who sends it.
        region: Of the storage.
        target: Path of the request, encoded, without a query.
        headers: All that are signed, in lower case; among them ``x-amz-date`` and ``x-amz-content-sha256``.
    """
    names = sorted(headers)
    lines = "".join(f"{name}:{headers[name]}\n" for name in names)
    request = f"PUT\n{target}\n\n{lines}\n{';'.join(names)}\n{headers['x-amz-content-sha256']}"
    moment = headers["x-amz-date"]
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return (
        f"AWS4-HMAC-SHA256 Credential={credentials.key_id}/{scope}, SignedHeaders={';'.join(names)}, "
        f"Signature={signature}"
    )
