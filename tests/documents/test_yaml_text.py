import pytest

from actgate import documents
from actgate.documents import to_yaml


@pytest.mark.parametrize(
    "text",
    [
        "1e3",
        "y",
        "N",
        "yes",
        "on",
        "12:30",
        "2026-11-01",
        "0o17",
        "017",
        "08",
        "1_000",
        "0x1F",
        ".5",
        "~",
        "",
        "<<",
    ],
)
def test_text_stays_text_for_kubectl(text: str) -> None:
    """A string that some reader takes for a number, a boolean, a time or null comes back as the string."""
    (document,) = documents.load(to_yaml({"version": text, text: 1}), "x.yaml")
    assert document.value == {"version": text, text: 1}


def test_other_values_come_back_as_they_are() -> None:
    """Numbers, booleans, nulls and nested values survive the way through YAML."""
    value = {"b": 0.00001, "a": [True, None, -0.2, {"c": 10**15}], "t": "Zürich\n", "n": 3}
    (document,) = documents.load(to_yaml(value), "x.yaml")
    assert document.value == value
    assert list(value) == ["b", "a", "t", "n"]
