"""What ``tools/images.py`` asks of an image from inside: its text is run there, with the image's own Python.

* ``files``: the size of each file of the root file system by its path, mounts left out.
* ``look MODULE...``: what process 1 took so far and may do, which of the modules can be imported, and
  which modules have no byte code that goes by hash.
"""

import importlib.util
import json
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

NOT_COMPILED = {"site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "turtledemo"}
"""Folders of the standard library that ``tools/image.py`` does not compile."""


def files(folder: str, device: int) -> Iterator[tuple[str, int]]:
    """Yield path and size of each file below a folder that is on the same file system.

    A folder of the base that only root may read is passed over: the service reads none of it either.
    """
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if Path(at, name).lstat().st_dev == device]
        for name in names:
            yield f"{at}/{name}", Path(at, name).lstat().st_size


def look(modules: list[str]) -> dict[str, object]:
    """Return what is to be seen of process 1 and of the image."""
    lines = Path("/proc/1/status").read_text().splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    times = Path("/proc/1/stat").read_text().rpartition(")")[2].split()
    return {
        "cpu": (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK"),
        "memory": int(status["VmRSS"].split()[0]) / 1024,
        "user": f"{status['Uid'].split()[0]}:{status['Gid'].split()[0]}",
        "capabilities": int(status["CapEff"], 16),
        "readonly": bool(os.statvfs("/").f_flag & os.ST_RDONLY),
        "present": [name for name in modules if is_there(name)],
        "unusable": [
            *unusable(Path(os.environ["PYTHONPATH"])),
            *unusable(Path(sysconfig.get_path("stdlib"))),
        ],
    }


def is_there(module: str) -> bool:
    """Return whether a module can be found."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def unusable(folder: Path) -> Iterator[str]:
    """Yield each source below a folder whose byte code is missing, or goes by time."""
    for source in folder.rglob("*.py"):
        if not NOT_COMPILED & set(source.relative_to(folder).parts):
            cached = Path(importlib.util.cache_from_source(str(source)))
            if not cached.exists() or cached.read_bytes()[4:8] != (1).to_bytes(4, "little"):
                yield str(source)


if __name__ == "__main__":
    print(
        json.dumps(dict(files("/", os.lstat("/").st_dev)) if sys.argv[1] == "files" else look(sys.argv[2:]))
    )
