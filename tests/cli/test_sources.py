from pathlib import Path

import pytest

from actgate.cli.exits import UnusableError
from actgate.cli.lines import line_of
from actgate.cli.sources import Document, Source, read, read_one


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


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("spec.bias[0].value", 7),
        ("spec.bias[1].value", 8),
        ("spec.bias[5].value", 5),
        ("spec.humanOversight.enabled", 4),
        ("metadata.annotations[actgate.dev/model]", 3),
        ("", 2),
        ("nothing.of.this", 2),
    ],
)
def test_a_field_is_found_on_its_line_or_its_nearest_parents(path: str, line: int) -> None:
    """A field that is there has its own line; one that is missing, the line of what should hold it."""
    text = (
        "# words\nkind: X\nmetadata: {annotations: {actgate.dev/model: m}}\nspec:\n  bias:\n"
        "  - attribute: a\n    value: 1\n  - value: 2\n"
    )
    assert line == line_of(Document(Source("x", text), 2, {}), path)


def test_fields_of_list_items_and_of_json_have_lines_too() -> None:
    """The path of an item in its list is followed first, and JSON has lines like YAML."""
    text = '{"kind": "List", "items": [\n {"spec": 1},\n {"spec":\n  {"a":\n 2}}\n]}'
    assert line_of(Document(Source("x", text), 1, {}, item=1), "spec.a") == 4


def test_where_lines_are_unknown_the_line_of_the_document_stands_in() -> None:
    """A second JSON value in a file is no YAML, so that its fields have the line on which it begins."""
    assert line_of(Document(Source("x", '{"kind": 1}\n{"spec":\n{}}'), 2, {}), "spec.a") == 2
