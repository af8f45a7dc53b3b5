"""AdmissionReview of ``admission.k8s.io/v1``: bytes to a question, an answer to bytes. No I/O.

An envelope that breaks the protocol is a ``BadRequestError`` and becomes a 4xx, which the API server
counts as a failed call. What is wrong with the object inside is not judged here: see ``shape``.

Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeVar

import orjson

T = TypeVar("T")

API_VERSION: Final = "admission.k8s.io/v1"
KIND: Final = "AdmissionReview"

DEFAULT_SECONDS: Final = 5.0
"""Timeout of a request that states none; the one in our registration."""
LONGEST_SECONDS: Final = 30.0
"""Longest timeout that a webhook registration can state."""

_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION: Final = re.compile(r"(?:[0-9]{1,12}(?:\.[0-9]{1,12})?(?:h|ms|m|s|us|µs|ns))+")
_PART: Final = re.compile(r"([0-9.]+)([a-zµ]+)")
_LONGEST_UID: Final = 256


class BadRequestError(Exception):
    """The request breaks the protocol; ``status`` is the HTTP status, the text one sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Operation(StrEnum):
    """What is done to the object."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    CONNECT = "CONNECT"


class Review(NamedTuple):
    """One question of the API server."""

    uid: str
    operation: Operation
    group: str
    version: str
    kind: str
    subresource: str
    namespace: str
    """Empty for an object outside namespaces."""
    name: str
    """Empty where the API server is to make it up."""
    user: str
    dry_run: bool
    object: Any
    """The object as it would be; JSON of any shape."""
    old_object: Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the answer is no, as a ``Status`` says it."""

    code: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server is told; without a refusal the request is allowed."""

    refusal: Refusal | None = None
    warnings: list[str] = field(default_factory=list)
    audit: Mapping[str, str] = field(default_factory=dict)
    """Audit annotations; the API server puts the webhook's name before each key."""


def decode(body: bytes) -> Review:
    """Read an AdmissionReview.

    Raises:
        BadRequestError: It is not one, or lacks what every request carries.
    """
    if not body:
        raise BadRequestError(400, f"the body is empty: send an {KIND} of {API_VERSION} as JSON")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequestError(400, f"the body is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise BadRequestError(400, f"the body is not an object: send an {KIND} of {API_VERSION}")
    if document.get("apiVersion") != API_VERSION or document.get("kind") != KIND:
        raise BadRequestError(
            400, f"apiVersion and kind must be {API_VERSION} and {KIND}: no other version is spoken here"
        )
    request = document.get("request")
    if not isinstance(request, dict):
        raise BadRequestError(400, "request must be an object: an AdmissionReview without one asks nothing")
    return _review(request)


def _review(request: dict[str, Any]) -> Review:
    kind = _typed(request, "kind", dict, {})
    user = _typed(request, "userInfo", dict, {})
    return Review(
        uid=_uid(request),
        operation=_operation(request),
        group=_typed(kind, "group", str, "", "request.kind."),
        version=_required(kind, "version", "request.kind."),
        kind=_required(kind, "kind", "request.kind."),
        subresource=_typed(request, "subResource", str, ""),
        namespace=_typed(request, "namespace", str, ""),
        name=_typed(request, "name", str, ""),
        user=_typed(user, "username", str, "", "request.userInfo."),
        dry_run=_typed(request, "dryRun", bool, False),
        object=request.get("object"),
        old_object=request.get("oldObject"),
    )


_NAMES: Final = {dict: "an object", str: "a string", bool: "true or false"}


def _typed(parent: dict[str, Any], key: str, kind: type[T], default: T, path: str = "request.") -> T:
    value = parent.get(key)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise BadRequestError(400, f"{path}{key} must be {_NAMES[kind]}")
    return value


def _required(parent: dict[str, Any], key: str, path: str) -> str:
    value = _typed(parent, key, str, "", path)
    if not value:
        raise BadRequestError(400, f"{path}{key} is missing: the API server always states it")
    return value


def _uid(request: dict[str, Any]) -> str:
    uid = _required(request, "uid", "request.")
    if len(uid) > _LONGEST_UID:
        raise BadRequestError(400, f"request.uid is longer than {_LONGEST_UID} characters")
    return uid


def _operation(request: dict[str, Any]) -> Operation:
    stated = _required(request, "operation", "request.")
    try:
        return Operation(stated)
    except ValueError:
        raise BadRequestError(400, f"request.operation must be one of {', '.join(Operation)}") from None


def encode(uid: str, answer: Answer) -> bytes:
    """Write the answer to the review with this uid."""
    response: dict[str, Any] = {"uid": uid, "allowed": answer.refusal is None}
    if answer.refusal is not None:
        response["status"] = {
            "status": "Failure",
            "code": answer.refusal.code,
            "reason": answer.refusal.reason,
            "message": answer.refusal.message,
        }
    if answer.warnings:
        response["warnings"] = answer.warnings
    if answer.audit:
        response["auditAnnotations"] = answer.audit
    return orjson.dumps({"apiVersion": API_VERSION, "kind": KIND, "response": response})


def timeout_seconds(text: str | None) -> float:
    """Read the ``timeout`` of the query, a Go duration such as ``5s``; 30 s at most.

    Raises:
        BadRequestError: It is not a duration, or not a positive one.
    """
    if text is None:
        return DEFAULT_SECONDS
    seconds = (
        math.fsum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
        if _DURATION.fullmatch(text)
        else 0.0
    )
    if seconds <= 0.0:
        raise BadRequestError(400, "timeout must be a positive duration such as 5s or 1500ms")
    return min(seconds, LONGEST_SECONDS)
