"""What the Dockerfiles build: read, since nothing here can build them."""

from __future__ import annotations

import importlib.util
import json
import re
from fnmatch import fnmatch

import pytest

from tests.deploy.rendering import ROOT

SERVICES = {"webhook": "actgate_webhook", "operator": "actgate_operator"}


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


@pytest.mark.parametrize("service", SERVICES)
def test_one_stage_builds_and_one_runs(service: str) -> None:
    """What runs was copied from what built, and ran nothing of its own."""
    build, run = stages(service)
    assert build[0][1].endswith(" AS build")
    assert {"RUN"} <= {word for word, _ in build}
    assert {word for word, _ in run} == {"FROM", "COPY", "ENV", "USER", "EXPOSE", "ENTRYPOINT"}
    assert [rest for word, rest in run if word == "COPY"] == ["--from=build /opt/actgate /opt/actgate"]


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
            assert isinstance(json.loads(rest), list)


@pytest.mark.parametrize(("service", "module"), SERVICES.items())
def test_it_starts_the_service_with_what_it_needs(service: str, module: str) -> None:
    """The module exists, and its extra is installed; traces then take an endpoint and nothing else."""
    ((_, entry),) = (item for item in instructions(service) if item[0] == "ENTRYPOINT")
    assert json.loads(entry) == ["python3", "-m", module]
    assert importlib.util.find_spec(f"{module}.__main__") is not None
    ((_, step),) = (item for item in instructions(service) if item[0] == "RUN")
    assert json.loads(step)[-1] == f"/src[{service},tracing]"


@pytest.mark.parametrize("service", SERVICES)
def test_everything_that_is_copied_is_sent(service: str) -> None:
    """.dockerignore holds nothing back that a build copies from the checkout."""
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    sent = {line[1:] for line in ignore if line.startswith("!")}
    copied = [path for word, rest in stages(service)[0] if word == "COPY" for path in rest.split()[:-1]]
    assert "*" in ignore
    for path in copied:
        assert (ROOT / path).exists()
        assert any(fnmatch(path, pattern) for pattern in sent), path
