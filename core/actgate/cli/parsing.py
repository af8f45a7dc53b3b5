"""From text to JSON values: JSON where it is JSON, YAML as kubectl reads it elsewhere."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from actgate.cli import strict_yaml
from actgate.cli.exits import UnusableError

_BLANK: Final = re.compile(r"\s*")


def documents(text: str, name: str) -> list[tuple[int, Any]]:
    """Return each document of a file as (line on which it begins, JSON value), empty ones left out.

    Args:
        text: Content of the file: JSON, one value after another, or YAML with any number of documents.
        name: How to call the file in errors; with ``.json`` at its end it must be JSON.

    Raises:
        UnusableError: When the text is neither, naming the file and the line.
    """
    must_be_json = name.endswith(".json")
    if not must_be_json and not text.lstrip().startswith(("{", "[")):
        return strict_yaml.documents(text, name)
    try:
        return list(_json_documents(text))
    except ValueError as error:
        refusal = UnusableError(f"{name} cannot be read as JSON: {error}")
    except RecursionError:
        raise UnusableError(f"{name} cannot be read as JSON: it is nested too deeply") from None
    if must_be_json:
        raise refusal
    try:
        return strict_yaml.documents(text, name)  # a flow mapping begins like JSON
    except UnusableError:
        raise refusal from None


def _json_documents(text: str) -> Iterator[tuple[int, Any]]:
    decoder = json.JSONDecoder(object_pairs_hook=_each_key_once)
    position = _after_blanks(text, 0)
    while position < len(text):
        value, end = decoder.raw_decode(text, position)
        if value is not None:
            yield text.count("\n", 0, position) + 1, value
        position = _after_blanks(text, end)


def _after_blanks(text: str, position: int) -> int:
    found = _BLANK.match(text, position)
    return found.end() if found else position


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice")
    return found
