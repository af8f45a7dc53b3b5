"""One call to one webhook: TLS, deadline, and everything that can be wrong with the answer.

The sentences are those of kube-apiserver, whose client is Go's: users search for them.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2

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
        self._clients: dict[str, httpx2.AsyncClient] = {}

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
                answer = await self._client(config.get("caBundle", "")).post(url, json=review)
        except TimeoutError as error:
            raise _post_error(url, "context deadline exceeded") from error
        except (httpx2.HTTPError, ssl.SSLError, ValueError) as error:
            raise _post_error(url, _words(error, urlsplit(url).netloc)) from error
        return _checked(_decoded(answer), review["request"]["uid"])

    async def close(self) -> None:
        """Close every connection."""
        while self._clients:
            _, client = self._clients.popitem()
            await client.aclose()

    def _client(self, ca_bundle: str) -> httpx2.AsyncClient:
        if ca_bundle not in self._clients:
            authority = base64.b64decode(ca_bundle).decode() or None
            trust = ssl.create_default_context(cadata=authority)
            # As Go verifies, on every version of Python: not the form, and any authority of the bundle.
            trust.verify_flags &= ~ssl.VERIFY_X509_STRICT
            trust.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            self._clients[ca_bundle] = httpx2.AsyncClient(
                verify=trust,
                timeout=None,
                trust_env=False,
            )
        return self._clients[ca_bundle]


def _post_error(url: str, why: str) -> CallError:
    return CallError(f'failed to call webhook: Post "{url}": {why}')


def _words(error: Exception, address: str) -> str:
    """Say it as Go does, as far as the causes underneath allow."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            text = cause.verify_message
            if "issuer" in text or "self-signed" in text:
                text = "certificate signed by unknown authority"
            return f"tls: failed to verify certificate: x509: {text}"
        if isinstance(cause, ConnectionRefusedError):
            return f"dial tcp {address}: connect: connection refused"
    if isinstance(error, httpx2.RemoteProtocolError):
        return "EOF"
    return str(error) or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what led to it, members of groups included."""
    yield error
    members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for cause in (error.__cause__ or error.__context__, *members):
        if cause is not None:
            yield from _causes(cause)


def _decoded(answer: httpx2.Response) -> dict[str, Any]:
    status = answer.status_code
    if not answer.content:
        raise CallError(
            f"failed to call webhook: 0-length response with status code: {status} "
            f"and content type: {answer.headers.get('content-type', '')}"
        )
    if status != httpx2.codes.OK:
        raise CallError(f"failed to call webhook: {_status_words(status)}")
    try:
        body = answer.json()
    except ValueError:
        body = None
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
