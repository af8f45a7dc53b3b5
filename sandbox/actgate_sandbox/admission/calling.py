"""One call to one webhook: TLS, deadline, and everything that can be wrong with the answer.

The sentences are those of kube-apiserver, whose client is Go's: users search for them.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Mapping
from typing import Any

import aiohttp

REVIEW_TYPE = ("admission.k8s.io/v1", "AdmissionReview")
_STATUS_WORDS = {
    401: "the server has asked for the client to provide credentials",
    403: "unknown",
    404: "the server could not find the requested resource",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
}


class CallError(Exception):
    """The webhook could not be asked, or its answer makes no sense; failurePolicy decides."""


class Caller:
    """Calls webhooks over kept connections, one pool per certificate authority."""

    def __init__(self) -> None:
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def call(self, webhook: Mapping[str, Any], review: dict[str, Any]) -> dict[str, Any]:
        """Send a review and return the response's content, checked.

        Raises:
            CallError: There is no usable answer.
        """
        config = webhook["clientConfig"]
        if "url" not in config:
            raise CallError(
                "failed to call webhook: the sandbox has no network of services; "
                "use clientConfig.url instead of clientConfig.service"
            )
        seconds = webhook.get("timeoutSeconds", 10)
        url = f"{config['url']}?timeout={seconds}s"
        try:
            async with asyncio.timeout(seconds):
                status, body = await self._post(config.get("caBundle", ""), url, review)
        except TimeoutError as error:
            raise _post_error(url, "context deadline exceeded") from error
        except (aiohttp.ClientError, ssl.SSLError, ValueError) as error:
            raise _post_error(url, _words(error)) from error
        return _checked(_decoded(status, body), review["request"]["uid"])

    async def close(self) -> None:
        """Close every connection."""
        while self._sessions:
            _, session = self._sessions.popitem()
            await session.close()

    async def _post(self, ca_bundle: str, url: str, review: dict[str, Any]) -> tuple[int, Any]:
        try:
            return await self._post_once(ca_bundle, url, review)
        except aiohttp.ServerDisconnectedError:
            # A kept connection that the webhook closed meanwhile says nothing about the webhook.
            return await self._post_once(ca_bundle, url, review)

    async def _post_once(self, ca_bundle: str, url: str, review: dict[str, Any]) -> tuple[int, Any]:
        session = self._session(ca_bundle)
        async with session.post(url, json=review, allow_redirects=False) as response:
            raw = await response.read()
            if not raw:
                raise CallError(
                    f"failed to call webhook: 0-length response with status code: "
                    f"{response.status} and content type: {response.content_type}"
                )
            try:
                return response.status, await response.json(content_type=None)
            except ValueError:
                return response.status, raw.decode(errors="replace")

    def _session(self, ca_bundle: str) -> aiohttp.ClientSession:
        if ca_bundle not in self._sessions:
            authority = base64.b64decode(ca_bundle).decode() or None
            context = ssl.create_default_context(cadata=authority)
            connector = aiohttp.TCPConnector(ssl=context, limit=0)
            self._sessions[ca_bundle] = aiohttp.ClientSession(connector=connector)
        return self._sessions[ca_bundle]


def _post_error(url: str, why: str) -> CallError:
    return CallError(f'failed to call webhook: Post "{url}": {why}')


def _words(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        certificate_error = error.certificate_error
        text = str(getattr(certificate_error, "verify_message", certificate_error))
        if "unable to get local issuer" in text or "self-signed" in text:
            text = "certificate signed by unknown authority"
        return f"tls: failed to verify certificate: x509: {text}"
    if isinstance(error, aiohttp.ClientConnectorError):
        where = f"dial tcp {error.host}:{error.port}"
        refused = isinstance(error.os_error, ConnectionRefusedError)
        return f"{where}: connect: connection refused" if refused else f"{where}: {error.strerror}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "EOF"
    return str(error) or type(error).__name__


def _decoded(status: int, body: object) -> dict[str, Any]:
    if status != 200:
        raise CallError(f"failed to call webhook: {_status_words(status)}")
    if not isinstance(body, dict):
        raise CallError(
            "failed to call webhook: couldn't get version/kind; json parse error: "
            "the answer is not a JSON object"
        )
    given = body.get("apiVersion", REVIEW_TYPE[0]), body.get("kind", REVIEW_TYPE[1])
    if given != REVIEW_TYPE:
        raise CallError(
            f'failed to call webhook: no kind "{given[1]}" is registered for version "{given[0]}"'
        )
    response = body.get("response")
    if not isinstance(response, dict):
        raise _senseless("webhook response was absent")
    return response


def _status_words(status: int) -> str:
    if status in _STATUS_WORDS:
        return _STATUS_WORDS[status]
    if status >= 500:
        return 'an error on the server ("unknown") has prevented the request from succeeding'
    return f"the server responded with the status code {status} but did not return more information"


def _checked(response: dict[str, Any], uid: str) -> dict[str, Any]:
    fields = (("allowed", bool), ("uid", str), ("warnings", list), ("status", dict))
    for field, kind in fields:
        if not isinstance(response.get(field, kind()), kind):
            raise CallError(
                "failed to call webhook: json: cannot unmarshal "
                f"AdmissionResponse.response.{field} into type {kind.__name__}"
            )
    if response.get("uid", "") != uid:
        raise _senseless(f'expected response.uid="{uid}", got "{response.get("uid", "")}"')
    if response.get("patch") or response.get("patchType"):
        raise _senseless("validating webhook may not return response.patch")
    return response


def _senseless(why: str) -> CallError:
    return CallError(f"received invalid webhook response: {why}")
