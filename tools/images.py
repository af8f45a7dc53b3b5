"""Builds the images, starts each as a cluster would, and says what it holds and takes: ``make images``.

Each is built from its lock, then started until it is ready: webhook and operator against the stand-in
API server of the sandbox, the recorder before a model that is not there yet.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from actgate_sandbox import control_plane
from actgate_sandbox.errors import SandboxError
from actgate_sandbox.pki import Authority
from actgate_sandbox.rest import install_crds
from demo.gate import read_definitions
from demo.service import free_port, operator_process, webhook_process
from tools import builders
from tools.builders import USER, Builder, Container, ImagesError, output
from tools.image import LEFT_OUT

MOST_MEGABYTES: Final = 200.0
"""More than this an image may not add to its base."""

MOST_CPU_SECONDS: Final = 2.0
"""More CPU time than this a service may not take until it is ready."""

STARTS: Final = 3
"""A busy machine charges more CPU time for the same work: the least of so many starts counts."""

READY_SECONDS: Final = 120.0
STOP_SECONDS: Final = 40.0

CONFIGURATION: Final = Path("/etc/actgate")
"""Where the container finds its kubeconfig and certificate."""

INSIDE: Final = (Path(__file__).parent / "inside.py").read_text("utf-8")


@dataclass(frozen=True, slots=True)
class Service:
    """How one service is started and asked, and which modules its image must not hold."""

    name: str
    scheme: str
    arguments: Callable[[int], list[str]]
    """Its flags, for the port that it answers on."""
    absent: tuple[str, ...]

    @property
    def tag(self) -> str:
        """The name of the image."""
        return f"actgate-{self.name}"

    @property
    def dockerfile(self) -> Path:
        """What it is built from."""
        return Path(self.name) / "Dockerfile"


_LEFT_OUT: Final = tuple(path.replace("/", ".") for path in LEFT_OUT if re.fullmatch(r"[a-z/]+/[a-z]+", path))
_TOOLS: Final = (
    "actgate_sandbox",
    "demo",
    "tests",
    "bench",
    "tools",
    "pip",
    "ensurepip",
    "hatchling",
    "pytest",
    "rich",
)


def _webhook_arguments(port: int) -> list[str]:
    pair = CONFIGURATION / "tls.crt", CONFIGURATION / "tls.key"
    return webhook_process.arguments(CONFIGURATION / "kubeconfig", port, *pair)


def _operator_arguments(port: int) -> list[str]:
    return operator_process.arguments(CONFIGURATION / "kubeconfig", port)


def _recorder_arguments(port: int) -> list[str]:
    # Its log is on a volume of its own in a cluster, and here in the memory of /tmp.
    return ["--port=0", f"--health-port={port}", "--log-dir=/tmp/log", "--log-name=images"]


SERVICES: Final = (
    Service(
        "webhook",
        "https",
        _webhook_arguments,
        ("actgate_operator", "actgate_recorder", "kopf", *_LEFT_OUT, *_TOOLS),
    ),
    Service(
        "operator",
        "http",
        _operator_arguments,
        ("actgate_webhook", "actgate_recorder", "fastapi", "uvicorn", *_LEFT_OUT, *_TOOLS),
    ),
    Service(
        "recorder",
        "http",
        _recorder_arguments,
        (
            "actgate_webhook",
            "actgate_operator",
            "fastapi",
            "kopf",
            "kubernetes",
            "uvicorn",
            *_LEFT_OUT,
            *_TOOLS,
        ),
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build and start the images; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.images", description=__doc__)
    parser.add_argument("--builder", default="", help="docker, podman or buildah (default: what works)")
    parser.add_argument("--build-flags", default="", help="more flags for the build, such as --network=host")
    parser.add_argument("--build-image", default="", help="the base to build on (default: the Dockerfile's)")
    parser.add_argument("--run-image", default="", help="the base to run on (default: the Dockerfile's)")
    options = parser.parse_args(arguments)
    bases = {"BUILD_IMAGE": options.build_image, "RUN_IMAGE": options.run_image}
    bases = {name: value for name, value in bases.items() if value}
    try:
        builder = builders.find(options.builder)
        for service in SERVICES:
            builders.build(builder, service.dockerfile, service.tag, bases, shlex.split(options.build_flags))
        with control_plane.start("stand-in") as plane:
            install_crds(plane.rest(), read_definitions(Path()))
            for service in SERVICES:
                base = bases.get("RUN_IMAGE") or default_base(service.dockerfile)
                print(examined(builder, service, base, plane.kubeconfig), flush=True)
    except (ImagesError, SandboxError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def default_base(dockerfile: Path) -> str:
    """Return the base that a Dockerfile runs on where none is named."""
    start = "ARG RUN_IMAGE="
    lines = dockerfile.read_text("utf-8").splitlines()
    return next(line.removeprefix(start) for line in lines if line.startswith(start))


def examined(builder: Builder, service: Service, base: str, kubeconfig: Path) -> str:
    """Start an image, hold it to what it promises, and return that in a sentence.

    Raises:
        ImagesError: It does not become ready, holds what it should not, or takes too much.
    """
    below = files(builder, base)
    # What an image removes of its base, or replaces, is stored all the same.
    added = sum(size for path, size in files(builder, service.tag).items() if below.get(path) != size) / 1e6
    starts = [started(builder, service, kubeconfig) for _ in range(STARTS)]
    found = min(starts, key=lambda start: start["cpu"])
    if broken := [*faults(found, added)]:
        raise ImagesError(f"{service.tag} {'; '.join(broken)}")
    return (
        f"{service.tag}: {added:.0f} MB over {base}; ready after {found['cpu']:.2f} CPU seconds, with "
        f"{found['memory']:.0f} MiB; started by {builder.runs_with}, as user {USER}, on a read-only root, "
        f"without capabilities; every module has byte code; holds none of {', '.join(service.absent)}"
    )


def faults(found: dict[str, Any], added: float) -> Iterator[str]:
    """Yield each promise that an image breaks: what is seen inside, and the MB that it adds to its base."""
    if found["user"] != f"{USER}:{USER}":
        yield f"runs as {found['user']}"
    if found["capabilities"]:
        yield "has capabilities"
    if not found["readonly"]:
        yield "can write its root file system"
    if found["present"]:
        yield f"holds {', '.join(found['present'])}"
    if found["unusable"]:
        yield f"has no byte code by hash for {', '.join(found['unusable'][:5])}"
    if added > MOST_MEGABYTES:
        yield f"adds {added:.0f} MB to its base, more than {MOST_MEGABYTES:.0f}"
    if found["cpu"] > MOST_CPU_SECONDS:
        yield f"took {found['cpu']:.2f} CPU seconds to be ready, more than {MOST_CPU_SECONDS:.0f}"


def files(builder: Builder, image: str) -> dict[str, int]:
    """Return the size of each file of an image in bytes, by its path."""
    with builder.container(image, f"actgate-files-{os.getpid()}", {}) as container:
        listed: dict[str, int] = json.loads(
            output(container.command(["-c", INSIDE, "files"], entrypoint="python3"))
        )
        return listed


def started(builder: Builder, service: Service, kubeconfig: Path) -> dict[str, Any]:
    """Start an image, wait until it is ready, and return what is seen from inside."""
    port, name = free_port(), f"{service.tag}-{os.getpid()}"
    with (
        configuration(kubeconfig) as (folder, authority),
        builder.container(service.tag, name, {str(folder): str(CONFIGURATION)}) as container,
        running(container, service.arguments(port)) as process,
    ):
        wait_until_ready(f"{service.scheme}://127.0.0.1:{port}/readyz", authority, process)
        found: dict[str, Any] = json.loads(output(container.inside(INSIDE, "look", *service.absent)))
        return found


@contextmanager
def configuration(kubeconfig: Path) -> Iterator[tuple[Path, Authority]]:
    """Yield a folder with a kubeconfig and a certificate: read in a container, and by no other user."""
    authority = Authority("actgate images")
    pair = authority.server()
    contents = {"kubeconfig": kubeconfig.read_bytes(), "tls.crt": pair.certificate, "tls.key": pair.key}
    with tempfile.TemporaryDirectory(prefix="actgate-images-") as directory:
        # The folder above is ours alone.
        folder = Path(directory) / "mounted"
        folder.mkdir()
        for name, content in contents.items():
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o444)
        yield folder, authority


@contextmanager
def running(container: Container, arguments: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a container until the block ends; an error within it gets what the container wrote."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603 - a builder, our arguments
            container.command(arguments), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            yield process
        except ImagesError as error:
            log.seek(0)
            raise ImagesError(f"{error}\n{log.read().decode(errors='replace')[-2000:]}") from None
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until_ready(url: str, authority: Authority, process: subprocess.Popen[bytes]) -> None:
    """Return when a page answers 200.

    Raises:
        ImagesError: The process ends, or it takes too long.
    """
    context = ssl.create_default_context(cadata=authority.certificate.decode())
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ImagesError(f"{url}: its process ended with exit code {process.returncode}:")
        try:
            with urllib.request.urlopen(url, timeout=5, context=context):  # noqa: S310 - on loopback
                return
        except OSError:
            time.sleep(0.1)
    raise ImagesError(f"{url}: not ready within {READY_SECONDS:.0f} s:")


if __name__ == "__main__":
    sys.exit(main())
