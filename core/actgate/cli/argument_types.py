"""Values of arguments: each is read, or refused in a sentence that names what was written."""

import argparse
import re
from datetime import datetime
from typing import Final

from actgate.api.names import is_namespace_name

_DIGITS: Final = 9
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


def share(text: str) -> float:
    """Return a number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number from 0 to 1")
    return number


def whole(text: str) -> int:
    """Return a whole number from 0 upwards."""
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 0 upwards")
    return int(text)


def positive(text: str) -> int:
    """Return a whole number from 1 upwards."""
    if (number := whole(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 1 upwards")
    return number


def add_namespace(command: argparse.ArgumentParser, objects: str) -> None:
    """Add ``--namespace``, for objects that state none."""
    command.add_argument(
        "-n",
        "--namespace",
        type=namespace,
        default="default",
        metavar="NS",
        help=f"namespace of {objects} (default: default)",
    )


def add_moment(command: argparse.ArgumentParser, flag: str, verb: str) -> None:
    """Add the flag that says as of which moment something is done."""
    command.add_argument(
        flag,
        type=moment,
        metavar="TIME",
        help=f"{verb} as of this moment, such as 2026-11-01T10:00:00Z (default: the present)",
    )


def add_files(command: argparse.ArgumentParser) -> None:
    """Add ``-f``, for files that are judged or shown."""
    command.add_argument(
        "-f",
        "--filename",
        nargs="+",
        action="extend",
        required=True,
        metavar="FILE",
        help="YAML or JSON files, directories (searched for *.yaml, *.yml, *.json), or - for standard input",
    )


def add_kinds(command: argparse.ArgumentParser) -> None:
    """Add ``--kinds``, for rows of an administrator."""
    command.add_argument(
        "--kinds",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="files with rows of further serving kinds, in the format that docs/kinds.md describes",
    )
