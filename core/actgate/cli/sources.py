"""Files, directories and standard input, as documents that know where they stand."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from actgate import documents
from actgate.cli import files, streams
from actgate.cli.exits import UnusableError
from actgate.cli.files import STDIN

STDIN_NAME: Final = "stdin"
"""What reports call standard input."""


@dataclass(frozen=True, slots=True)
class Source:
    """A text and how to call it: the path as the user wrote it, or ``STDIN_NAME``."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """One JSON value of a source: a document of its own, or an item of a list in one."""

    source: Source
    line: int
    """Line on which the document begins, or the list that it is an item of."""
    value: Any
    item: int = 0
    """How many items of the same list come before it."""


def read(arguments: Iterable[str]) -> list[Document]:
    """Return every document that the arguments name, in their order, a directory's files sorted.

    Raises:
        UnusableError: With a sentence for each file that cannot be read.
    """
    found: list[Document] = []
    sentences: list[str] = []
    for name in files.named(arguments, sentences):
        try:
            found.extend(_documents(Source(STDIN_NAME if name == STDIN else name, _text(name))))
        except UnusableError as error:
            sentences.extend(error.sentences)
        except documents.DocumentError as error:
            sentences.append(str(error))
    if sentences:
        raise UnusableError(*sentences)
    return found


def read_one(argument: str) -> Document:
    """Return the only document of a file.

    Raises:
        UnusableError: When the file cannot be read, or does not hold exactly one document.
    """
    if argument != STDIN and os.path.isdir(argument):  # noqa: PTH112 - Path.is_dir raises for some names
        raise UnusableError(f"{argument} is a directory; name one file")
    found = read([argument])
    if len(found) != 1:
        raise UnusableError(f"{argument} holds {len(found)} documents, and exactly one is expected")
    return found[0]


def _text(name: str) -> str:
    try:
        content = streams.standard_input().read() if name == STDIN else Path(name).read_bytes()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnusableError(f"{_called(name)} is not UTF-8 text: byte {error.start} cannot be read") from None
    except FileNotFoundError:
        raise UnusableError(f"{name} does not exist") from None
    except OSError as error:
        raise UnusableError(f"{_called(name)} cannot be read: {streams.reason(error)}") from None


def _called(name: str) -> str:
    return "standard input" if name == STDIN else name


def _documents(source: Source) -> Iterator[Document]:
    line, item = 0, 0
    for document in documents.load(source.text, source.name):
        item = item + 1 if document.line == line else 0
        line = document.line
        yield Document(source, line, document.content, item)
