"""The locks: current, complete, and free of addresses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tools.conftest import ROOT
from tools import lock

FILES = sorted((ROOT / "requirements").iterdir())


def replaced(path: Path, old: str, new: str) -> None:
    """Change one place of a file."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def check(checkout: Path) -> int:
    """Run the check of `make lint` on a checkout."""
    return lock.main(["--root", str(checkout), "--check"])


def test_the_locks_are_current() -> None:
    """They were made from this pyproject.toml, and none is left over from another list of locks."""
    lock.check(ROOT)
    assert [path.stem for path in FILES] == sorted(item.name for item in lock.LOCKS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"pydantic>=', '"pydantic>=0.'),
        ('requires = ["hatchling>=', 'requires = ["hatchling>=0.'),
        ('requires-python = ">=3.11"', 'requires-python = ">=3.12"'),
        ('"kopf>=', '"kopf-fork>='),
        ('lock = ["uv>=', 'lock = ["uv>=0.'),
    ],
    ids=["a bound", "the build backend", "the Python", "an extra", "the tool itself"],
)
def test_a_changed_dependency_makes_the_locks_stale(
    checkout: Path, old: str, new: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever pyproject.toml asks for, a lock that was made before it asked is refused, by name."""
    assert check(checkout) == 0
    replaced(checkout / "pyproject.toml", old, new)
    assert check(checkout) == 1
    error = capsys.readouterr().err
    assert "requirements/dev.txt" in error
    assert "make lock" in error


def test_another_change_of_pyproject_leaves_the_locks_alone(checkout: Path) -> None:
    """A new line length is no new dependency."""
    replaced(checkout / "pyproject.toml", "line-length = 110", "line-length = 100")
    assert check(checkout) == 0


def test_a_lock_that_was_edited_is_stale(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pin that was changed by hand, or came out of a merge, was never resolved."""
    replaced(checkout / "requirements" / "operator.txt", "kopf==1.", "kopf==2.")
    assert check(checkout) == 1
    assert capsys.readouterr().err.startswith("error: requirements/operator.txt: ")


def test_a_lock_that_is_missing_is_stale(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A lock is never skipped in silence."""
    (checkout / "requirements" / "webhook.txt").unlink()
    assert check(checkout) == 1
    assert capsys.readouterr().err.startswith("error: requirements/webhook.txt: ")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_pin_has_a_hash_and_no_address(path: Path) -> None:
    """Whatever index pip gets a file from, it can hold it against a hash."""
    text = path.read_text("utf-8")
    pins = re.findall(
        r"^([a-z0-9][a-z0-9.-]*)==\S+(?: ; .+)? \\\n((?: +--hash=sha256:[0-9a-f]{64}.*\n)+)",
        text,
        re.MULTILINE,
    )
    assert len(pins) == len(re.findall(r"^[^\s#-]", text, re.MULTILINE)) > 0
    assert "://" not in text
    assert "--only-binary :all:" in text


@pytest.mark.parametrize("service", ["webhook", "operator"])
def test_an_image_holds_the_versions_that_were_tested(service: str) -> None:
    """Each pin of a service stands in the lock that the tests run with."""
    assert pins(ROOT / "requirements" / f"{service}.txt") <= pins(ROOT / "requirements" / "dev.txt")


def pins(path: Path) -> set[str]:
    """Return each pinned version of a lock."""
    return set(re.findall(r"^[a-z0-9][a-z0-9.-]*==[^\s;]+", path.read_text("utf-8"), re.MULTILINE))
