"""What the Dockerfiles build: read, since nothing here can build them."""

from __future__ import annotations

import importlib.util
import json
import re
from fnmatch import fnmatch
from pathlib import Path

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


def steps(stage: list[tuple[str, str]]) -> list[list[str]]:
    """Return the words of each RUN of a stage; none needs a shell."""
    return [json.loads(rest) for word, rest in stage if word == "RUN"]


@pytest.mark.parametrize("service", SERVICES)
def test_one_stage_builds_and_one_runs(service: str) -> None:
    """What runs was copied from what built; it ran nothing but its own Python itself."""
    build, run = stages(service)
    assert build[0][1].endswith(" AS build")
    assert {"RUN"} <= {word for word, _ in build}
    assert {word for word, _ in run} == {"FROM", "RUN", "COPY", "ENV", "USER", "EXPOSE", "ENTRYPOINT"}
    assert [rest for word, rest in run if word == "COPY"] == ["--from=build /opt/actgate /opt/actgate"]
    (step,) = steps(run)
    assert step[:2] == ["python3", "-c"]


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
    install, *_ = steps(stages(service)[0])
    assert install[-1] == f"/src[{service},tracing]"


@pytest.mark.parametrize("service", SERVICES)
def test_what_the_service_never_imports_is_left_out(service: str) -> None:
    """The sandbox, the other service, and the scripts of libraries; a name that is gone fails the build."""
    removed = next(step for step in steps(stages(service)[0]) if step[0] == "rm")
    other = {SERVICES[name] for name in SERVICES if name != service}
    assert removed[1] == "-r"
    assert {path.rpartition("/")[2] for path in removed[2:]} == {"actgate_sandbox", "bin", *other}


@pytest.mark.parametrize("service", SERVICES)
def test_byte_code_goes_by_hash(service: str) -> None:
    """Builders round the times of files, and nothing can be compiled where it runs: half of it was stale."""
    install, *rest = steps(stages(service)[0])
    assert "--no-compile" in install
    assert "--compile" not in install
    assert rest[-1] == [
        "python", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "/opt/actgate",
    ]  # fmt: skip


@pytest.mark.parametrize("service", SERVICES)
def test_the_standard_library_is_compiled_too(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hash, wherever it is, but for what no service imports; what does not compile ends the build."""
    ((_, _, code),) = steps(stages(service)[-1])
    for name in ("sound.py", "json/decoder.py", "test/broken.py", "site-packages/other.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("(" if "broken" in name else "x = 1\n", encoding="utf-8")
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path) if name == "stdlib" else None)
    assert ended(code) == 0
    compiled = {path.name.partition(".")[0]: path.read_bytes() for path in tmp_path.rglob("*.pyc")}
    assert compiled.keys() == {"sound", "decoder"}
    hashed_and_not_checked = (1).to_bytes(4, "little")
    assert {content[4:8] for content in compiled.values()} == {hashed_and_not_checked}
    (tmp_path / "broken.py").write_text("(", encoding="utf-8")
    assert ended(code) == 1


def ended(code: str) -> object:
    """Run a step, and return its exit code."""
    with pytest.raises(SystemExit) as ended_by:
        exec(code, {})  # noqa: S102 - our own
    return int(ended_by.value.code or 0)


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
