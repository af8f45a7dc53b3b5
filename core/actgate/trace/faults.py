"""What is wrong with a log, in sentences that name the record."""

from typing import NamedTuple


class Fault(NamedTuple):
    """One thing that is not as it was written."""

    log: str
    file: str
    record: int | None
    """Number of the first record that it concerns; None where it concerns none."""
    sentence: str


def records(first: int, last: int) -> str:
    """Return how some records are named in a sentence."""
    return f"record {first}" if first == last else f"records {first} to {last}"
