"""Names and contents of the files of one log.

``000000000001-000000065536.jsonl.zst`` is a sealed segment with those records, ``000000065537.jsonl`` the one
that is written. Beside a sealed one, ``.checkpoint`` is the signed state of the log after it, ``.subtrees``
the hashes by which the tree goes on from there, also where the segment was deleted.
``checkpoint`` is the latest. The first segment holds the start alone, and is never deleted.
"""

import base64
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import Final, NamedTuple

from actgate.trace import merkle

CHECKPOINT: Final = "checkpoint"
"""Name of the file with the latest checkpoint."""
MAX_BYTES: Final = 32 * 1024 * 1024
"""A segment is sealed before it is longer, but for its last record."""
MAX_RECORDS: Final = 65_536
_MOST_BYTES: Final = 2 * MAX_BYTES
"""What is decompressed of a segment; more is no segment of ours."""
_DIGITS: Final = 12
_NAME: Final = re.compile(r"([0-9]{12})(?:-([0-9]{12}))?\.(jsonl(?:\.zst)?|checkpoint|subtrees|shipped)")
_LEVEL: Final = 3


class Name(NamedTuple):
    """A file of a log by its name."""

    first: int
    last: int | None
    """None for the segment that is written."""
    suffix: str
    """``jsonl``, ``jsonl.zst``, ``checkpoint``, ``subtrees``, or ``shipped`` once a copy is elsewhere."""


def parse_name(name: str) -> Name | None:
    """Return what a file's name says; None where it belongs to no segment."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    return Name(int(found[1]), int(found[2]) if found[2] else None, found[3])


def open_name(first: int) -> str:
    """Return the name of the segment that is written."""
    return f"{first:0{_DIGITS}}.jsonl"


def sealed_name(first: int, last: int, suffix: str) -> str:
    """Return the name of a sealed segment, or of a file beside it."""
    return f"{first:0{_DIGITS}}-{last:0{_DIGITS}}.{suffix}"


def split(content: bytes) -> tuple[list[bytes], bytes]:
    """Return the lines of a segment, and what stands behind its last line break: a torn tail."""
    lines = content.split(b"\n")
    return lines, lines.pop()


def compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the content of a sealed segment, with a checksum, piece by piece."""
    zstd = _zstd()
    parameter = zstd.CompressionParameter
    options = {parameter.compression_level: _LEVEL, parameter.checksum_flag: 1}
    compressor = zstd.ZstdCompressor(options=options)
    for piece in pieces:
        yield compressor.compress(piece)
    yield compressor.flush()


def decompress(content: bytes) -> bytes:
    """Return the lines of a sealed segment.

    Raises:
        ValueError: One clause that says why it cannot be read.
    """
    zstd = _zstd()
    unpacked = zstd.ZstdDecompressor()
    try:
        found: bytes = unpacked.decompress(content, max_length=_MOST_BYTES + 1)
    except zstd.ZstdError as error:
        raise ValueError(f"cannot be decompressed: {error}") from None
    if len(found) > _MOST_BYTES:
        raise ValueError(f"has more than {_MOST_BYTES} bytes")
    if not unpacked.eof:
        raise ValueError("cannot be decompressed: its end is missing")
    if unpacked.unused_data:
        raise ValueError("has bytes behind its end")
    return found


def _zstd() -> ModuleType:
    """Return the module, which is imported where a segment is compressed and not before."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


def subtrees_text(tree: merkle.Tree) -> str:
    """Return the content of ``.subtrees``: size, and a hash in base64 for each complete subtree."""
    hashes = (base64.b64encode(subtree).decode() for subtree in tree.subtrees)
    return "".join(f"{entry}\n" for entry in (tree.size, *hashes))


def parse_subtrees(content: bytes) -> merkle.Tree:
    """Read ``.subtrees``.

    Raises:
        ValueError: It is none.
    """
    size, *hashes = content.decode("ascii").splitlines() or [""]
    subtrees = [base64.b64decode(entry, validate=True) for entry in hashes]
    if not size.isdigit() or any(len(subtree) != merkle.HASH_SIZE for subtree in subtrees):
        raise ValueError("is not the state of a tree")
    return merkle.Tree(int(size), subtrees)


def roots_at(tree: merkle.Tree, leaves: Sequence[bytes], sizes: Sequence[int]) -> dict[int, bytes]:
    """Add leaves to a tree, and return its root at each of those sizes that it passes."""
    roots = {tree.size: tree.root()} if tree.size in sizes else {}
    begin, first = 0, tree.size
    for size in sorted(size for size in set(sizes) if first < size <= first + len(leaves)):
        tree.extend(leaves[begin : size - first])
        begin = size - first
        roots[size] = tree.root()
    tree.extend(leaves[begin:])
    return roots
