"""What builds and starts images: docker, podman or buildah, whichever is installed and answers.

Each starts an image as ``deploy/base`` does: as user 65534, on a read-only root file system, without any
capability, with 16 MiB of memory in ``/tmp``; but in the network of this machine, where the sandbox is.
buildah itself starts nothing like that: it mounts the image, and an OCI runtime (crun or runc) runs it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

USER: Final = 65534
NAMES: Final = ("docker", "podman", "buildah")


class ImagesError(Exception):
    """What stands in the way of an image, in one sentence."""


class Container(Protocol):
    """One container of an image, not started yet."""

    def command(self, arguments: Sequence[str], *, entrypoint: str = "") -> list[str]:
        """Return the command that runs it in the foreground; `entrypoint` replaces the image's own."""

    def inside(self, code: str, *arguments: str) -> list[str]:
        """Return the command that runs Python code in it while it runs."""


class Builder(Protocol):
    """Builds images, and starts what it built."""

    @property
    def program(self) -> str:
        """The command that builds."""

    @property
    def runs_with(self) -> str:
        """What starts an image, in words."""

    def container(
        self, image: str, name: str, mounts: Mapping[str, str]
    ) -> AbstractContextManager[Container]:
        """Make a container of an image, with folders of this machine in it, and remove it afterwards."""


def find(wanted: str = "") -> Builder:
    """Return the builder that is wanted, else the first that is installed and answers.

    Raises:
        ImagesError: There is none, or it cannot start what it builds.
    """
    names = [wanted] if wanted else NAMES
    installed = [name for name in names if shutil.which(name)]
    # `info` asks the daemon, where there is one.
    working = next((name for name in installed if _answers([name, "info"])), None)
    if working is None:
        silent = f" ({', '.join(installed)} is installed, but does not answer)" if installed else ""
        raise ImagesError(f"images need {' or '.join(names)}, and none works here{silent}")
    if working != "buildah":
        return Docker(working, working)
    runtime = next((name for name in ("crun", "runc") if shutil.which(name)), None)
    if runtime is None:
        raise ImagesError("buildah builds images, but crun or runc is needed to start them")
    return Buildah(working, f"{runtime} from what buildah mounts", runtime)


def build(
    builder: Builder, dockerfile: Path, tag: str, bases: Mapping[str, str], flags: Sequence[str]
) -> None:
    """Build an image from this folder, and show how it goes.

    Raises:
        ImagesError: The build fails.
    """
    options = [f"--build-arg={name}={value}" for name, value in bases.items()]
    command = [builder.program, "build", "--file", str(dockerfile), "--tag", tag, *options, *flags, "."]
    # Without it, docker before 23 knows no `RUN --mount`; the others do not read it.
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    if subprocess.run(command, check=False, env=environment).returncode != 0:  # noqa: S603 - our arguments
        raise ImagesError(f"{builder.program} could not build {tag}; what went wrong stands above")


def output(command: Sequence[str]) -> str:
    """Return what a command prints.

    Raises:
        ImagesError: It fails.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - see above
    if done.returncode != 0:
        raise ImagesError(f"{' '.join(command[:2])}: {done.stderr.strip()[-2000:]}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Docker:
    """docker, and podman, which takes the same commands."""

    program: str
    runs_with: str

    @contextmanager
    def container(self, image: str, name: str, mounts: Mapping[str, str]) -> Iterator[Container]:
        """Name a container; it is made when its command runs."""
        try:
            yield _DockerContainer(self.program, image, name, mounts)
        finally:
            _attempt([self.program, "rm", "--force", name])


@dataclass(frozen=True, slots=True)
class _DockerContainer:
    program: str
    image: str
    name: str
    mounts: Mapping[str, str]

    def command(self, arguments: Sequence[str], *, entrypoint: str = "") -> list[str]:
        options = ["--rm", "--name", self.name, "--network=host", "--read-only", f"--user={USER}:{USER}"]
        options += ["--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/tmp:size=16m,mode=1777"]
        # z: where SELinux is enforced, the files are labelled for containers.
        options += [f"--volume={source}:{target}:ro,z" for source, target in self.mounts.items()]
        options += [f"--entrypoint={entrypoint}"] if entrypoint else []
        return [self.program, "run", *options, self.image, *arguments]

    def inside(self, code: str, *arguments: str) -> list[str]:
        return [self.program, "exec", self.name, "python3", "-c", code, *arguments]


@dataclass(frozen=True, slots=True)
class Buildah:
    """buildah for building, and an OCI runtime for starting; as root."""

    program: str
    runs_with: str
    runtime: str

    @contextmanager
    def container(self, image: str, name: str, mounts: Mapping[str, str]) -> Iterator[Container]:
        """Mount an image, and make a bundle of it."""
        output([self.program, "from", "--name", name, "--pull-never", image])
        try:
            root = output([self.program, "mount", name]).strip()
            config = json.loads(output([self.program, "inspect", name]))["OCIv1"]["config"]
            with tempfile.TemporaryDirectory(prefix="actgate-bundle-") as bundle:
                yield _Bundle(self.runtime, Path(bundle), root, config, name, mounts)
        finally:
            _attempt([self.runtime, "delete", "--force", name])
            _attempt([self.program, "rm", name])


@dataclass(frozen=True, slots=True)
class _Bundle:
    """A folder with a ``config.json`` of the OCI runtime specification."""

    runtime: str
    folder: Path
    root: str
    config: dict[str, Any]
    name: str
    mounts: Mapping[str, str]

    def command(self, arguments: Sequence[str], *, entrypoint: str = "") -> list[str]:
        words = [*([entrypoint] if entrypoint else self.config["Entrypoint"]), *arguments]
        (self.folder / "config.json").write_text(json.dumps(self._specification(words)), encoding="utf-8")
        return [self.runtime, "run", "--bundle", str(self.folder), self.name]

    def inside(self, code: str, *arguments: str) -> list[str]:
        return [self.runtime, "exec", self.name, "python3", "-c", code, *arguments]

    def _specification(self, words: list[str]) -> dict[str, Any]:
        filesystems = {
            "/proc": ("proc", []),
            "/sys": ("sysfs", ["ro"]),
            "/dev": ("tmpfs", ["mode=755"]),
            "/tmp": ("tmpfs", ["size=16m", "mode=1777"]),  # noqa: S108 - the container's
        }
        mounts = [
            {"destination": path, "type": kind, "source": kind, "options": ["nosuid", *options]}
            for path, (kind, options) in filesystems.items()
        ]
        mounts += [
            {"destination": target, "type": "bind", "source": source, "options": ["rbind", "ro"]}
            for source, target in self.mounts.items()
        ]
        return {
            "ociVersion": "1.0.2",
            "root": {"path": self.root, "readonly": True},
            "process": {
                "user": {"uid": USER, "gid": USER},
                "args": words,
                "env": self.config["Env"],
                "cwd": "/",
                "capabilities": {},
                "noNewPrivileges": True,
            },
            "mounts": mounts,
            # No network namespace: the network of this machine.
            "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")]},
        }


def _answers(command: Sequence[str]) -> bool:
    try:
        return _attempt(command, seconds=30).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _attempt(command: Sequence[str], seconds: float | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, capture_output=True, timeout=seconds, check=False)  # noqa: S603 - see above
