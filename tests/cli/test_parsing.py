import pytest

from actgate.cli.exits import UnusableError
from actgate.cli.parsing import documents


def one(text: str, name: str = "input.yaml") -> object:
    ((_, value),) = documents(text, name)
    return value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("at: 2026-11-01T10:00:00Z", {"at": "2026-11-01T10:00:00Z"}),
        ("value: 1e-05", {"value": 0.00001}),
        ("value: 5e-2", {"value": 0.05}),
        ("value: -0.2", {"value": -0.2}),
        ("enabled: yes", {"enabled": True}),
        ("contact: 12:30", {"contact": "12:30"}),
        ("enabled: 'true'", {"enabled": "true"}),
        ("on: 1", {"on": 1}),
        ("3: x", {"3": "x"}),
        ("a: ~", {"a": None}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("base: &x {b: 1, d: 2}\nc: {<<: *x, b: 3}", {"base": {"b": 1, "d": 2}, "c": {"b": 3, "d": 2}}),
        ("{a: 1}", {"a": 1}),
        ('{"a": 1e-05}', {"a": 0.00001}),
        ("mode: 0o17", {"mode": 15}),
    ],
)
def test_yaml_means_what_kubectl_makes_of_it(text: str, value: object) -> None:
    """Plain scalars become the JSON that kubectl would send, and keys are strings."""
    assert value == one(text)


def test_documents_know_their_lines_and_empty_ones_are_left_out() -> None:
    """Each document of a stream comes with the line on which it begins."""
    assert documents("---\na: 1\n---\n---\n# words\nb: 2\n", "x.yaml") == [(2, {"a": 1}), (6, {"b": 2})]


def test_json_values_may_follow_each_other() -> None:
    """Concatenated JSON is read as kubectl reads it."""
    assert documents('{"a": 1}\n\n{"b": 2}\n', "stdin") == [(1, {"a": 1}), (3, {"b": 2})]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "x.yaml",
            "a: 1\na: 2",
            "x.yaml cannot be read as YAML: the key 'a' stands twice (line 2, column 1)",
        ),
        ("x.json", '{"a": 1, "a": 2}', "x.json cannot be read as JSON: the key 'a' stands twice"),
        ("x.json", "a: 1", "x.json cannot be read as JSON: Expecting value: line 1 column 1 (char 0)"),
        ("stdin", '{"a": 1, "a": 2}', "stdin cannot be read as JSON: the key 'a' stands twice"),
        ("x.yaml", "a: [1", "x.yaml cannot be read as YAML: "),
        ("x.yaml", "a: {{ .Values.x }}", "x.yaml cannot be read as YAML: a key is not a string"),
        ("x.yaml", "a: !!python/object:os.system {}", "could not determine a constructor for the tag"),
        ("x.yaml", "a: !!binary aGk=", "could not determine a constructor for the tag"),
        ("x.yaml", "a: &x [*x]", "its aliases contain themselves or grow too large (line 1, column 1)"),
        ("x.yaml", "[" * 5000, "x.yaml cannot be read as JSON: "),
        ("x.json", "[" * 500000, "x.json cannot be read as JSON: it is nested too deeply"),
        ("x.yaml", "a: \x00", "x.yaml cannot be read as YAML: "),
    ],
)
def test_what_cannot_be_read_is_one_sentence_with_its_place(name: str, text: str, words: str) -> None:
    """Text that is neither JSON nor YAML, or ambiguous, is refused in one line that names the file."""
    with pytest.raises(UnusableError) as raised:
        documents(text, name)
    (sentence,) = raised.value.sentences
    assert words in sentence
    assert "\n" not in sentence


def test_aliases_cannot_grow_without_bounds() -> None:
    """A few lines that would expand to billions of values are refused before they do."""
    levels = "\n".join(f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 9)}]" for level in range(1, 12))
    with pytest.raises(UnusableError, match="grow too large"):
        documents(f"l0: &l0 x\n{levels}", "x.yaml")
