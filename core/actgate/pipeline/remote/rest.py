"""REST with the standard library: one request, one answer, and a deadline that a slow server cannot stretch.

Nothing is tried again and no redirect is followed: a caller that repeats is idempotent by itself, and
credentials go to the server that was named and to no other.
"""

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from time import monotonic
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from actgate.api.quoting import cut
from actgate.version import VERSION

SECONDS: Final = 15.0
"""How long one answer may take, from the connection to its last byte."""
MOST_BYTES: Final = 64 * 1024 * 1024
_CHUNK: Final = 65_536


class RemoteError(Exception):
    """No answer to build on: one clause about a request."""


class RefusedError(RemoteError):
    """The server refuses, and says why."""

    def __init__(self, message: str, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        """Of MLflow, such as RESOURCE_DOES_NOT_EXIST; empty where it gives none."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any) -> None:  # noqa: ANN401 - those of the base class
        return None


class Rest:
    """Requests to one server."""

    def __init__(self, url: str, headers: Mapping[str, str], seconds: float = SECONDS) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RemoteError("must be an http or https URL")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise RemoteError("must be a URL without credentials, query or fragment")
        self.url = url.rstrip("/")
        self._headers = {"User-Agent": f"actgate/{VERSION}", **headers}
        self._seconds = seconds
        context = urllib.request.HTTPSHandler(context=ssl.create_default_context())
        self._opener = urllib.request.build_opener(_NoRedirects(), context)

    def json(
        self, method: str, path: str, query: Mapping[str, Any] = {}, body: object = None
    ) -> dict[str, Any]:
        """Send JSON and return the object that comes back.

        Raises:
            RemoteError: There is no such answer; ``RefusedError`` where the server refuses.
        """
        data = None if body is None else json.dumps(body).encode()
        raw = self.content(method, path, query, data, "application/json")
        try:
            found = json.loads(raw or b"{}")
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise RemoteError(f"{method} {path}: the answer is not a JSON object: is this the right server?")
        return found

    def content(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] = {},
        body: bytes | None = None,
        content_type: str = "application/octet-stream",
    ) -> bytes:
        """Send bytes and return those that come back; raises like ``json``."""
        until = monotonic() + self._seconds
        url = f"{self.url}{quote(path)}" + (f"?{urlencode(query, doseq=True)}" if query else "")
        headers = dict(self._headers) | ({} if body is None else {"Content-Type": content_type})
        request = urllib.request.Request(  # noqa: S310 - http or https, see above
            url, data=body, headers=headers, method=method
        )
        try:
            with self._opener.open(request, timeout=self._seconds) as answer:
                return self._whole(answer, until)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(f"{method} {path}", error, until) from None
        except TimeoutError:
            raise RemoteError(f"{method} {path}: no answer within {self._seconds:g} seconds") from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise RemoteError(f"{method} {path}: no answer within {self._seconds:g} seconds") from None
            raise RemoteError(f"{method} {path}: {cut(str(error.reason), 200)}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise RemoteError(f"{method} {path}: {cut(str(error) or type(error).__name__, 200)}") from None

    def _whole(self, answer: Any, until: float) -> bytes:  # noqa: ANN401 - HTTPResponse or HTTPError
        """Read an answer to its end; each read may wait, and all of them only until the deadline."""
        parts, size = [], 0
        while part := answer.read1(_CHUNK):
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                raise RemoteError(f"the answer has more than {MOST_BYTES >> 20} MiB")
            if monotonic() > until:
                raise TimeoutError
        return b"".join(parts)

    def _refused(self, asked: str, error: urllib.error.HTTPError, until: float) -> RemoteError:
        code, message = "", error.reason or ""
        try:
            body = json.loads(self._whole(error, until))
            code, message = str(body.get("error_code", "")), str(body.get("message") or message)
        except (AttributeError, OSError, RemoteError, ValueError, http.client.HTTPException):
            pass  # Not every server says why.
        words = f"{asked}: answered {error.code}" + (f": {cut(str(message), 200)}" if message else "")
        return RefusedError(words, error.code, code)
