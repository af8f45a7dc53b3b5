"""Every failure below becomes one of our own errors, with a sentence."""

from __future__ import annotations

import asyncio
import ssl

import aiohttp
import pytest
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.config.config_exception import ConfigException

from actgate.kube.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    Misconfigured,
    NotFound,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    Unintelligible,
    refusal,
    translated,
)


@pytest.mark.parametrize(
    ("code", "reason", "message", "error"),
    [
        (302, "", "", Unintelligible),
        (400, "BadRequest", "strict decoding error", Invalid),
        (401, "Unauthorized", "", Unauthorized),
        (403, "Forbidden", "admission webhook denied the request", Forbidden),
        (404, "NotFound", "", NotFound),
        (405, "MethodNotAllowed", "", Invalid),
        (408, "Timeout", "", Unavailable),
        (409, "Conflict", "the object has been modified", Conflict),
        (409, "AlreadyExists", "", AlreadyExists),
        (410, "Expired", "", Gone),
        (413, "RequestEntityTooLarge", "", Invalid),
        (422, "Invalid", "spec.replicas: must be positive", Invalid),
        (429, "TooManyRequests", "", TooManyRequests),
        (500, "", "failed to create typed patch object (a/b): field not declared", Invalid),
        (500, "", "failed to convert: unable to convert unstructured object to apps/v1: quantities", Invalid),
        (500, "InternalError", "failed calling webhook", Unavailable),
        (503, "ServiceUnavailable", "", Unavailable),
        (504, "Timeout", "", Unavailable),
    ],
)
def test_each_status_has_its_error(code: int, reason: str, message: str, error: type[ClusterError]) -> None:
    """The kind says whether to go on, to try again or to give up; the words are the server's."""
    error_ = refusal("GET /x", code, {"reason": reason, "message": message}, 3.0)
    assert type(error_) is error
    assert (error_.code, error_.reason, error_.retry_after) == (code, reason, 3.0)
    assert message in str(error_)


@pytest.mark.parametrize("body", [None, b"<html>", "bad gateway", [], {}])
def test_an_answer_that_is_no_status_still_has_a_sentence(body: object) -> None:
    """A proxy's error page is not repeated."""
    assert str(refusal("GET /x", 502, body)) == "GET /x: no reason given (502)"


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (TimeoutError(), Unavailable),
        (aiohttp.ServerTimeoutError(), Unavailable),
        (aiohttp.ServerDisconnectedError(), Unavailable),
        (aiohttp.ClientPayloadError("cut"), Unavailable),
        (aiohttp.ClientOSError(111, "refused"), Unavailable),
        (ConnectionResetError(), Unavailable),
        (ssl.SSLError("bad certificate"), Unavailable),
        (ApiException(status=0, reason="x"), Misconfigured),
        (ConfigException("no token"), Misconfigured),
        (ValueError("Chunk too big"), Unintelligible),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), Unintelligible),
    ],
)
def test_foreign_errors_are_translated(raised: Exception, error: type[ClusterError]) -> None:
    """Each with what was asked, and with something after it."""
    with pytest.raises(error, match=r"^GET /x: .+") as caught, translated("GET /x"):
        raise raised
    assert type(caught.value) is error
    assert caught.value.__cause__ is raised


def test_our_own_errors_and_bugs_pass_through() -> None:
    """What is no failure of the libraries is not reported as one."""
    for own in (NotFound("x"), KeyError("x"), asyncio.CancelledError()):
        with pytest.raises(type(own)) as caught, translated("GET /x"):
            raise own
        assert caught.value is own
