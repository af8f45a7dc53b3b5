"""What the Dockerfiles say; what they build is examined by `make images`."""

from __future__ import annotations

import importlib.util
import json
import re
from fnmatch import fnmatch

import pytest

from tests.tools.conftest import ROOT

MOUNTED = "--mount=type=bind,from=build,source=/build,target=/build"
SERVICES = {"webhook": "actgate_webhook", "operator": "actgate_operator", "recorder": "actgate_recorder"}


def instructions(service: str) -> list[tuple[str, str]]:
    """Return instruction and argument of each line of a Dockerfile, continued lines joined."""
    text = (ROOT / service / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return [(word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def stages(service: str) -> list[list[tuple[str, str]]]:
    """Return the instructions of each stage, its FROM first."""
    found: list[list[tuple[str, str]]] = []
    for word, rest in instructions(service):
        if word == "FROM":
            found.append([])
        if found:
            found[-1].append((word, rest))
    return found


def steps(stage: list[tuple[str, str]]) -> list[list[str]]:
    """Return the words of each RUN of a stage; none needs a shell."""
    return [json.loads(rest.removeprefix(MOUNTED)) for word, rest in stage if word == "RUN"]


@pytest.mark.parametrize("service", SERVICES)
def test_one_stage_builds_and_one_runs(service: str) -> None:
    """What runs was copied from what built; it ran nothing but its own Python itself."""
    build, run = stages(service)
    assert build[0][1].endswith(" AS build")
    assert {"RUN"} <= {word for word, _ in build}
    assert {word for word, _ in run} == {"FROM", "RUN", "COPY", "ENV", "USER", "EXPOSE", "ENTRYPOINT"}
    assert [rest for word, rest in run if word == "COPY"] == ["--from=build /opt/actgate /opt/actgate"]
    ((_, step),) = (item for item in run if item[0] == "RUN")
    assert step == f'{MOUNTED} ["python3", "/build/image.py", "interpreter"]'


@pytest.mark.parametrize("service", SERVICES)
def test_each_base_can_be_pinned_by_digest(service: str) -> None:
    """Every FROM is an argument that names a public image with a tag."""
    arguments = dict(rest.split("=", 1) for word, rest in instructions(service) if word == "ARG")
    for stage in stages(service):
        name = re.fullmatch(r"\$\{(\w+)\}( AS build)?", stage[0][1])
        assert name is not None
        assert re.fullmatch(r"docker\.io/library/python:3\.\d+-slim", arguments[name[1]])


@pytest.mark.parametrize("service", SERVICES)
def test_it_runs_by_number_and_without_a_shell(service: str) -> None:
    """Neither the entry point nor a step of the build needs a shell."""
    ((_, user),) = (item for item in stages(service)[-1] if item[0] == "USER")
    assert user == "65534:65534"
    for word, rest in instructions(service):
        if word in ("RUN", "CMD", "ENTRYPOINT"):
            assert isinstance(json.loads(rest.removeprefix(MOUNTED)), list)


@pytest.mark.parametrize(("service", "module"), SERVICES.items())
def test_it_starts_the_service(service: str, module: str) -> None:
    """The module exists, and Python alone starts it."""
    ((_, entry),) = (item for item in instructions(service) if item[0] == "ENTRYPOINT")
    assert json.loads(entry) == ["python3", "-m", module]
    assert importlib.util.find_spec(f"{module}.__main__") is not None


@pytest.mark.parametrize("service", SERVICES)
def test_it_installs_the_lock_of_its_service_and_nothing_else(service: str) -> None:
    """Every file is held against a hash, and no dependency of a dependency slips in beside the lock."""
    install, shape = steps(stages(service)[0])
    assert install[:4] == ["python", "-m", "pip", "install"]
    assert {"--require-hashes", "--no-deps", "--no-compile"} <= set(install)
    assert install[-2:] == ["--requirement", f"/build/{service}.txt"]
    assert shape == ["python", "/build/image.py", "packages", "/opt/actgate"]


@pytest.mark.parametrize(("service", "module"), SERVICES.items())
def test_no_other_code_of_ours_is_copied(service: str, module: str) -> None:
    """Neither the sandbox nor the other service is ever in a build, and so in none of its layers."""
    copied = [rest for word, rest in stages(service)[0] if word == "COPY"]
    assert copied == [
        f"requirements/{service}.txt tools/image.py /build/",
        "LICENSE /opt/actgate/",
        "core/actgate /opt/actgate/actgate",
        f"{service}/{module} /opt/actgate/{module}",
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_everything_that_is_copied_is_sent(service: str) -> None:
    """.dockerignore holds nothing back that a build copies from the checkout."""
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    sent = {line[1:] for line in ignore if line.startswith("!")}
    copied = [path for word, rest in stages(service)[0] if word == "COPY" for path in rest.split()[:-1]]
    assert "*" in ignore
    for path in copied:
        assert (ROOT / path).exists()
        assert any(fnmatch(path, pattern) or path.startswith(f"{pattern}/") for pattern in sent), path
