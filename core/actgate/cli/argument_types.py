"""Values of arguments: each is read, or refused in a sentence that names what was written."""

import argparse
import re
from datetime import datetime
from typing import Final

from actgate.api.names import is_namespace_name

_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")


def line_hash(text: str) -> str:
    """Return the hash of a line of a decision log."""
    if not _HASH.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} must be the hash of a line, such as sha256:<64 hex digits>"
        )
    return text


def moment(text: str) -> datetime:
    """Return an RFC 3339 date-time."""
    from actgate.api.times import parse_timestamp

    try:
        return parse_timestamp(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from None


def namespace(text: str) -> str:
    """Return the name of a namespace."""
    if not is_namespace_name(text):
        raise argparse.ArgumentTypeError(f"{text!r} must be the name of a namespace, such as team-credit")
    return text


def label(text: str) -> str:
    """Return the name of an attestation."""
    if not is_namespace_name(text):
        raise argparse.ArgumentTypeError(f"{text!r} must be a name of lower-case letters, digits and -")
    return text
