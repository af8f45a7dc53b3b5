"""Files are read as kubectl reads them, or refused in one sentence that says where."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path
from typing import Any

import pytest

from actgate.documents import DocumentError, load
from actgate_sandbox.envtest import find_kubectl


def contents(text: str | bytes) -> list[Any]:
    return [document.value for document in load(text, "evidence.yaml")]


def refusal(text: str | bytes) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        contents(text)
    return caught.value


def test_several_yaml_documents_are_read_with_their_lines() -> None:
    """Empty documents are left out, and each of the others knows where it begins."""
    text = "# evidence\na: 1\n---\n---\n# nothing\n---\nb: 2\n"
    assert [(found.value, found.line) for found in load(text, "x")] == [({"a": 1}, 2), ({"b": 2}, 7)]


def test_several_json_documents_are_read_with_their_lines() -> None:
    """JSON documents stand one after the other, as kubectl takes them."""
    text = '\n{"a": 1} {"b":\n2}\n\n{"c": 3}'
    found = [(document.value, document.line) for document in load(text, "x")]
    assert found == [({"a": 1}, 2), ({"b": 2}, 2), ({"c": 3}, 5)]


def test_a_list_is_its_items() -> None:
    """Items of a List, a typed list and a list of lists are documents by themselves."""
    inner = {"kind": "List", "apiVersion": "v1", "items": [{"kind": "A"}]}
    text = json.dumps({"kind": "List", "apiVersion": "v1", "items": [inner, {"kind": "B"}]})
    assert contents(text) == [{"kind": "A"}, {"kind": "B"}]
    pods = {"kind": "PodList", "apiVersion": "v1", "items": [{"metadata": {"name": "x"}}]}
    assert contents(json.dumps(pods)) == [{"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "x"}}]


def test_a_kind_that_only_ends_in_list_is_no_list() -> None:
    """An AllowList without items is an object."""
    assert contents("kind: AllowList\nspec: {}") == [{"kind": "AllowList", "spec": {}}]


def test_an_item_that_is_no_object_is_refused() -> None:
    """The sentence says which item."""
    assert "items[1] of List: Invalid value: 5: must be an object" in str(
        refusal("kind: List\nitems:\n- a: 1\n- 5")
    )


def test_times_stay_text() -> None:
    """An implicit timestamp would become a date object that JSON does not know."""
    assert contents("a: 2026-11-01\nb: 2026-11-01T10:00:00Z") == [
        {"a": "2026-11-01", "b": "2026-11-01T10:00:00Z"}
    ]


def test_python_json_numbers_are_floats() -> None:
    """NaN and the infinities of a training script reach the rule that refuses them."""
    (found,) = contents('{"a": NaN, "b": -Infinity, "c": 1e999}')
    assert math.isnan(found["a"])
    assert (found["b"], found["c"]) == (-math.inf, math.inf)
    (yaml,) = contents("a: .nan\nb: -.inf")
    assert math.isnan(yaml["a"])


def test_a_byte_order_mark_is_passed_over() -> None:
    """Editors on Windows write one."""
    assert contents(b"\xef\xbb\xbfa: 1") == contents("\ufeffa: 1") == [{"a": 1}]


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3", '{"a": 1,\n"b": 2,\n"a": 3}', 'x:\n  "1": 1\n  1: 2'])
def test_a_key_that_stands_twice_is_refused_with_its_line(text: str) -> None:
    """One of the two values would be judged, and the other one deployed."""
    error = refusal(text)
    assert "duplicate key" in str(error)
    assert error.line == 3
    assert str(error).startswith("evidence.yaml:3: ")


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: b: c", 1, 5),
        ("a:\n  - x\n b: 1", 3, 2),
        ("a: 'x", 1, 6),
        ('{"a": 1\n"b": 2}', 2, 1),
        ('{"a": ', 1, 7),
        ("{a: b}", 1, 2),
        ("a: \x07", 1, 4),
    ],
)
def test_a_syntax_error_is_one_sentence_with_its_place(text: str, line: int, column: int) -> None:
    """File, line and column stand in front of the sentence."""
    error = refusal(text)
    assert (error.line, error.column) == (line, column)
    assert str(error).startswith(f"evidence.yaml:{line}:{column}: ")
    assert "\n" not in str(error)


def test_text_that_is_no_utf_8_is_refused() -> None:
    """The sentence says on which line."""
    error = refusal(b"a: 1\nb: \xff")
    assert error.line == 2
    assert "UTF-8" in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "[" * 999 + "]" * 999,
        "- " + "{a: " * 1001 + "}" * 1001,
        '{"a":' * 3000 + "1" + "}" * 3000,
        "- " * 3000 + "x",
        "".join(f"a{i}: &a{i} {'[' * 50}{f'*a{i - 1}' if i else ''}{']' * 50}\n" for i in range(40)),
    ],
)
def test_nesting_is_bounded(text: str) -> None:
    """Neither brackets nor chained aliases nest deeper than 100 levels, in the scanner or the parser.

    PyYAML 6.0.4 bounds flow collections at 1,000 levels in its scanner, which reads ahead of our limit.
    """
    assert "nested deeper than 100 levels" in str(refusal(text))


def test_an_alias_bomb_is_refused() -> None:
    """Ten aliases of ten aliases of ten …: it is counted, not built."""
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 30):
        bomb += f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n"
    assert "aliases expand to more than" in str(refusal(bomb))


def test_a_file_without_end_is_refused() -> None:
    """32 MiB are more than any object of the API server."""
    assert "must be at most 32 MiB" in str(refusal(b" " * (32 * 1024 * 1024 + 1)))


def test_aliases_and_merges_are_spelled_out() -> None:
    """Anchors work as in kubectl."""
    text = "base: &base {a: 1, b: 2}\nlist: [*base, *base]\nmore:\n  <<: *base\n  b: 3"
    (found,) = contents(text)
    assert found["list"] == [{"a": 1, "b": 2}, {"a": 1, "b": 2}]
    assert found["more"] == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("b: 1\n<<: {b: 2}", 'duplicate key "b": << replaces it'),
        ("<<: 5", "<< merges objects only"),
        ("a: *x", "anchor not found"),
        ("a: &a [*a]", "anchor not found"),
        ("? [a]\n: b", "must be text"),
        ("null: b", "must be text"),
        ("a: !!binary aGVsbG8=", "!!binary"),
        ("a: !!int x", "not of the type"),
        ('{"a": ' + "1" * 5000 + "}", "beyond what is read"),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(text: str, words: str) -> None:
    """Each refusal is one sentence."""
    assert words in str(refusal(text))


SPELLINGS = """
y n Y N yes Yes YES On off oN tRUE true False ~ null Null nULL "1" 'y' = - . +
1e3 1e+3 1.5e3 1e-3 017 -017 0o17 08 0x1F 0b11 -0b11 1_000 1_0.5 .5 5. +1 0. 1.e5 -0 +.5
190:20:30 2026-11-01 2026-11-01T10:00:00Z 12345678901234567 1__0 _1 0o8 0x_1 1.0.0 0x 0b 1e 1e400
"""


@pytest.mark.needs_kubectl
def test_plain_scalars_mean_what_kubectl_takes_them_for(tmp_path: Path) -> None:
    """Each spelling, read by us and by kubectl, has the same value and type."""
    binary = find_kubectl()
    assert binary is not None
    scalars = SPELLINGS.split()
    items = "".join(f"  - {scalar}\n" for scalar in scalars)
    text = f"apiVersion: v1\nkind: Scalars\nmetadata: {{name: x}}\nspec:\n  items:\n{items}"
    path = tmp_path / "scalars.yaml"
    path.write_text(text, encoding="utf-8")
    command = [binary, "annotate", "--local", "-f", str(path), "a=b", "-o", "json"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)  # noqa: S603
    (ours,) = contents(text)
    theirs = json.loads(run.stdout)
    pairs = zip(scalars, ours["spec"]["items"], theirs["spec"]["items"], strict=True)
    assert [
        (scalar, mine, its) for scalar, mine, its in pairs if (type(mine), mine) != (type(its), its)
    ] == []


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("y", True),
        ("Off", False),
        ("017", 15),
        ("1e3", 1000),
        ("0.03", 0.03),
        ("190:20:30", "190:20:30"),
        ("1e400", "1e400"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("!!float 3", 3),
        ("!region Paris", "Paris"),
    ],
)
def test_a_scalar_has_the_type_that_kubernetes_gives_it(scalar: str, value: object) -> None:
    """The same where no kubectl can be asked."""
    ((found,),) = contents(f"- {scalar}")
    assert (type(found), found) == (type(value), value)


def test_keys_become_text() -> None:
    """JSON has no other keys, so numbers and booleans are spelled out as Kubernetes does."""
    assert contents("5: a\non: b\n1.5: c") == [{"5": "a", "true": "b", "1.5": "c"}]


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
    (document,) = load(text, "x")
    assert (document.line, document.line_of(path)) == (2, line)


def test_fields_of_list_items_and_of_json_have_lines_too() -> None:
    """The path of an item in its list is followed first, and JSON has lines like YAML."""
    text = '{"kind": "List", "items": [\n {"spec": 1},\n {"spec":\n  {"a":\n 2}}\n]}'
    _, second = load(text, "x")
    assert (second.line, second.line_of(), second.line_of("spec.a")) == (1, 3, 4)


def test_each_of_several_json_documents_knows_its_lines() -> None:
    """Together they are no YAML; each by itself is, with its place in the file."""
    first, second = load('{"kind": 1} {"kind":\n 2, "spec":\n{"a":\n1}}', "x")
    assert [document.line_of("kind") for document in (first, second)] == [1, 1]
    assert (second.line_of("spec"), second.line_of("spec.a"), second.place("spec.b")) == (2, 3, "x:2")


def test_where_lines_are_unknown_the_line_of_the_document_stands_in() -> None:
    """JSON that is not YAML, such as this one with a key longer than YAML takes, has no lines within."""
    key = "k" * 1100
    _, second = load(f'{{}}\n{{\n"{key}": 1}}', "x")
    assert (second.value, second.line_of(key)) == ({key: 1}, 2)


def test_json_that_is_indented_by_tabs_has_lines() -> None:
    """YAML forbids tabs there, and JSON does not."""
    (document,) = load('{\n\t"spec": {\n\t\t"a": 1\n\t}\n}\n', "x")
    assert document.line_of("spec.a") == 3


def test_a_merged_field_is_found_where_it_is_written() -> None:
    """A finding points to the object that the alias stands for."""
    (document,) = load("base: &base\n  a: 1\nmore:\n  <<: *base\n  b: *base\n", "x")
    assert [document.line_of(path) for path in ("more.a", "more.b", "more.b.a", "more.c")] == [2, 5, 2, 3]
