"""Files, directories and standard input, as documents that know where they stand."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from actgate import evidence
from actgate.cli.exits import UnusableError

STDIN: Final = "-"
SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})
"""What a directory is searched for; a file that is named by itself may end in anything."""


@dataclass(frozen=True, slots=True)
class Source:
    """A text and how to call it: the path as the user wrote it, or ``stdin``."""

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
    for name in _files(arguments, sentences):
        try:
            found.extend(_documents(Source("stdin" if name == STDIN else name, _text(name))))
        except UnusableError as error:
            sentences.extend(error.sentences)
        except evidence.DocumentError as error:
            sentences.append(str(error))
    if sentences:
        raise UnusableError(*sentences)
    return found


def read_one(argument: str) -> Document:
    """Return the only document of a file.

    Raises:
        UnusableError: When the file cannot be read, or does not hold exactly one document.
    """
    if argument != STDIN and Path(argument).is_dir():
        raise UnusableError(f"{argument} is a directory; name one file")
    found = read([argument])
    if len(found) != 1:
        raise UnusableError(f"{argument} holds {len(found)} documents, and exactly one is expected")
    return found[0]


def _files(arguments: Iterable[str], sentences: list[str]) -> Iterator[str]:
    """Yield each file once, however often and by whatever path it is named."""
    seen: set[Path | str] = set()
    for argument in arguments:
        for name in _expanded(argument, sentences):
            identity = name if name == STDIN else Path(name).resolve()
            if identity not in seen:
                seen.add(identity)
                yield name


def _expanded(argument: str, sentences: list[str]) -> Iterator[str]:
    path = Path(argument)
    if argument == STDIN or not path.is_dir():
        yield argument
        return
    files = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
    if not files:
        sentences.append(f"the directory {argument} holds no *.yaml, *.yml or *.json file")
    yield from map(str, files)


def _text(name: str) -> str:
    try:
        content = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnusableError(f"{name} is not UTF-8 text: byte {error.start} cannot be read") from None
    except FileNotFoundError:
        raise UnusableError(f"{name} does not exist") from None
    except OSError as error:
        raise UnusableError(f"{name} cannot be read: {error.strerror}") from None


def _documents(source: Source) -> Iterator[Document]:
    line, item = 0, 0
    for document in evidence.load(source.text, source.name):
        item = item + 1 if document.line == line else 0
        line = document.line
        yield Document(source, line, document.content, item)
