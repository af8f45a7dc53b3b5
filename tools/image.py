"""What an image keeps of the packages and of the interpreter that it is built from: no more than runs.

Run within a build, by each Dockerfile, with nothing but the standard library:

* ``image.py packages FOLDER``: leave out of an installed folder what no service runs, and compile the rest;
* ``image.py interpreter``: leave pip out of the interpreter that runs this, and compile its standard library.

Byte code goes by hash and is never compared with its source: builders round the times of files that they
copy, byte code that goes by time is then not used, and nothing can be compiled where the root is read-only.
"""

import compileall
import re
import shutil
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Final

LEFT_OUT: Final = (
    # Ours: what people and pipelines run, never a service.
    "actgate/cli",
    "actgate/documents",
    "actgate/pipeline",
    # Commands of libraries.
    "bin",
    # The synchronous Kubernetes client, and the classes that are generated for each kind: we use paths.
    "kubernetes/client",
    "kubernetes/config",
    "kubernetes/dynamic",
    "kubernetes/informer",
    "kubernetes/leaderelection",
    "kubernetes/stream",
    "kubernetes/watch",
    "kubernetes/utils/[!q_]*",  # all but quantity.py
    "kubernetes/utils/_[!_]*",
    "kubernetes/aio/client/api/[!_]*",
    "kubernetes/aio/client/models/[!_]*",
)
"""Globs in the folder of packages. One that matches nothing ends the build: it is out of date."""

EMPTIED: Final = ("kubernetes/__init__.py", "kubernetes/utils/__init__.py")
"""What would import the synchronous client beside the asynchronous one."""

INSTALLERS: Final = ("pip", "setuptools", "wheel", "pkg_resources", "_distutils_hack")

NOT_COMPILED: Final = re.compile(r"/(site-packages|dist-packages|tests?|idlelib|lib2to3|turtledemo)/")


def main() -> None:
    """Do what the command line says."""
    match sys.argv[1:]:
        case ["packages", folder]:
            leave_out(Path(folder))
            compile_all(Path(folder))
        case ["interpreter"]:
            leave_out_installers(*map(Path, map(sysconfig.get_path, ("stdlib", "purelib", "scripts"))))
            compile_all(Path(sysconfig.get_path("stdlib")), NOT_COMPILED)
        case _:
            sys.exit(__doc__)


def leave_out(folder: Path) -> None:
    """Remove what LEFT_OUT lists from a folder of packages, and write EMPTIED anew."""
    cluster = (folder / "kubernetes").exists()
    for glob in LEFT_OUT:
        if glob.startswith("kubernetes/") and not cluster:
            continue  # The recorder's image has no client of the API server.
        remove(list(folder.glob(glob)) or sys.exit(f"error: {glob}: there is no such thing to leave out"))
    for name in EMPTIED if cluster else ():
        (folder / name).write_text('"""Emptied: tools/image.py leaves out what this would import."""\n')


def leave_out_installers(stdlib: Path, packages: Path, scripts: Path) -> None:
    """Remove pip and its like, and the copies of them in the standard library."""
    remove(path for name in INSTALLERS for path in packages.glob(f"{name}*"))
    remove(path for name in INSTALLERS for path in scripts.glob(f"{name}*"))
    remove([stdlib / "ensurepip"])


def remove(paths: Iterable[Path]) -> None:
    """Remove files, and folders with all that they hold."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def compile_all(folder: Path, but: re.Pattern[str] | None = None) -> None:
    """Compile every module of a folder; one that does not compile ends the build."""
    mode = PycInvalidationMode.UNCHECKED_HASH
    if not compileall.compile_dir(folder, quiet=1, force=True, rx=but, invalidation_mode=mode):
        sys.exit(f"error: not every module of {folder} can be compiled")


if __name__ == "__main__":
    main()
