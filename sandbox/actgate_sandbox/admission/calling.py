"""One call to one webhook: TLS, deadline, and everything that can be wrong with the answer.

The beginnings of the sentences are those of kube-apiserver.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Mapping
from typing import Any

import httpx2

REVIEW_TYPE = ("admission.k8s.io/v1", "AdmissionReview")


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
            raise _post_error(url, str(error) or type(error).__name__) from error
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


def _decoded(answer: httpx2.Response) -> dict[str, Any]:
    if answer.status_code != httpx2.codes.OK:
        raise CallError(f"failed to call webhook: it answered with the status {answer.status_code}")
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise CallError("failed to call webhook: the answer is not a JSON object")
    given = body.get("apiVersion", REVIEW_TYPE[0]), body.get("kind", REVIEW_TYPE[1])
    if given != REVIEW_TYPE:
        raise CallError(
            f'failed to call webhook: no kind "{given[1]}" is registered for version "{given[0]}"'
        )
    response = body.get("response")
    if not isinstance(response, dict):
        raise _senseless("webhook response was absent")
    return response


def _checked(response: dict[str, Any], uid: str) -> dict[str, Any]:
    for field, kind in (("allowed", bool), ("uid", str), ("warnings", list), ("status", dict)):
        if not isinstance(response.get(field, kind()), kind):
            raise CallError(f"failed to call webhook: response.{field} is no {kind.__name__}")
    if response.get("uid", "") != uid:
        raise _senseless(f'expected response.uid="{uid}", got "{response.get("uid", "")}"')
    if response.get("patch") or response.get("patchType"):
        raise _senseless("validating webhook may not return response.patch")
    return response


def _senseless(why: str) -> CallError:
    return CallError(f"received invalid webhook response: {why}")
