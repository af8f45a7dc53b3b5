"""Names, timestamps and durations: what is taken, and how moments are written."""

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest

from actgate.api.durations import parse_seconds
from actgate.api.names import is_namespace_name, is_object_name
from actgate.api.times import parse_timestamp, timestamp

MOMENT = datetime(2026, 11, 1, 12, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("precision", "text"),
    [
        ("seconds", "2026-11-01T10:00:00Z"),
        ("microseconds", "2026-11-01T10:00:00.999999Z"),
        ("auto", "2026-11-01T10:00:00.999999Z"),
    ],
)
def test_a_moment_is_written_in_utc_and_never_later_than_it_is(precision: str, text: str) -> None:
    """meta/v1 Time is cut to seconds, not rounded: nothing ends after its end."""
    assert timestamp(MOMENT, precision) == text
    assert parse_timestamp(text) <= MOMENT


def test_a_micro_time_has_its_six_digits_on_the_full_second() -> None:
    """The API server refuses a MicroTime without a fraction."""
    assert timestamp(datetime(2026, 11, 1, tzinfo=UTC), "microseconds") == "2026-11-01T00:00:00.000000Z"


def test_a_moment_that_utc_does_not_know_keeps_its_zone() -> None:
    """Whatever a manifest states is answered with a verdict, never with an error."""
    first = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    assert timestamp(first) == "0001-01-01T00:00:00+14:00"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("150s", 150),
        ("2m", 120),
        ("1h30m", 5400),
        ("1m1h", 3660),
        ("1500ms", 1.5),
        ("0.5s", 0.5),
        ("2µs", 2e-6),
    ],
)
def test_a_flag_takes_a_duration_as_go_reads_it(text: str, seconds: float) -> None:
    """Any units in any order, with fractions, as every flag of Kubernetes takes them."""
    assert math.isclose(parse_seconds(text), seconds)


@pytest.mark.parametrize("text", ["", "5", "-5s", "s", "5 s", "5s\n", "1e9s", "٣s", "1d"])
def test_a_flag_takes_nothing_else_for_a_duration(text: str) -> None:
    """A number alone has no unit, and a wait is never negative."""
    with pytest.raises(ValueError, match="must be a duration such as 2m30s"):
        parse_seconds(text)


@pytest.mark.parametrize(
    ("text", "namespace", "name"),
    [
        ("team-credit", True, True),
        ("0", True, True),
        ("a" * 63, True, True),
        ("a" * 64, False, True),
        ("a.b", False, True),
        ("a" * 253, False, True),
        ("a" * 254, False, False),
        ("", False, False),
        ("-a", False, False),
        ("a-", False, False),
        ("a..b", False, False),
        ("A", False, False),
        ("a\n", False, False),
        ("../a", False, False),
    ],
)
def test_names_are_those_of_rfc_1123(text: str, namespace: bool, name: bool) -> None:
    """A namespace is a label, any other object a subdomain; no name leads to another path."""
    assert is_namespace_name(text) is namespace
    assert is_object_name(text) is name
