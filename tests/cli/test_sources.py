from pathlib import Path

import pytest

from actgate.cli.exits import UnusableError
from actgate.cli.sources import read, read_one


def test_directories_are_searched_in_sorted_order(tmp_path: Path) -> None:
    """Files of a directory and its folders come sorted, and only those that can hold objects."""
    (tmp_path / "inner").mkdir()
    for name in ("b.yaml", "a.yml", "inner/c.json", "notes.txt"):
        (tmp_path / name).write_text(f'{{"from": "{name}"}}')
    assert [found.value["from"] for found in read([str(tmp_path)])] == ["a.yml", "b.yaml", "inner/c.json"]


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    """A file given by itself and through its directory is no duplicate of itself."""
    file = tmp_path / "a.yaml"
    file.write_text("a: 1")
    assert len(read([str(tmp_path), str(file), str(file)])) == 1


def test_lists_become_their_items_with_the_kind_of_the_list(tmp_path: Path) -> None:
    """Items of a List stand for themselves, and items of a typed list get its type."""
    file = tmp_path / "lists.yaml"
    file.write_text(
        "kind: List\nitems: [{kind: A}, {kind: List, items: [{kind: B}]}]\n---\n"
        "kind: DeploymentList\napiVersion: apps/v1\nitems: [{metadata: {name: d}}]\n"
    )
    assert [(found.item, found.value) for found in read([str(file)])] == [
        (0, {"kind": "A"}),
        (1, {"kind": "B"}),
        (0, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}),
    ]


def test_every_file_that_cannot_be_read_gets_its_sentence(tmp_path: Path) -> None:
    """All defects are said at once: missing file, bad YAML, foreign encoding, empty directory."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.yaml").write_text("a: [")
    (tmp_path / "latin.yaml").write_bytes(b"a: \xfc")
    names = ["missing.yaml", "bad.yaml", "latin.yaml", "empty"]
    with pytest.raises(UnusableError) as raised:
        read([str(tmp_path / name) for name in names])
    assert all(name in sentence for name, sentence in zip(names, raised.value.sentences, strict=True))


def test_one_document_is_exactly_one(tmp_path: Path) -> None:
    """Where one manifest is asked for, none, two or a directory are refused."""
    file = tmp_path / "two.yaml"
    file.write_text("a: 1\n---\nb: 2\n")
    for argument in (str(file), str(tmp_path)):
        with pytest.raises(UnusableError):
            read_one(argument)
