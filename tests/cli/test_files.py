"""What a directory holds: everything that could be evidence is read, or said."""

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actgate.cli import files
from actgate.cli.exits import UnusableError
from actgate.cli.sources import read
from tests.cli.support import NOW, actgate, bias, manifest, model, write


def named(*arguments: str | Path) -> tuple[list[str], list[str]]:
    """Return the files that arguments name, and what is said about the rest."""
    sentences: list[str] = []
    return list(files.named(map(str, arguments), sentences)), sentences


@pytest.mark.parametrize("name", ["a.yaml", "a.YAML", "a.Yml", "a.JSON", ".yaml", ".hidden.yaml", "a b.yaml"])
def test_every_spelling_of_an_ending_is_read(tmp_path: Path, name: str) -> None:
    """A refused model in a file of any such name is found: a share of another system writes capitals."""
    write(tmp_path / "x.yaml", manifest(bias=[bias(0.2)]), model()).rename(tmp_path / name)
    assert actgate("check", "-f", str(tmp_path), "--now", NOW).returncode == 1


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    """What has another ending is no manifest, and neither are sockets and links of such names."""
    for name in ("notes.txt", "values.yaml.bak", "yaml", "a.yaml~"):
        (tmp_path / name).write_text("{")
    (tmp_path / "gone.txt").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tmp_path / "agent.sock"))
    (tmp_path / "a.yaml").write_text("a: 1")
    assert named(tmp_path) == ([str(tmp_path / "a.yaml")], [])


def test_linked_folders_and_files_are_followed_once(tmp_path: Path) -> None:
    """Links are read like what they lead to, links back up end, and nothing is read twice."""
    real = tmp_path / "real"
    real.mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    for file in (real / "a.yaml", outside / "b.yaml", tmp_path / "c.txt"):
        file.write_text("a: 1")
    top = tmp_path / "top"
    top.mkdir()
    for name, target in {
        "0": real, "1": real, "up": top, "z": outside, "c.yaml": tmp_path / "c.txt",
    }.items():  # fmt: skip
        (top / name).symlink_to(target)
    found, sentences = named(top)
    assert [os.path.relpath(name, top) for name in found] == ["0/a.yaml", "c.yaml", "z/b.yaml"]
    assert sentences == []


def test_a_file_keeps_the_path_in_which_it_stands(tmp_path: Path) -> None:
    """Where a folder and a link to it are found, the folder's own path is reported."""
    (tmp_path / "stands").mkdir()
    (tmp_path / "stands" / "a.yaml").write_text("a: 1")
    (tmp_path / "a-link").symlink_to("stands")
    assert named(tmp_path) == ([str(tmp_path / "stands/a.yaml")], [])


def test_the_link_farm_of_a_mounted_config_map_is_read(tmp_path: Path) -> None:
    """The kubelet writes files into a folder of the moment, and links to it by way of ``..data``."""
    (tmp_path / "..2026_11_23").mkdir()
    (tmp_path / "..2026_11_23" / "policy.yaml").write_text("a: 1")
    (tmp_path / "..data").symlink_to("..2026_11_23")
    (tmp_path / "policy.yaml").symlink_to("..data/policy.yaml")
    assert len(named(tmp_path)[0]) == 1


@pytest.mark.parametrize("name", ["model.yaml", "models", "model.JSON"])
@pytest.mark.parametrize("target", ["nowhere", "LOOP"])
def test_links_that_lead_nowhere_are_said(tmp_path: Path, name: str, target: str) -> None:
    """A dangling link could have been a manifest, or a folder of them: 2, and never 0 or 3."""
    write(tmp_path / "good.yaml", manifest(), model())
    (tmp_path / name).symlink_to(name if target == "LOOP" else target)
    done = actgate("check", "-f", str(tmp_path), "--now", NOW)
    assert done.returncode == 2
    assert f"{tmp_path / name} " in done.stderr
    assert "Traceback" not in done.stderr


def test_pipes_in_a_directory_are_said(tmp_path: Path) -> None:
    """A pipe of a manifest's name is not waited for, and not skipped."""
    os.mkfifo(tmp_path / "a.yaml")
    _, (sentence,) = named(tmp_path)
    assert "neither a file nor a directory" in sentence


@contextmanager
def without_rights() -> Iterator[None]:
    """Be an account that is not root, for whom a folder without permissions is closed."""
    account = os.geteuid()
    if account == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(account)


@pytest.mark.parametrize("locked", ["inner", "inner/deep", "inner/a.yaml", "."])
def test_what_may_not_be_read_is_said(locked: str) -> None:
    """A folder or a file without the right to read it gets a sentence with its name."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        (top / "inner" / "deep").mkdir(parents=True)
        for file in (top / "good.yaml", top / "inner" / "a.yaml", top / "inner" / "deep" / "b.yaml"):
            file.write_text("a: 1")
        top.chmod(0o755)
        assert len(read([name])) == 3  # With this, everything is imported that the account could not read.
        (top / locked).chmod(0)
        try:
            with without_rights(), pytest.raises(UnusableError) as raised:
                read([name])
        finally:
            (top / locked).chmod(0o755)
    (sentence,) = raised.value.sentences
    assert str(top / locked).rstrip("/.") in sentence
    assert "Permission denied" in sentence


@pytest.mark.parametrize("argument", ["a" * 5000, "a/" * 3000, "file.yaml/below"])
def test_names_that_no_file_can_have_get_a_sentence(tmp_path: Path, argument: str) -> None:
    """The file system's refusal of a name is reported like any other."""
    (tmp_path / "file.yaml").write_text("a: 1")
    done = actgate("check", "-f", argument, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
