"""A record of the inference log: its events, its fields, and its canonical JSON (RFC 8785).

Fields are checked by name and type, so that nothing enters the log by mistake: what has no name here is
refused, and no field takes a payload. ``docs/inference-log.md`` says what each one means.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from actgate.api.canonical import LARGEST, SORTED, canonical
from actgate.api.quoting import quoted

FORMAT: Final = "actgate.dev/inference-log/v1"
"""Value of ``format`` in the first record of a log."""
MAX_BYTES: Final = 64 * 1024
"""Longest canonical JSON of a record."""

EVENTS: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(needed)
    for name, needed in {
        "start": ("format", "log_key"),
        "stop": (),
        "inference": ("id",),
        "stream.start": ("id",),
        "stream.end": ("id",),
        "error": (),
        "use.start": (),
        "use.end": (),
        "oversight": ("decision", "action"),
        "outcome": ("decision",),
        "suspend": (),
        "resume": (),
        "incident": ("aware_at",),
        "informed": (),
        "anomaly": (),
        "drift": (),
        "config": ("changes",),
        "verdict": (),
        "clock": ("step_us",),
        "gap": ("count",),
        "purge": (),
    }.items()
}
"""What is recorded, each with the fields that it needs."""


class InvalidRecordError(ValueError):
    """A record that the log does not take: one sentence with the field and what is wrong."""


def encode(record: Mapping[str, Any]) -> tuple[str, bytes]:
    """Return the event of a record, and the canonical JSON of its other fields.

    Raises:
        InvalidRecordError: It has a field that the log does not know, or a value that has no place there.
    """
    event = record.get("event")
    needed = EVENTS.get(event) if isinstance(event, str) else None
    if needed is None:
        raise InvalidRecordError(
            f"event: Unsupported value: {_shown(event)}: must be one of {', '.join(EVENTS)}"
        )
    if missing := needed - record.keys():
        raise InvalidRecordError(f"{min(missing)}: Required value: event {event}")
    for name, value in record.items():
        check = FIELDS.get(name)
        if check is None:
            raise InvalidRecordError(f"{_shown(name)}: Unsupported value: not a field of a record")
        if problem := check(value):
            raise InvalidRecordError(f"{name}: Invalid value: {problem}")
    written = _canonical({name: value for name, value in record.items() if name != "event"})
    if len(written) > MAX_BYTES:
        raise InvalidRecordError(f"the record has {len(written)} bytes: must be at most {MAX_BYTES}")
    return str(event), written


_Check = Callable[[object], str]
"""Returns what is wrong with a value, or nothing."""


def _text(most: int) -> _Check:
    problem = f"must be a string of at most {most} characters"
    return lambda value: "" if type(value) is str and len(value) <= most else problem


def _whole(value: object) -> str:
    return "" if type(value) is int and abs(value) <= LARGEST else f"must be a whole number up to {LARGEST}"


def _truth(value: object) -> str:
    return "" if type(value) is bool else "must be true or false"


def _object(value: object) -> str:
    return "" if isinstance(value, dict) else "must be an object"


def _list(value: object) -> str:
    return "" if isinstance(value, list) else "must be a list"


def _plain(value: object) -> str:
    """Refuse all but one plain value by name: a list or an object could hold a payload."""
    if not isinstance(value, dict):
        return "must be an object"
    for name, item in value.items():
        if type(name) is not str or not isinstance(item, str | int | float | bool | None):
            return f"{_shown(name)} must be a string, a number, true, false or null"
        if type(item) is str and len(item) > _LONGEST_FIELD:
            return f"{_shown(name)} must have at most {_LONGEST_FIELD} characters"
    return ""


_LONGEST_FIELD: Final = 1024

_DIGEST_FIELDS: Final = frozenset({"alg", "key", "mac", "bytes", "ref"})


def _digest(value: object) -> str:
    """Refuse all but a keyed digest and the length of what it is of; ``bytes`` alone without a key."""
    if not isinstance(value, dict) or not value.keys() <= _DIGEST_FIELDS or "bytes" not in value:
        return f"must be an object of {', '.join(sorted(_DIGEST_FIELDS))}, with bytes"
    return _whole(value["bytes"])


FIELDS: Final[Mapping[str, _Check]] = {
    # what every record has
    "event": _text(32),
    "id": _text(64),
    "trigger": _text(64),
    # the use of a model
    "method": _text(32),
    "route": _text(1024),
    "status": _whole,
    "error": _text(256),
    "dur_us": _whole,
    "in": _digest,
    "out": _digest,
    "fields": _plain,
    "group": _plain,
    "caller": _plain,
    "subject": _digest,
    "trace_id": _text(64),
    "explanation_ref": _text(1024),
    "stream": _plain,
    "served": _truth,
    # what stands once, in the start of a log
    "format": _text(64),
    "log_key": _text(256),
    "previous": _object,
    "durability": _text(16),
    "origin": _plain,
    "model": _plain,
    "image_digest": _text(256),
    "manifest_digest": _text(256),
    "verdict_id": _text(256),
    "policies_digest": _text(256),
    "region": _plain,
    "settings": _object,
    # human oversight, incidents, operation
    "decision": _text(64),
    "action": _text(32),
    "reviewer": _text(256),
    "role": _text(256),
    "reason": _text(1024),
    "final": _truth,
    "shown_at": _text(64),
    "decided_at": _text(64),
    "actor": _text(256),
    "actor_basis": _text(32),
    "in_flight": _whole,
    "outcome": _plain,
    "aware_at": _text(64),
    "severity": _text(64),
    "due": _text(64),
    "reference_db": _plain,
    "matched_input": _text(1024),
    "verifiers": _list,
    "changes": _plain,
    "step_us": _whole,
    "count": _whole,
    "since": _text(64),
    "until": _text(64),
    "segments": _list,
}
"""Every field that a record may have, with the check of its value."""


def _canonical(record: Mapping[str, Any]) -> bytes:
    try:
        written = orjson.dumps(record, option=SORTED)
        return written if _same_everywhere(record) and written.isascii() else canonical(record)
    except (TypeError, ValueError):  # orjson.JSONEncodeError is the first
        raise InvalidRecordError("the record has no canonical JSON (RFC 8785)") from None


_ALIKE: Final = frozenset({str, int, bool, type(None)})
"""Types that orjson writes as RFC 8785, or refuses, where all is ASCII."""


def _same_everywhere(value: object) -> bool:
    """Return whether orjson writes all numbers as RFC 8785: no float that is whole, very small or large."""
    if type(value) is float:
        return 1e-4 <= abs(value) < 1e15 and not value.is_integer()
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return type(value) in _ALIKE
    # Nearly all values are plain: a call for each takes as long as to write all of them.
    return all(_same_everywhere(item) for item in value if type(item) not in _ALIKE)


def _shown(value: object) -> str:
    return quoted(value) if isinstance(value, str) else repr(value)[:64]
