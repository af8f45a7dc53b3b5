"""What the API server answers when it refuses: `meta/v1 Status` objects, raised as exceptions.

The sentences are those of the real API server, since clients and people match on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

Json = Any
"""Any JSON value."""

Object = dict[str, Any]
"""A Kubernetes object as JSON: what is stored, sent and received."""


class Cause(NamedTuple):
    """One thing that is wrong with one field."""

    reason: str
    field: str
    message: str


class ApiError(Exception):
    """A request that is refused, with everything its Status says."""

    def __init__(
        self, code: int, reason: str, message: str, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def body(self) -> Object:
        """Return the Status object."""
        status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": None if self.details is None else dict(self.details),
            "code": self.code,
        }
        return {key: value for key, value in status.items() if value not in (None, "")}


def success(details: Mapping[str, Any] | None = None) -> Object:
    """Return the Status that answers a finished deletion."""
    answer: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return answer | ({"details": dict(details)} if details else {})


def qualified(plural: str, group: str) -> str:
    """Name a resource as messages do: `deployments.apps`, `pods`."""
    return f"{plural}.{group}" if group else plural


def _details(name: str, group: str, kind: str, **more: object) -> dict[str, object]:
    return {
        key: value for key, value in {"name": name, "group": group, "kind": kind, **more}.items() if value
    }


def not_found(plural: str, group: str, name: str) -> ApiError:
    """404: this object does not exist."""
    message = f'{qualified(plural, group)} "{name}" not found'
    return ApiError(404, "NotFound", message, _details(name, group, plural))


def no_such_path() -> ApiError:
    """404: this path is not served."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(plural: str, group: str, name: str) -> ApiError:
    """409: create met an object of this name."""
    message = f'{qualified(plural, group)} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, _details(name, group, plural))


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def conflict(plural: str, group: str, name: str, why: str = MODIFIED) -> ApiError:
    """409: another writer was faster, or a precondition does not hold."""
    message = f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(name, group, plural))


def apply_conflict(causes: Sequence[Cause], message: str) -> ApiError:
    """409: server-side apply met fields of other managers."""
    return ApiError(409, "Conflict", message, {"causes": [_cause(cause) for cause in causes]})


def invalid(kind: str, group: str, name: str, causes: Iterable[Cause]) -> ApiError:
    """422: the object breaks its schema or a rule of its kind."""
    found = list(causes)
    sentences = [f"{cause.field}: {cause.message}" for cause in found]
    text = sentences[0] if len(sentences) == 1 else f"[{', '.join(sentences)}]"
    return ApiError(
        422,
        "Invalid",
        f'{qualified(kind, group)} "{name}" is invalid: {text}',
        _details(name, group, kind, causes=[_cause(cause) for cause in found]),
    )


def _cause(cause: Cause) -> dict[str, str]:
    return {"reason": cause.reason, "message": cause.message, "field": cause.field}


def invalid_option(kind: str, cause: Cause) -> ApiError:
    """422: a query parameter, or an option of a deletion, has a value that does not exist."""
    return invalid(kind, "meta.k8s.io", "", [cause])


def bad_request(message: str) -> ApiError:
    """400: the request makes no sense."""
    return ApiError(400, "BadRequest", message)


def forbidden(plural: str, group: str, name: str, why: str, **details: object) -> ApiError:
    """403: a rule of the API server (not a webhook) does not allow it."""
    message = f'{qualified(plural, group)} "{name}" is forbidden: {why}'
    return ApiError(403, "Forbidden", message, _details(name, group, plural, **details))


def unauthorized() -> ApiError:
    """401: no token, or an unknown one."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def method_not_allowed() -> ApiError:
    """405: the path is served, the verb is not."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message, {})


def not_acceptable() -> ApiError:
    """406: the client takes nothing that is spoken here."""
    message = "only the following media types are accepted: application/json"
    return ApiError(406, "NotAcceptable", message, {})


def unsupported_media_type(given: str, accepted: Sequence[str]) -> ApiError:
    """415: a body in a form that is not read here."""
    why = f"accepted media types include: {', '.join(accepted)} (got {given or 'none'})"
    message = f"the body of the request was in an unknown format - {why}"
    return ApiError(415, "UnsupportedMediaType", message, {})


def gone(message: str) -> ApiError:
    """410: the history that the client asks for is no longer kept."""
    return ApiError(410, "Expired", message)


def failure(message: str) -> ApiError:
    """500 without a reason, in the places where the real server answers so too."""
    return ApiError(500, "", message)


def internal(why: str) -> ApiError:
    """500 with a reason, in the other places where the real server answers so."""
    message = f"Internal error occurred: {why}"
    return ApiError(500, "InternalError", message, {"causes": [{"message": why}]})


def not_implemented(message: str) -> ApiError:
    """501: real servers do this, the stand-in does not."""
    return ApiError(501, "NotImplemented", f"the sandbox stand-in does not do this: {message}")
