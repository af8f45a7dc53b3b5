"""Each row of the table of serving kinds names what the definitions of its kind have."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from actgate.subjects.patterns import Pattern
from actgate.subjects.served import ANY, misfits_of, type_at
from actgate.subjects.serving_kinds import ServingKind, read, serving_kinds

FACTS: Final = yaml.safe_load((Path(__file__).parent / "served_paths.yaml").read_text(encoding="utf-8"))
KINDS: Final = {kind["resource"]: kind for kind in FACTS["kinds"]}


def rows() -> list[tuple[ServingKind, dict[str, Any]]]:
    """Return each row beside the facts of its kind."""
    return [(row, KINDS[f"{row.plural}.{row.group}"]) for row in serving_kinds().values()]


def test_every_row_has_facts() -> None:
    assert {f"{row.plural}.{row.group}" for row in serving_kinds().values()} == {*KINDS}


def test_every_row_names_the_kind_as_it_is_served() -> None:
    for row, facts in rows():
        assert (row.kind, row.scope) == (facts["kind"], facts["scope"]), row
        assert facts["versions"], row


def test_every_path_of_a_row_exists_in_a_served_version_and_has_the_type_that_is_read() -> None:
    """A field that a project renames or drops would be read as absent, and its model as not stated."""
    for row, facts in rows():
        types: dict[str, set[str]] = {}
        for paths in facts["versions"].values():
            for path, found in paths.items():
                types.setdefault(path, set()).add(found)
        embedded = [part.field for part in row.embedded]
        for wanted, patterns in (
            ({"string", ANY}, (*row.uris, *row.names, *row.elsewhere, *embedded)),
            ({"object", ANY}, row.links),
            ({"integer", "boolean", "object", "int-or-string", ANY}, row.scale),
        ):
            for pattern in patterns:
                found = types.get(pattern.text)
                assert found, f"{row.plural}.{row.group}: {pattern.text}: no served version has it"
                assert found <= wanted, f"{row.plural}.{row.group}: {pattern.text}: {found}"


SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "metadata": {"allOf": [{"$ref": "#/components/schemas/ObjectMeta"}]},
        "spec": {
            "type": "object",
            "properties": {
                "uri": {"type": "string"},
                "replicas": {"x-kubernetes-int-or-string": True},
                "list": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"x": {"type": "string"}}},
                },
                "map": {"type": "object", "additionalProperties": {"type": "boolean"}},
                "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            },
        },
    },
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("metadata", ANY),
        ("metadata.annotations", ANY),
        ("spec", "object"),
        ("spec.uri", "string"),
        ("spec.replicas", "int-or-string"),
        ("spec.list[*].x", "string"),
        ("spec.**.x", "string"),
        ("spec.map.*", "boolean"),
        ("spec.map[key]", "boolean"),
        ("spec.open.whatever[*].x", ANY),
        ("spec.absent", None),
        ("spec.uri.x", None),
        ("spec.list.x", None),
    ],
)
def test_a_path_has_the_type_that_the_schema_says(text: str, found: str | None) -> None:
    assert type_at(SCHEMA, Pattern.parse(text)) == found


def test_a_path_that_one_of_two_versions_has_fits() -> None:
    """A kind may have two shapes; what none of them has is a misfit."""
    text = (
        "{format: actgate.serving-kinds/1, kinds: [{group: g.example, kind: K, plural: ks, judged: always, "
    )
    (row,) = read(text + "uris: [spec.uri, spec.other], scale: [spec.gone]}]}")
    other = {"type": "object", "properties": {"spec": {"properties": {"other": {"type": "string"}}}}}
    assert misfits_of(row, {"v1": SCHEMA, "v2": other}) == ("spec.gone",)
