"""What an image is held to, and what is seen from inside."""

from __future__ import annotations

import os
import py_compile
from pathlib import Path
from typing import Any

import pytest

from tests.tools.conftest import ROOT
from tools import images, inside

SOUND: dict[str, Any] = {
    "cpu": 0.8, "memory": 80.0, "user": "65534:65534", "capabilities": 0, "readonly": True, "present": [],
    "unusable": [],
}  # fmt: skip


def test_a_sound_image_has_no_fault() -> None:
    """Otherwise the next test would prove nothing."""
    assert [*images.faults(SOUND, 120.0)] == []


@pytest.mark.parametrize(
    ("change", "added", "fault"),
    [
        ({"user": "0:0"}, 120.0, "runs as 0:0"),
        ({"capabilities": 1}, 120.0, "has capabilities"),
        ({"readonly": False}, 120.0, "can write its root file system"),
        ({"present": ["pip", "tests"]}, 120.0, "holds pip, tests"),
        ({"unusable": ["/opt/a.py"]}, 120.0, "has no byte code by hash for /opt/a.py"),
        ({}, 200.1, "adds 200 MB to its base, more than 200"),
        ({"cpu": 2.01}, 120.0, "took 2.01 CPU seconds to be ready, more than 2"),
    ],
    ids=["root", "capabilities", "writable", "modules", "byte code", "size", "CPU time"],
)
def test_each_fault_is_named(change: dict[str, Any], added: float, fault: str) -> None:
    """An image that breaks one promise fails `make images` with that promise alone."""
    assert [*images.faults(SOUND | change, added)] == [fault]


@pytest.mark.parametrize("service", images.SERVICES, ids=lambda service: service.name)
def test_the_base_is_the_one_of_the_dockerfile(service: images.Service) -> None:
    """What an image adds is counted from what it was really built on."""
    assert f"ARG RUN_IMAGE={images.default_base(ROOT / service.dockerfile)}\n" in (
        ROOT / service.dockerfile
    ).read_text("utf-8")


def test_files_are_counted_without_mounts(tmp_path: Path) -> None:
    """Each with its size; /proc below the root is another file system."""
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "four").write_bytes(b"1234")
    assert dict(inside.files(str(tmp_path), tmp_path.stat().st_dev)) == {f"{tmp_path}/below/four": 4}
    assert all(Path(path).parent == Path("/proc") for path, _ in inside.files("/proc", os.lstat("/").st_dev))


def test_byte_code_that_goes_by_time_or_is_missing_is_found(tmp_path: Path) -> None:
    """Only what is by hash and unchecked is used whatever a builder did to the times of files."""
    modes = {
        "by_time": py_compile.PycInvalidationMode.TIMESTAMP,
        "checked": py_compile.PycInvalidationMode.CHECKED_HASH,
        "good": py_compile.PycInvalidationMode.UNCHECKED_HASH,
    }
    for name in (*modes, "missing"):
        (tmp_path / f"{name}.py").write_text("x = 1\n", encoding="utf-8")
    for name, mode in modes.items():
        py_compile.compile(str(tmp_path / f"{name}.py"), invalidation_mode=mode)
    assert {Path(path).stem for path in inside.unusable(tmp_path)} == {"by_time", "checked", "missing"}


def test_a_module_is_found_or_not() -> None:
    """Whether or not its parent is there."""
    assert inside.is_there("json.decoder")
    assert not inside.is_there("json.absent")
    assert not inside.is_there("absent.module")
