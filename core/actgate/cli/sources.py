"""Files, directories and standard input, as documents that know where they stand."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from actgate.cli import files, streams
from actgate.cli.exits import UnusableError
from actgate.cli.files import STDIN
from actgate.documents import Document, DocumentError, load
from actgate.subjects.kinds import UnusableKindsError
from actgate.subjects.reading import Table, package_table

STDIN_NAME: Final = "stdin"
"""What reports call standard input."""


def read(arguments: Iterable[str]) -> list[Document]:
    """Return every document that the arguments name, in their order, a directory's files sorted.

    Raises:
        UnusableError: With a sentence for each file that cannot be read.
    """
    found: list[Document] = []
    sentences: list[str] = []
    for name in files.named(arguments, sentences):
        try:
            found.extend(load(_content(name), STDIN_NAME if name == STDIN else name))
        except UnusableError as error:
            sentences.extend(error.sentences)
        except DocumentError as error:
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


def table(arguments: Iterable[str]) -> Table:
    """Return the kinds that are known: those of actgate, and the rows of these files.

    Raises:
        UnusableError: With a sentence for the first file that cannot be used.
    """
    known = package_table()
    for name in arguments:
        try:
            known = known.extended(_content(name).decode())
        except UnusableKindsError as error:
            raise UnusableError(f"{name}: {error}") from None
        except UnicodeDecodeError:
            raise UnusableError(f"{name}: invalid YAML: must be UTF-8") from None
    return known


def _content(name: str) -> bytes:
    try:
        return streams.standard_input().read() if name == STDIN else Path(name).read_bytes()
    except FileNotFoundError:
        raise UnusableError(f"{name} does not exist") from None
    except OSError as error:
        called = "standard input" if name == STDIN else name
        raise UnusableError(f"{called} cannot be read: {streams.reason(error)}") from None
