"""Foreign text in our own sentences: quoted, described, cut, and never able to steer a terminal or a log."""

from collections.abc import Mapping


def quoted(value: object, limit: int = 64) -> str:
    """Return a foreign value in quotes, escaped to printable ASCII and cut to ``limit`` characters."""
    text = str(value).encode("unicode_escape").decode("ascii").replace('"', r"\"")
    return f'"{text if len(text) <= limit else text[: limit - 3] + "..."}"'


def got(value: object) -> str:
    """Return a foreign value as it is written, or in a few printable words."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return quoted(value)
        case int():
            return str(value) if abs(value) < 2**64 else "a number beyond 64 bits"
        case float():
            return str(value)
        case list():
            return f"a list of {counted(len(value), 'item')}"
        case Mapping():
            return f"an object of {counted(len(value), 'field')}"
        case _:
            return f"a {type(value).__name__}"


def invalid(value: object, expected: str) -> str:
    """Return the message about a value that is not what it must be, in the form of the Kubernetes API."""
    if value is None:
        return f"Required value: must be {expected}"
    return f"Invalid value: {got(value)}: must be {expected}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 item``, ``2 items``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def cut(text: str, limit: int) -> str:
    """Return text in ASCII on one line, at most ``limit`` characters, with ... where it was cut."""
    plain = ascii_only(text)
    return plain if len(plain) <= limit else f"{plain[: limit - 3]}..."


def ascii_only(text: str) -> str:
    """Return text with everything but printable ASCII escaped."""
    return text if text.isascii() and text.isprintable() else text.encode("unicode_escape").decode("ascii")


def printable(text: str) -> str:
    """Return text with everything that could steer a terminal or break a line or XML escaped."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
