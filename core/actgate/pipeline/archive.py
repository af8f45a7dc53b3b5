"""Zip files in one form: the same files are the same bytes, on every machine and in every year.

Entries are sorted by name and stored as they are: what a compressor writes differs between its releases, and
a file that is not compressed cannot unfold into more than its own size. All have the time 1980-01-01 00:00
and the mode 0644; there are no comments and no extra fields. So an archive is whole if it is, byte for byte,
what is written again from its own files, and any other byte has a place that can be named.

Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.
"""

import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from actgate.api.quoting import counted, printable

MOST_BYTES: Final = 256 * 1024 * 1024
MOST_FILES: Final = 4096
_NAME: Final = re.compile(r"(?!.*(^|/)\.)[A-Za-z0-9._/+@=-]{1,200}")
"""No hidden file, no ``..``, nothing that a shell or ``sha256sum`` would have to quote."""

_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
_LOCAL_MARK: Final = b"PK\x03\x04"
_CENTRAL_MARK: Final = b"PK\x01\x02"
_END_MARK: Final = b"PK\x05\x06"
_LONGEST_COMMENT: Final = 0xFFFF
_VERSION: Final = 20
_MADE_BY_UNIX: Final = 3 << 8 | _VERSION
_DATE: Final = 1 << 5 | 1
_MODE: Final = 0o100644 << 16


class ArchiveError(Exception):
    """Bytes of which no list of files can be read: a clause that goes on after the file's name."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Where an archive is not what was written."""

    name: str
    """The file in it, or a part of the archive itself, such as ``central directory``."""
    message: str


@dataclass(frozen=True, slots=True)
class Archive:
    """What was read of an archive."""

    files: dict[str, bytes]
    faults: tuple[Fault, ...]


class _Part(NamedTuple):
    name: str
    what: str
    start: int
    data: bytes


class _Entry(NamedTuple):
    name: str
    flags: int
    method: int
    stored: int
    size: int
    offset: int


def is_name(text: str) -> bool:
    """Return whether a file may be called so: a relative path of plain ASCII, with / and nothing hidden."""
    return _NAME.fullmatch(text) is not None and not text.startswith("/") and "//" not in text


def build(files: Mapping[str, bytes]) -> bytes:
    """Return the archive of some files, by their names.

    Raises:
        ArchiveError: A name cannot be one, or there are too many files or bytes.
    """
    for name in files:
        if not is_name(name):
            raise ArchiveError(f"cannot hold {printable(name)[:80]}: names are of A-Z a-z 0-9 . _ / + @ = -")
    if len(files) > MOST_FILES or sum(map(len, files.values())) > MOST_BYTES:
        raise ArchiveError(f"holds at most {MOST_FILES} files and {MOST_BYTES // 1024 // 1024} MiB")
    return b"".join(part.data for part in _parts(files))


def read(data: bytes) -> Archive:
    """Read an archive, and find every byte of it that ``build`` would not have written.

    Raises:
        ArchiveError: It has no end record, or is too large.
    """
    if len(data) > MOST_BYTES:
        raise ArchiveError(f"is too large: a pack has at most {MOST_BYTES // 1024 // 1024} MiB")
    end = data.rfind(_END_MARK, max(0, len(data) - _END.size - _LONGEST_COMMENT))
    if end < 0 or len(data) - end < _END.size:
        raise ArchiveError(
            "has no end record (its last 22 bytes): it is not a zip file, or was cut off or changed"
        )
    faults: list[Fault] = []
    if (behind := len(data) - end - _END.size) > 0:
        faults.append(Fault("end of the archive", f"{counted(behind, 'byte')} follow it"))
    files: dict[str, bytes] = {}
    budget = len(data)
    for entry in _entries(data, end, faults):
        content, wrong = _content(data, entry, budget)
        if entry.name in files:
            wrong = "is in the archive more than once"
        if wrong is not None:
            faults.append(Fault(printable(entry.name), wrong))
        else:
            files[entry.name] = content
            budget -= len(content)
    return Archive(files, (*faults, *(() if faults else _differing(data, files))))


