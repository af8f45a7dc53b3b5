"""Which files the arguments name: files themselves, and directories with everything below them.

Nothing below a directory is skipped in silence if it could hold evidence: what looks like a manifest and
cannot be read, a folder that cannot be listed, and a link that leads nowhere are errors. Linked folders are
followed, each folder once.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Final

from actgate.cli.streams import reason

STDIN: Final = "-"
SUFFIXES: Final = (".yaml", ".yml", ".json")
"""What a directory is searched for, in any case; a file that is named by itself may end in anything."""


def named(arguments: Iterable[str], sentences: list[str]) -> Iterator[str]:
    """Yield each file once, however often and by whatever path it is named; ``-`` is standard input.

    Args:
        arguments: Files, directories and ``-``, as the user wrote them.
        sentences: Takes a sentence for everything below a directory that cannot be read.
    """
    seen: set[str] = set()
    for argument in arguments:
        is_folder = argument != STDIN and os.path.isdir(argument)  # noqa: PTH112 - Path.is_dir raises
        for name in _below(argument, sentences) if is_folder else (argument,):
            identity = name if name == STDIN else os.path.realpath(name)
            if identity not in seen:
                seen.add(identity)
                yield name


def _below(folder: str, sentences: list[str]) -> Iterator[str]:
    """Yield what a directory holds, sorted by path; a sentence says so where that is nothing."""
    faults: list[str] = []
    found = sorted(_walk(folder, faults), key=PurePath)
    if not found and not faults:
        faults.append(f"the directory {folder} holds no *.yaml, *.yml or *.json file")
    sentences.extend(faults)
    yield from found


def _walk(top: str, faults: list[str]) -> Iterator[str]:
    """Yield the files below a directory; links wait, so that a file keeps the path where it really stands."""
    folders, linked, walked = [top], deque[str](), set[str]()
    while folders or linked:
        folder = folders.pop() if folders else linked.popleft()
        identity = os.path.realpath(folder)
        if identity in walked:
            continue  # A link back up, or a second link to the same folder.
        walked.add(identity)
        for entry in _entries(folder, faults):
            wanted = entry.name.lower().endswith(SUFFIXES)
            try:
                if entry.is_dir():
                    (linked if entry.is_symlink() else folders).append(entry.path)
                elif not entry.is_file():
                    faults.extend(_fault(entry, wanted=wanted))
                elif wanted:
                    yield entry.path
            except OSError as error:
                faults.append(f"{entry.path} cannot be read: {reason(error)}")


def _entries(folder: str, faults: list[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as listing:
            return sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        faults.append(f"the directory {folder} cannot be read: {reason(error)}")
        return []


def _fault(entry: os.DirEntry[str], *, wanted: bool) -> Iterator[str]:
    """Say what is wrong with something that is neither a file nor a directory."""
    if not wanted and (not entry.is_symlink() or "." in entry.name):
        return  # A socket, or a link that was meant for another kind of file.
    what = "a link to nothing" if entry.is_symlink() else "neither a file nor a directory"
    yield f"{entry.path} is {what}; correct it or remove it"
