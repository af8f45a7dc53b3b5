"""Which builder is taken, and how each starts an image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools import builders, images
from tools.builders import Container, ImagesError


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder of the search path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(folder: Path, name: str, script: str = "exit 0") -> None:
    """Install a shell script."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


@pytest.mark.usefixtures("programs")
def test_no_builder_is_said_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """`make images` fails without a trace where nothing can build."""
    assert images.main([]) == 1
    assert capsys.readouterr().err == "error: images need docker or podman or buildah, and none works here\n"


def test_a_client_without_its_daemon_is_passed_over(programs: Path) -> None:
    """Docker's client is often there where its daemon is not."""
    program(programs, "docker", "exit 1")
    with pytest.raises(ImagesError, match=r"\(docker is installed, but does not answer\)"):
        builders.find()
    program(programs, "podman")
    assert builders.find().program == "podman"
    with pytest.raises(ImagesError, match="images need docker, and none works here"):
        builders.find("docker")


def test_buildah_needs_an_oci_runtime(programs: Path) -> None:
    """It builds alone, but an image that was not started is not examined."""
    program(programs, "buildah")
    with pytest.raises(ImagesError, match="crun or runc is needed"):
        builders.find()
    program(programs, "runc")
    assert builders.find().runs_with == "runc from what buildah mounts"


def test_docker_gets_what_a_pod_would_have(programs: Path) -> None:
    """User, read-only root, no capability, no new privileges, and /tmp alone to write to."""
    program(programs, "docker")
    with builders.find().container("image", "name", {"/from": "/to"}) as container:
        command = container.command(["--port=1"])
    assert command[:2] == ["docker", "run"]
    assert {
        "--user=65534:65534", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges",
        "--tmpfs=/tmp:size=16m,mode=1777", "--volume=/from:/to:ro,z",
    } <= set(command)  # fmt: skip
    assert command[-2:] == ["image", "--port=1"]


def test_a_runtime_gets_what_a_pod_would_have(programs: Path) -> None:
    """The same in the words of the OCI specification; entry point and environment are the image's."""
    program(programs, "runc")
    config = {"OCIv1": {"config": {"Entrypoint": ["python3", "-m", "service"], "Env": ["PYTHONPATH=/opt"]}}}
    program(
        programs, "buildah", f"case $1 in mount) echo /mounted;; inspect) echo '{json.dumps(config)}';; esac"
    )
    with builders.find().container("image", "name", {"/from": "/to"}) as container:
        specification = bundled(container, "--port=1")
    assert specification["root"] == {"path": "/mounted", "readonly": True}
    assert specification["process"] == {
        "user": {"uid": 65534, "gid": 65534}, "args": ["python3", "-m", "service", "--port=1"],
        "env": ["PYTHONPATH=/opt"], "cwd": "/", "capabilities": {}, "noNewPrivileges": True,
    }  # fmt: skip
    assert specification["mounts"][-1]["options"] == ["rbind", "ro"]
    assert "network" not in {namespace["type"] for namespace in specification["linux"]["namespaces"]}


def bundled(container: Container, *arguments: str) -> dict[str, Any]:
    """Return the specification that a runtime is given."""
    command = container.command(arguments)
    assert command[:3] == ["runc", "run", "--bundle"]
    specification: dict[str, Any] = json.loads(Path(command[3], "config.json").read_text("utf-8"))
    return specification
