import io
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actgate.pipeline import archive
from actgate.pipeline.archive import ArchiveError

FILES = {"b.json": b"{}\n", "a/card.html": b"<p>", "c": b""}


def faults(data: bytes) -> list[tuple[str, str]]:
    """Return where an archive is not as it was written."""
    return [(one.name, one.message) for one in archive.read(data).faults]


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return an archive by Python's own writer."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as file:
        for name, content in entries:
            file.writestr(zipfile.ZipInfo(name), content, method)
    return target.getvalue()


def test_the_same_files_are_the_same_bytes() -> None:
    """In whatever order they come, so that two machines can compare digests."""
    assert archive.build(FILES) == archive.build(dict(reversed(FILES.items())))
    assert archive.read(archive.build(FILES)) == archive.Archive(dict(sorted(FILES.items())), ())


def test_any_reader_of_zip_files_reads_it() -> None:
    """Python's reader is an independent one: names in their order, content, checksums, time and mode."""
    with zipfile.ZipFile(io.BytesIO(archive.build(FILES))) as file:
        assert file.testzip() is None
        assert {one.filename: file.read(one) for one in file.infolist()} == FILES
        assert file.namelist() == sorted(FILES)
        assert {one.date_time for one in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {one.external_attr >> 16 for one in file.infolist()} == {0o100644}


def test_every_single_byte_that_is_changed_is_found() -> None:
    """A fault names the file or the part; without the mark of its end record it is no archive."""
    whole = archive.build(FILES)
    mark = range(len(whole) - 22, len(whole) - 18)
    for place in range(len(whole)):
        for change in (1, 0x80):
            data = bytearray(whole)
            data[place] ^= change
            if place in mark:
                with pytest.raises(ArchiveError, match="end record"):
                    archive.read(bytes(data))
            else:
                assert faults(bytes(data)), f"byte {place} of {len(whole)}"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 40))
def test_no_bytes_break_the_reader(noise: bytes, place: int, cut: int) -> None:
    """Cut, lengthened or overwritten: a fault or an error, and never the whole archive."""
    whole = archive.build(FILES)
    data = whole[:place] + noise + whole[place + cut :]
    try:
        found = archive.read(data)
    except ArchiveError:
        return
    assert bool(found.faults) is (data != whole)


def test_bytes_after_the_archive_and_before_it_are_found() -> None:
    """Readers of zip files pass over both: a script that begins with a program is one."""
    whole = archive.build(FILES)
    assert faults(whole + b"xyz") == [("end of the archive", "3 bytes follow it")]
    assert faults(b"#!/bin/sh\n" + whole)


def test_a_comment_of_the_archive_is_found() -> None:
    """It is part of the end record, and no reader shows it."""
    whole = archive.build(FILES)
    commented = whole[:-2] + struct.pack("<H", 3) + b"yes"
    assert ("end of the archive", "3 bytes follow it") in faults(commented)


def test_a_file_that_is_there_twice_is_found() -> None:
    """Readers differ in which of the two they take."""
    whole = archive.build({"a": b"one", "b": b"two"})
    twice = whole.replace(b"b", b"a")
    assert ("a", "is in the archive more than once") in faults(twice)


def test_a_file_that_the_central_directory_does_not_list_is_found() -> None:
    """A reader that goes from header to header would see it, and another one would not."""
    local = archive.build({"hidden": b"text"})
    hidden = local[: local.index(b"PK\x01\x02")]
    whole = archive.build({"a": b"one"})
    central = whole.index(b"PK\x01\x02")
    end = whole.index(b"PK\x05\x06")
    ending = whole[end:-6] + struct.pack("<IH", central + len(hidden), 0)
    assert faults(whole[:central] + hidden + whole[central:end] + ending)


def test_another_order_of_files_is_found() -> None:
    """There is one form of an archive."""
    assert faults(zipped(("b", b"2"), ("a", b"1")))


def test_what_is_compressed_is_never_unpacked() -> None:
    """So that no file of a few kilobytes becomes gigabytes; it is named instead."""
    bomb = zipped(("big.json", bytes(10_000_000)), method=zipfile.ZIP_DEFLATED)
    found = archive.read(bomb)
    assert [one.name for one in found.faults] == ["big.json"]
    assert "is compressed" in found.faults[0].message
    assert found.files == {}


def test_files_that_share_their_bytes_are_found() -> None:
    """The other kind of bomb: one content, listed by every entry of the central directory."""
    content = bytes(5_000)
    whole = archive.build({f"f{number}": content for number in range(4)})
    first = whole.index(b"PK\x01\x02")
    data = bytearray(whole)
    for number in range(4):
        at = first + number * (46 + 2)
        data[at + 42 : at + 46] = struct.pack("<I", 0)
    found = archive.read(bytes(data))
    assert found.faults
    assert sum(map(len, found.files.values())) <= len(whole)


@pytest.mark.parametrize(
    "name", ["../a", "/a", "a//b", ".hidden", "a/.b", "a b", "a\\b", "ü", "", "a\n", "x" * 201]
)
def test_a_name_that_leads_elsewhere_is_neither_written_nor_read(name: str) -> None:
    """Out of the folder into which it is unzipped, or into the lines of SHA256SUMS."""
    with pytest.raises(ArchiveError, match="cannot hold"):
        archive.build({name: b""})
    if name:
        assert "is a name that no file of a pack has" in [
            message for _, message in faults(zipped((name, b"")))
        ]


def test_what_is_no_archive_is_one_sentence(tmp_path: Path) -> None:
    """A text, an empty file, and one whose end was cut off."""
    for data in (b"", b"text", archive.build(FILES)[:-1], archive.build(FILES)[:-30]):
        with pytest.raises(ArchiveError, match="has no end record"):
            archive.read(data)
