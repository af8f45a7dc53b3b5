"""AdmissionReview of ``admission.k8s.io/v1``: bytes to a question, an answer to bytes. No I/O.

The types say what is read; everything else in a review is skipped unread. An envelope that does not
fit them is a ``BadRequestError`` and becomes a 4xx, which the API server counts as a failed call. The
objects inside are parsed here, each once; whether they can be judged is the business of ``malformed``.
``/docs`` shows schemas that are made from these types.

Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from enum import StrEnum
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
import orjson
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import astuple

from actgate.api.durations import parse_seconds
from actgate.api.quoting import cut, invalid
from actgate_webhook.bodies import LARGE

PATH: Final = "/validate"

DEFAULT_SECONDS: Final = 5.0
"""Timeout of a request that states none; the one in our registration."""
LONGEST_SECONDS: Final = 30.0
"""Longest timeout that a webhook registration can state."""

_LONGEST_SENTENCE: Final = 250

ApiVersion = Literal["admission.k8s.io/v1"]
Kind = Literal["AdmissionReview"]
Json = msgspec.Raw | UnsetType
"""Bytes of a JSON value, or nothing at all."""


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


class GroupVersionKind(Struct, frozen=True):
    """The kind of the object; the group is empty for the core group.

    A slash in a part would give two kinds the same ``apiVersion``, one of which is not judged.
    """

    version: Annotated[str, Meta(pattern="^[^/]+$")]
    kind: Annotated[str, Meta(min_length=1)]
    group: Annotated[str, Meta(pattern="^[^/]*$")] = ""


class UserInfo(Struct, frozen=True):
    """Who asks."""

    username: str = ""


class ReviewedObject(NamedTuple):
    """An object of a review, parsed once; judgement and decision log work on the same value."""

    value: dict[str, Any] | None = None
    """The object, but for its ``managedFields``; None where it is no object, or cannot be read."""
    fault: str = ""
    """Why there is no value, to be read after the name of the field."""
    raw: bytes = b""
    """The bytes as they came."""


class _Asked(Struct, frozen=True, rename="camel"):
    """What a review says of what is done."""

    uid: Annotated[str, Meta(min_length=1, max_length=256)]
    kind: GroupVersionKind
    operation: Operation
    sub_resource: str = ""
    namespace: str = ""
    """Empty for an object outside namespaces."""
    name: str = ""
    """Empty where the API server is to make it up."""
    user_info: UserInfo = UserInfo()
    dry_run: bool = False


class Request(_Asked, frozen=True, rename="camel"):
    """The ``request`` of an AdmissionReview, as it comes."""

    object: Json = UNSET
    old_object: Json = UNSET


class Review(_Asked, frozen=True):
    """One question of the API server."""

    object: ReviewedObject = ReviewedObject()
    """The object as it would be."""
    old_object: ReviewedObject = ReviewedObject()
    """The object as it is; read for an update alone."""


class Question(Struct, frozen=True, rename="camel"):
    """An AdmissionReview that asks."""

    api_version: ApiVersion
    kind: Kind
    request: Request


class Status(Struct, frozen=True):
    """Why the answer is no: 403 for a verdict, 503 where the evidence could not be read in time."""

    code: Literal[403, 503]
    reason: Literal["Forbidden", "ServiceUnavailable"]
    message: str
    status: Literal["Failure"] = "Failure"


class Response(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The answer to the API server."""

    uid: str
    allowed: bool
    status: Status | None = None
    warnings: tuple[str, ...] = ()
    audit_annotations: dict[str, str] = {}
    """The API server puts the webhook's name before each key."""


class Answer(Struct, frozen=True, rename="camel"):
    """An AdmissionReview that answers."""

    response: Response
    api_version: ApiVersion = "admission.k8s.io/v1"
    kind: Kind = "AdmissionReview"


class Problem(Struct, frozen=True):
    """What is wrong with a request that is not an AdmissionReview."""

    message: str


_decoder: Final = msgspec.json.Decoder(Question)
_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
encode: Final = msgspec.json.Encoder().encode


def decode(body: bytes | bytearray) -> Review:
    """Read an AdmissionReview.

    Raises:
        BadRequestError: It is not one, or lacks what every request carries.
    """
    if not body:
        raise BadRequestError(
            400, "the body is empty: send an AdmissionReview of admission.k8s.io/v1 as JSON"
        )
    try:
        if not body.isascii():
            body.decode()  # The decoder does not check the encoding of what it skips.
        request = _decoder.decode(body).request
    except RecursionError:
        raise BadRequestError(400, "the body is nested too deeply to be an AdmissionReview") from None
    except ValueError as error:
        sentence = f"the body is not an AdmissionReview of admission.k8s.io/v1: {error}"
        raise BadRequestError(400, cut(sentence, _LONGEST_SENTENCE)) from None
    *asked, obj, old = astuple(request)
    old_object = _parsed(old) if request.operation is Operation.UPDATE else ReviewedObject()
    return Review(*asked, _parsed(obj), old_object)  # type: ignore[call-arg]  # mypy cannot count them


def _parsed(json: Json) -> ReviewedObject:
    if json is UNSET:
        return ReviewedObject(fault=" is missing")
    raw = bytes(json)
    try:
        value = orjson.loads(raw) if len(raw) < LARGE else _without_managed_fields(raw)
    except ValueError as error:
        return ReviewedObject(None, f" cannot be read: {error}", raw)
    if not isinstance(value, dict):
        return ReviewedObject(None, f": {invalid(value, 'an object')}", raw)
    metadata = value.get("metadata")
    if isinstance(metadata, dict):
        # To cut it out of the bytes of a small object takes as long as to parse it.
        metadata.pop("managedFields", None)
    return ReviewedObject(value, "", raw)


def _without_managed_fields(raw: bytes) -> Any:  # noqa: ANN401 - JSON
    """Parse a large value; ``managedFields`` stay bytes, which as objects can be 35 times as much memory."""
    if b'"managedFields"' not in raw or not raw.startswith(b"{"):
        return orjson.loads(raw)
    parts = _members.decode(raw)
    metadata = parts.get("metadata")
    value = {key: orjson.loads(memoryview(part)) for key, part in parts.items() if key != "metadata"}
    if metadata is None:
        return value
    if not bytes(metadata).startswith(b"{"):
        return {**value, "metadata": orjson.loads(memoryview(metadata))}
    kept = {key: part for key, part in _members.decode(metadata).items() if key != "managedFields"}
    return {**value, "metadata": {key: orjson.loads(memoryview(part)) for key, part in kept.items()}}


def timeout_seconds(text: str | None) -> float:
    """Read the ``timeout`` of the query, a Go duration such as ``5s``; 30 s at most.

    Raises:
        BadRequestError: It is not a duration, or not a positive one.
    """
    if text is None:
        return DEFAULT_SECONDS
    try:
        seconds = parse_seconds(text)
    except ValueError:
        seconds = 0.0
    if seconds <= 0.0:
        raise BadRequestError(400, "timeout must be a positive duration such as 5s or 1500ms")
    return min(seconds, LONGEST_SECONDS)
