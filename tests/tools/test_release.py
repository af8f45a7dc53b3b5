"""What a release is made of; ``make release`` itself builds, installs and tries it."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from actgate.cli.main import main
from tests.tools.conftest import ROOT
from tools.release import __main__ as release
from tools.release import bom, commit, distributions, hooks, quick_start
from tools.release.commands import ReleaseError, run

SECONDS = 1_700_000_000
LOCK = """\
# Made by `make lock` from pyproject.toml
--only-binary :all:

colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:00
cffi==2.1.1 ; platform_python_implementation != 'PyPy' \\
    --hash=sha256:00 \\
    --hash=sha256:11
tomli==2.0.1 ; python_full_version < '3.13' \\
    --hash=sha256:00
uvloop==0.23.0 \\
    --hash=sha256:00
"""


@pytest.mark.parametrize("service", bom.SERVICES)
def test_the_bill_of_an_image_lists_every_pin_of_its_lock(service: str) -> None:
    """As valid CycloneDX, by names that vulnerability databases know."""
    text = JsonV1Dot6(bom.of_image(ROOT, service, "1.2.3", SECONDS)).output_as_string()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found = json.loads(text)
    lock = (ROOT / "requirements" / f"{service}.txt").read_text("utf-8")
    wanted = {
        f"pkg:pypi/{pin.replace('==', '@')}" for pin in re.findall(r"^[a-z0-9][^\s;]+", lock, re.MULTILINE)
    }
    assert {item["purl"] for item in found["components"]} == {"pkg:pypi/actgate@1.2.3", *wanted}
    (whole,) = [item for item in found["dependencies"] if item["ref"] == f"actgate-{service}@1.2.3"]
    assert set(whole["dependsOn"]) == {item["bom-ref"] for item in found["components"]}
    assert found["metadata"]["component"]["name"] == f"actgate-{service}"


def test_a_bill_has_the_same_bytes_for_the_same_commit(tmp_path: Path) -> None:
    """The moment in it is the commit's, and its serial number comes from the lock."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = (bom.write(ROOT, tmp_path / name, "1.2.3", SECONDS) for name in ("one", "two"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert '"timestamp": "2023-11-14T22:13:20+00:00"' in one[0].read_text("utf-8")


def test_a_bill_lists_what_the_image_installs_and_not_what_other_platforms_would() -> None:
    """A scanner must not report a package for Windows in an image of Linux."""
    assert [*bom.pins(LOCK, "3.13")] == [("cffi", "2.1.1"), ("uvloop", "0.23.0")]
    assert [name for name, _ in bom.pins(LOCK, "3.12")] == ["cffi", "tomli", "uvloop"]


def test_a_dockerfile_that_names_no_python_ends_the_release() -> None:
    """What a marker means depends on it, and a guess could leave a package out."""
    with pytest.raises(ReleaseError, match="no longer names its Python"):
        bom.python_of("ARG RUN_IMAGE=registry.example/base:latest\n")


def test_the_wheel_holds_the_packages_of_pyproject_and_nothing_else(tmp_path: Path) -> None:
    """A sandbox, tests or a demo in a wheel would be code in production that was not reviewed for it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {Path(package).name for package in packages} == distributions.PACKAGES
    wheel = tmp_path / "actgate-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in (
            "actgate/py.typed",
            "actgate-1.2.3.dist-info/METADATA",
            "tests/test_x.py",
            "demo/run.py",
        ):
            archive.writestr(name, "")
        assert distributions.strange(archive.namelist()) == ["demo", "tests"]


def test_builds_that_differ_are_no_release(tmp_path: Path) -> None:
    """Otherwise a user could not check that what is published was made of the commit."""
    builds = []
    for name, content in (("one", b"same"), ("two", b"same"), ("three", b"other")):
        (tmp_path / name).mkdir()
        files = tmp_path / name / "actgate-1.whl", tmp_path / name / "actgate-1.tar.gz"
        files[0].write_bytes(b"wheel")
        files[1].write_bytes(content)
        builds.append(distributions.Distributions(*files))
    distributions.require_same(builds[0], builds[1])
    with pytest.raises(ReleaseError, match=r"^actgate-1\.tar\.gz is not reproducible"):
        distributions.require_same(builds[0], builds[2])


def test_what_is_not_committed_is_not_released(tmp_path: Path) -> None:
    """A file beside the commit was in the tests, and would not be in the release; or the other way round."""
    identity = ["-c", "user.name=tests", "-c", "user.email=tests@example.org"]
    run(["git", "init", "--quiet"], tmp_path)
    (tmp_path / "file").write_text("committed\n", encoding="utf-8")
    run(["git", "add", "file"], tmp_path)
    run(["git", *identity, "commit", "--quiet", "-m", "one"], tmp_path)
    (exported,) = commit.of_checkout(tmp_path).export(tmp_path.parent / "exported").iterdir()
    assert exported.read_text("utf-8") == "committed\n"
    (tmp_path / "file").write_text("changed\n", encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"^file is not what git has of it"):
        commit.of_checkout(tmp_path)


def test_the_steps_before_an_api_server_are_run() -> None:
    """Evidence is written and judged with what `pip install actgate` brings; installing is no such step."""
    commands = [step.text for step in quick_start.steps(ROOT / quick_start.PAGE)]
    assert any(command.startswith("python examples/pipeline/") for command in commands)
    assert sum(command.startswith("actgate check ") for command in commands) > 1
    assert not any("kubectl" in command or "pip install" in command for command in commands)


def test_checksums_are_what_sha256sum_reads(tmp_path: Path) -> None:
    """By names without folders, so that they hold wherever the files are."""
    for name in ("b", "a"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    (tmp_path / "SHA256SUMS").write_text(
        release.checksums([tmp_path / "b", tmp_path / "a"]), encoding="utf-8"
    )
    done = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"],  # noqa: S607 - of coreutils
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "a: OK\nb: OK\n")


@pytest.mark.parametrize(
    ("files", "code"), [(hooks.ACCEPTED, 0), (hooks.REFUSED, 1)], ids=["accepted", "refused"]
)
def test_a_hook_does_what_its_entry_says(
    files: dict[str, str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its own arguments, and the changed files after them, as pre-commit calls it."""
    for name, example in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / example).read_bytes())
    monkeypatch.chdir(tmp_path)
    offered = {hook["id"]: hook for hook in yaml.safe_load((ROOT / hooks.FILE).read_text("utf-8"))}
    (configured,) = yaml.safe_load(hooks.CONFIGURATION)["repos"]
    check, each = ({**offered[hook["id"]], **hook} for hook in configured["hooks"])
    changed = [name for name in files if re.search(each["files"], name)]
    assert changed == ["model_compliance_manifest.json"]
    for hook, names in ((check, []), (each, changed)):
        program, *arguments = hook["entry"].split()
        assert program == "actgate"
        assert main([*arguments, *hook["args"], *names]) == code, hook["id"]
