"""What an image keeps: nothing that no service imports, and all that one does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import grimp
import kubernetes
import pytest

from tests.tools.conftest import ROOT
from tools import image

KUBERNETES: Final = Path(kubernetes.__file__).parent
SERVICES: Final = ("actgate_webhook", "actgate_operator", "actgate_recorder")
UNCHECKED_HASH: Final = (1).to_bytes(4, "little")

IMPORT_ALL: Final = """
import importlib, pkgutil, sys
for package in sys.argv[1:]:
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if not module.name.startswith(("actgate.cli", "actgate.documents", "actgate.pipeline")):
            if not module.name.endswith(".__main__"):
                importlib.import_module(module.name)
print(*sorted(name for name in sys.modules if name.split(".")[0] in ("kubernetes", "websocket", "oauthlib")))
"""


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    """Return who imports whom among our packages, within functions too."""
    return grimp.build_graph("actgate", *SERVICES, cache_dir=None)


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Return a folder as pip and COPY leave it, with one file where LEFT_OUT names something."""
    for name in (*image.LEFT_OUT, "actgate/decision"):
        folder = tmp_path / name.partition("[")[0]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "anything.py").touch()
    (tmp_path / "kubernetes" / "utils" / "_anything.py").touch()
    return tmp_path


def parts() -> set[str]:
    """Return the subpackages of the core that images leave out."""
    return {path.partition("/")[2] for path in image.LEFT_OUT if path.startswith("actgate/")}


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_imports_what_images_leave_out(imports: grimp.ImportGraph, service: str) -> None:
    """Not even within a function: it would fail in the middle of a request."""
    needed = imports.find_upstream_modules(service, as_package=True)
    assert not {name for name in needed if name.split(".")[1:2] and name.split(".")[1] in parts()}


def test_every_other_part_of_the_core_is_imported_by_a_service(imports: grimp.ImportGraph) -> None:
    """A new part of the core that no service runs has to be listed in tools/image.py."""
    needed = {
        name.split(".")[1]
        for service in SERVICES
        for name in imports.find_upstream_modules(service, as_package=True)
        if name.startswith("actgate.")
    }
    present = {path.parent.name for path in (ROOT / "core" / "actgate").glob("*/__init__.py")}
    assert present - needed == parts()


@pytest.mark.parametrize("glob", [glob for glob in image.LEFT_OUT if glob.startswith("kubernetes")])
def test_what_is_left_out_of_kubernetes_is_there(glob: str) -> None:
    """A new release that moves the synchronous client is seen here, not in the middle of a build."""
    assert [*KUBERNETES.parent.glob(glob)]


def test_both_services_run_without_the_synchronous_client(packages: Path) -> None:
    """Every module of theirs can be imported, and neither that client nor what it alone needs is loaded."""
    for path in KUBERNETES.glob("aio/**/*.py"):
        if path.parent.name not in ("api", "models") or path.name == "__init__.py":
            target = packages / path.relative_to(KUBERNETES.parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    shutil.copy(KUBERNETES / "utils" / "quantity.py", packages / "kubernetes" / "utils")
    image.leave_out(packages)
    assert {path.name for path in packages.joinpath("actgate").iterdir()} == {"decision"}
    shutil.rmtree(packages / "actgate")
    done = subprocess.run(  # noqa: S603 - our own modules
        [sys.executable, "-c", IMPORT_ALL, "actgate", "actgate_webhook", "actgate_operator"],
        env={**os.environ, "PYTHONPATH": str(packages)},
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    loaded = set(done.stdout.split())
    assert "kubernetes.aio.config.incluster_config" in loaded
    assert not {name for name in loaded if name.startswith(("kubernetes.client", "websocket", "oauthlib"))}


@pytest.mark.parametrize("gone", ["bin", "kubernetes/informer", "actgate/cli"])
def test_a_list_that_is_out_of_date_ends_the_build(packages: Path, gone: str) -> None:
    """What is to be left out and is not there may be there under another name."""
    shutil.rmtree(packages / gone)
    with pytest.raises(SystemExit, match=f"error: {gone}: there is no such thing to leave out"):
        image.leave_out(packages)


def test_the_interpreter_loses_pip_and_its_copies(tmp_path: Path) -> None:
    """Nothing can be installed where it runs; what else an administrator put beside pip stays."""
    for name in ("lib/ensurepip", "site/pip", "site/pip-26.3.dist-info", "site/setuptools", "site/corporate"):
        (tmp_path / name).mkdir(parents=True)
    scripts = tmp_path / "bin"
    scripts.mkdir()
    for name in ("pip", "pip3.13", "python3"):
        (scripts / name).touch()
    image.leave_out_installers(tmp_path / "lib", tmp_path / "site", scripts)
    left = {path.name for path in tmp_path.glob("*/*")}
    assert left == {"corporate", "python3"}


def test_byte_code_goes_by_hash_and_is_not_compared(tmp_path: Path) -> None:
    """Builders round the times of files: half of the byte code was stale, where nothing can be compiled."""
    for name in ("sound.py", "json/decoder.py", "test/broken.py", "site-packages/other.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("(" if "broken" in name else "x = 1\n", encoding="utf-8")
    image.compile_all(tmp_path, image.NOT_COMPILED)
    compiled = {path.name.partition(".")[0]: path.read_bytes() for path in tmp_path.rglob("*.pyc")}
    assert compiled.keys() == {"sound", "decoder"}
    assert {content[4:8] for content in compiled.values()} == {UNCHECKED_HASH}


def test_a_module_that_does_not_compile_ends_the_build(tmp_path: Path) -> None:
    """It would fail in the cluster."""
    (tmp_path / "broken.py").write_text("(", encoding="utf-8")
    with pytest.raises(SystemExit, match="error: not every module"):
        image.compile_all(tmp_path)
