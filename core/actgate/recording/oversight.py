"""Events of human oversight (AI Act Art. 14): what was shown, accepted, overridden, and who stopped it.

They are sent as JSON and become records of the log beside the decision that they are about. A stop is never
refused for what is missing in it: of Art. 14(4)(e) remains the fact.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from actgate.api.times import timestamp
from actgate.recording.ids import new_id
from actgate.recording.log import Log
from actgate.recording.tokens import Tokens
from actgate.recording.writer import RecordNotWrittenError
from actgate.trace.digests import Digester, Purpose

PREFIX: Final = b"/_actgate/"
"""Paths that no model is asked for."""
PATH: Final = b"/_actgate/events"
LARGEST: Final = 16 * 1024
"""Bytes of an event."""

Action = Literal["shown", "accepted", "overridden", "reversed", "disregarded", "escalated", "stopped"]


class EventError(ValueError):
    """An event that is not taken: one sentence with the field and what is wrong."""


class Event(BaseModel):
    """An event as it is sent; unknown fields are refused, since nothing enters the log by mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)

    action: Action
    """What the person did, or what was done before the person."""
    decision: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """Id of the record that it is about: the header Actgate-Record-Id of the answer."""
    reviewer: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """Pseudonym of the person; recorded as a keyed digest."""
    role: Annotated[str, Field(max_length=256)] | None = None
    reason: Annotated[str, Field(max_length=1024)] | None = None
    """Recorded as it is: a code or a sentence without names."""
    final: bool | None = None
    """Whether the outcome of the decision stands with this."""
    shown_at: AwareDatetime | None = None
    decided_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _names_a_decision(self) -> "Event":
        if self.decision is None and self.action != "stopped":
            raise ValueError(
                "decision: Required value: the id of a record, as in the header Actgate-Record-Id"
            )
        return self

    def record(self, sender: str, digester: Digester | None) -> dict[str, Any]:
        """Return the record of the event.

        Args:
            sender: Who sent it, as its token says.
            digester: For the reviewer, who is left out without one.
        """
        record: dict[str, Any] = {
            "event": "suspend" if self.action == "stopped" else "oversight",
            "id": new_id(),
            "action": self.action,
            "actor": sender,
            "actor_basis": "token",
        }
        for name in ("decision", "role", "reason", "final"):
            if (value := getattr(self, name)) is not None:
                record[name] = value
        for name in ("shown_at", "decided_at"):
            if (moment := getattr(self, name)) is not None:
                record[name] = timestamp(moment, "milliseconds")
        if self.reviewer is not None and digester is not None:
            digest = digester.of(Purpose.SUBJECT, self.reviewer.encode("utf-8", "surrogatepass"))
            record["reviewer"] = f"{digest['key']}:{digest['mac']}"
        return record


@dataclass(frozen=True, slots=True)
class Taken:
    """What becomes of an event that was sent."""

    status: HTTPStatus
    text: str
    """The id of its record where it is in the log, else one sentence that says why it is not."""

    @property
    def body(self) -> dict[str, str]:
        """The answer, for JSON."""
        return {"id" if self.status is HTTPStatus.CREATED else "error": self.text}


def refusal(tokens: Tokens | None, method: str, target: bytes) -> Taken | None:
    """Return why a request below ``PREFIX`` is no event, whatever its body is; None where it may be one."""
    if target != PATH or method != "POST":
        return Taken(HTTPStatus.NOT_FOUND, "below /_actgate/ there is POST /_actgate/events alone")
    if tokens is None:
        return Taken(HTTPStatus.FORBIDDEN, "events are not taken: no directory of tokens is set up")
    return None


async def take(log: Log, tokens: Tokens, authorization: bytes | None, body: bytes) -> Taken:
    """Record an event, if its sender shows a token; never raises."""
    sender = tokens.sender(authorization)
    if sender is None:
        return Taken(HTTPStatus.UNAUTHORIZED, "send Authorization: Bearer with the token of a sender")
    if len(body) > LARGEST:
        return Taken(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"an event must have at most {LARGEST} bytes")
    try:
        event = read(body)
    except EventError as error:
        return Taken(HTTPStatus.BAD_REQUEST, str(error))
    try:
        digester = log.digester()
    except RecordNotWrittenError as error:
        if event.action != "stopped":
            return Taken(HTTPStatus.SERVICE_UNAVAILABLE, f"retry: {error}")
        digester = None  # A stop is recorded without its reviewer rather than not at all.
    record = event.record(sender, digester)
    if not await log.write_event(record):
        return Taken(HTTPStatus.SERVICE_UNAVAILABLE, "the inference log is temporarily unavailable, retry")
    identifier: str = record["id"]
    return Taken(HTTPStatus.CREATED, identifier)


def read(body: bytes) -> Event:
    """Read an event.

    Raises:
        EventError: It is none.
    """
    try:
        return Event.model_validate_json(body)
    except ValidationError as error:
        raise EventError("; ".join(map(_words, error.errors()))) from None


def _words(error: Any) -> str:  # noqa: ANN401 - pydantic's, whose type is another in each version
    path = ".".join(map(str, error["loc"]))
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{path}: Invalid value: {message}" if path else message
