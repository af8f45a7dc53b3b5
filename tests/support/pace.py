"""What keeps both cores busy, and with tests: nothing here changes what is tested."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Final
from zlib import crc32

import pytest

LONG: Final = frozenset({"demo", "docs"})
"""Folders below `tests/` of which a single test runs whole pages of commands."""


def pytest_collection(session: pytest.Session) -> None:
    """Leave garbage until the tests are there: nearly all that is made until then is kept."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mix the modules where workers share them, the longest first.

    At the end none is left that waits for a cluster most of its time, and keeps no core busy. Every worker
    has to come to the same order. Tests of more than one control plane are grouped by it already.
    """
    if not hasattr(config, "workerinput") or config.getoption("--control-plane") == "all":
        return
    waiting = {item.path for item in items if item.get_closest_marker("api_server")}
    places = {
        path: _place(path.relative_to(config.rootpath), path in waiting)
        for path in {item.path for item in items}
    }
    items.sort(key=lambda item: places[item.path])


def _place(module: Path, waits: bool) -> float:
    if module.parts[1] in LONG:
        return 0.0
    return crc32(str(module).encode()) * (0.8 if waits else 1.0)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Look through the modules and the thousands of tests never again."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(10_000, 20, 20)
