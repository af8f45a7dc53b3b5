"""What can go wrong between us and the Kubernetes API, in our own words.

    ClusterError                whatever happened, nothing is known about the object asked for
    ├── Misconfigured           we do not know which API server to ask, or as whom
    ├── Unavailable             no answer: connection, timeout, TLS, 408 or 5xx; worth another try
    │   └── Silent              a watch received nothing: its connection is dead, or nothing happened
    ├── TooManyRequests         429: worth another try, not before `retry_after` seconds
    ├── Unintelligible          an answer that is not what the Kubernetes API promises
    ├── Unauthorized            401: our credentials are not accepted
    ├── Forbidden               403: not allowed to us, or an admission webhook refused
    ├── NotFound                404: the API server says that there is no such object
    ├── Conflict                409: another client changed the object, or owns a field
    │   └── AlreadyExists       409: an object of this name is there already
    ├── Gone                    410: the version or the page we asked to go on from is history
    └── Invalid                 the request itself is wrong (400, 422, ...): trying again cannot help

Only `NotFound` is knowledge. Everything else means "unknown", and unknown is never fine.

The libraries below (aiohttp, asyncio, ssl, kubernetes.aio) have error families of their own, and
more than one for the same failure. They end in this module: `translated` is the only place that
names them, so that no service has to.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import aiohttp
from kubernetes.aio.client.exceptions import OpenApiException
from kubernetes.aio.config.config_exception import ConfigException


class ClusterError(Exception):
    """A request to the Kubernetes API did not give an answer to build on.

    `code` is the HTTP status, or None where there was none; `reason` is the machine-readable
    reason of the server's `Status`, or empty; `retry_after` is the number of seconds that the
    server asked us to wait, 0.0 where it did not.
    """

    def __init__(
        self, message: str, *, code: int | None = None, reason: str = "", retry_after: float = 0.0
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.retry_after = retry_after


class Misconfigured(ClusterError):
    """There is no usable description of the API server and of our credentials."""


class Unavailable(ClusterError):
    """The API server could not be reached, did not answer in time, or failed."""


class Silent(Unavailable):
    """Nothing was heard from a watch for so long that its connection may be dead."""


class TooManyRequests(ClusterError):
    """The API server is busy and asks us to come back later."""


class Unintelligible(ClusterError):
    """The answer is not what the Kubernetes API promises."""


class Unauthorized(ClusterError):
    """The API server does not accept our credentials."""


class Forbidden(ClusterError):
    """The API server, or one of its admission webhooks, does not allow the request."""


class NotFound(ClusterError):
    """The API server says that the object does not exist."""


class Conflict(ClusterError):
    """The object was changed, or one of its fields is owned, by another client."""


class AlreadyExists(Conflict):
    """An object of this name exists already."""


class Gone(ClusterError):
    """The version or the page to go on from is no longer kept: list again."""


class Invalid(ClusterError):
    """The request is wrong, and would be wrong the next time too."""


_BY_CODE: Mapping[int, type[ClusterError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    408: Unavailable,
    409: Conflict,
    410: Gone,
    429: TooManyRequests,
}

# Server-side apply answers a wrong type, an unknown field or a malformed value, in the object that is sent or
# in the one that is stored, with a 500 and one of these texts.
_USERS_FAULT = (
    "failed to create typed patch object",
    "failed to create typed live object",
    "unable to convert unstructured object to ",
)


def refusal(asked: str, code: int, body: object, retry_after: float = 0.0) -> ClusterError:
    """Return the error for an HTTP status of 300 or more, or for the `Status` in a watch.

    `asked` says what was requested; `body` is the decoded answer, a `Status` where the API
    server itself wrote it, anything else where something in between did.
    """
    status = body if isinstance(body, Mapping) else {}
    reason = str(status.get("reason") or "")
    message = str(status.get("message") or "no reason given")
    return _kind(code, reason, message)(
        f"{asked}: {message} ({code} {reason})".replace(" )", ")"),
        code=code,
        reason=reason,
        retry_after=retry_after,
    )


def _kind(code: int, reason: str, message: str) -> type[ClusterError]:
    if reason == "AlreadyExists":
        return AlreadyExists
    if code >= 500:
        return Invalid if any(text in message for text in _USERS_FAULT) else Unavailable
    return _BY_CODE.get(code, Invalid if code >= 400 else Unintelligible)


@contextmanager
def translated(asked: str) -> Iterator[None]:
    """Turn whatever the libraries below raise while we `asked` something into our own errors."""
    try:
        yield
    except ClusterError:
        raise
    except TimeoutError as error:
        raise Unavailable(f"{asked}: no answer in time") from error
    except (ConfigException, OpenApiException) as error:
        raise Misconfigured(f"{asked}: {error}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise Unavailable(f"{asked}: {str(error) or type(error).__name__}") from error
    except ValueError as error:
        raise Unintelligible(f"{asked}: the answer cannot be read: {error}") from error