def _parts(files: Mapping[str, bytes]) -> Iterator[_Part]:
    """Yield the parts of an archive in their order, each with its place."""
    at, central = 0, []
    for name in sorted(files):
        content, raw = files[name], name.encode()
        crc, size = zlib.crc32(content), len(content)
        central.append((name, crc, size, at))
        header = _LOCAL.pack(_LOCAL_MARK, _VERSION, 0, 0, 0, _DATE, crc, size, size, len(raw), 0)
        yield _Part(name, "local header", at, header + raw)
        at += len(header) + len(raw)
        yield _Part(name, "content", at, content)
        at += size
    start = at
    for name, crc, size, offset in central:
        raw = name.encode()
        fields = (_VERSION, 0, 0, 0, _DATE, crc, size, size, len(raw), 0, 0, 0, 0, _MODE, offset)
        entry = _CENTRAL.pack(_CENTRAL_MARK, _MADE_BY_UNIX, *fields) + raw
        yield _Part(name, "entry of the central directory", at, entry)
        at += len(entry)
    count = len(central)
    ending = _END.pack(_END_MARK, 0, 0, count, count, at - start, start, 0)
    yield _Part("end of the archive", "end record", at, ending)


def _differing(data: bytes, files: Mapping[str, bytes]) -> Iterator[Fault]:
    """Yield the parts that are not as they would be written; after a shift the first of them alone."""
    for part in _parts(files):
        found = data[part.start : part.start + len(part.data)]
        if found != part.data:
            byte = next(
                (i for i, pair in enumerate(zip(found, part.data, strict=False)) if pair[0] != pair[1]),
                len(found),
            )
            yield Fault(part.name, f"{part.what}: byte {part.start + byte} of the archive was changed")
            if found[: len(_LOCAL_MARK)] != part.data[: len(_LOCAL_MARK)]:
                return


def _entries(data: bytes, end: int, faults: list[Fault]) -> Iterator[_Entry]:
    """Yield what the central directory lists; where it cannot be read, that is a fault."""
    *_, count, _size, at, _comment = _END.unpack_from(data, end)
    for number in range(1, min(count, MOST_FILES) + 1):
        if data[at : at + 4] != _CENTRAL_MARK or at + _CENTRAL.size > end:
            faults.append(Fault("central directory", f"entry {number} of {count} cannot be read"))
            return
        fields = _CENTRAL.unpack_from(data, at)
        _, _, _, flags, method, _, _, _, stored, size, name_length, extra, comment, _, _, _, offset = fields
        start = at + _CENTRAL.size
        name = data[start : start + name_length].decode("utf-8", "backslashreplace")
        yield _Entry(name, flags, method, stored, size, offset)
        at = start + name_length + extra + comment
    if count > MOST_FILES:
        faults.append(Fault("central directory", f"lists {count} files, and at most {MOST_FILES} are read"))
    elif at < end:
        faults.append(Fault("central directory", f"{counted(end - at, 'byte')} of it belong to no file"))


def _content(data: bytes, entry: _Entry, budget: int) -> tuple[bytes, str | None]:
    """Return the bytes of an entry, or what is wrong with it; nothing is ever unpacked."""
    if not is_name(entry.name):
        return b"", "is a name that no file of a pack has"
    if entry.flags & 1:
        return b"", "is encrypted, and a pack holds files as they are"
    if entry.method or entry.stored != entry.size:
        return b"", "is compressed, and a pack holds files as they are"
    if data[entry.offset : entry.offset + 4] != _LOCAL_MARK or entry.offset + _LOCAL.size > len(data):
        return b"", "has no local header where the central directory says"
    *_, name_length, extra = _LOCAL.unpack_from(data, entry.offset)
    start = entry.offset + _LOCAL.size + name_length + extra
    if entry.size > budget or start + entry.size > len(data):
        return b"", "has more bytes than the archive, or shares them with another file"
    return data[start : start + entry.size], None
