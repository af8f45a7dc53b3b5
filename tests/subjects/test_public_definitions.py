"""The rows, and the objects of the tests, against the definitions that projects publish: those in a folder.

    ACTGATE_TEST_CRDS=/folder .venv/bin/python -m pytest tests/subjects/test_public_definitions.py

A kind that the folder lacks is left out; none of its files is kept here, only the facts of
``served_paths.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from actgate.subjects.patterns import Pattern
from actgate.subjects.served import misfits_of, type_at
from actgate.subjects.serving_kinds import ServingKind, serving_kinds
from tests.subjects.definitions import VARIABLE, Schemas, definitions, facts, folder, schemas
from tests.subjects.test_rows import an_object, linked_at
from tests.subjects.test_served_paths import KINDS
from tests.subjects.test_serving import SAMPLES

Rows = list[tuple[ServingKind, dict[str, Any], Schemas]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Return each row of which the folder has the definition, with that and its schemas."""
    root = folder()
    if root is None:
        pytest.skip(f"{VARIABLE} names no folder with CustomResourceDefinitions of serving systems")
    known = definitions(root)
    found = [(row, known[key], schemas(known[key])) for key, row in serving_kinds().items() if key in known]
    assert found, f"{root} has the definition of no row"
    return found


def test_every_row_names_what_the_definition_of_its_kind_has(rows: Rows) -> None:
    """And what ``served_paths.yaml`` states of it is so; a link is written where it is not pruned."""
    for row, definition, served in rows:
        spec, stated = definition["spec"], KINDS[f"{row.plural}.{row.group}"]
        assert (row.kind, row.plural, row.scope) == (
            *(spec["names"]["kind"], spec["names"]["plural"]),
            spec["scope"],
        )
        assert misfits_of(row, served) == (), row.kind
        assert facts(row, served) == stated["versions"], row.kind
        pruned = [
            (version, link.text)
            for link in row.links
            if link.text != "metadata"
            for version, schema in served.items()
            if type_at(schema, link) and not type_at(schema, Pattern.parse(f"{link.text}.annotations"))
        ]
        assert pruned == [], row.kind


def test_every_object_of_the_tests_is_one_that_the_api_server_would_take(rows: Rows) -> None:
    """With its link at each place, too. Else a test would show what is read of what cannot exist."""
    found = {(row.group, row.kind): (row, served) for row, _, served in rows}
    checked, problems = 0, []
    for sample in SAMPLES:
        version, _, kind = sample["kind"].partition(" ")
        group, _, number = version.rpartition("/")
        if (group, kind) not in found:
            continue
        row, served = found[group, kind]
        if number not in served:
            problems.append(f"{sample['kind']}: {number} is not served: {[*served]}")
            continue
        obj = an_object(sample)
        for each in (obj, *(made for pattern in row.links for made in linked_at(obj, pattern))):
            problems += [f"{sample['kind']}: {text}" for text in _faults(each, served[number])]
        checked += 1
    assert [*dict.fromkeys(problems)] == []
    assert checked


def _faults(obj: dict[str, Any], schema: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    for error in jsonschema.Draft202012Validator(schema).iter_errors(obj):
        yield f"{error.json_path}: {error.message[:120]}"
    for path in _pruned(
        {key: obj[key] for key in obj if key not in ("apiVersion", "kind", "metadata")}, schema, ""
    ):
        yield f"{path}: the API server would prune it"


def _pruned(value: Any, schema: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Yield the fields of a value that its schema does not have."""
    if schema.get("x-kubernetes-preserve-unknown-fields") is True:
        return
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _pruned(item, schema.get("items") or {}, f"{path}[{index}]")
    elif isinstance(value, dict):
        known, more = schema.get("properties") or {}, schema.get("additionalProperties")
        for key, item in value.items():
            inner = known.get(key, more)
            if inner is None:
                yield f"{path}.{key}"
            elif isinstance(inner, dict):
                yield from _pruned(item, inner, f"{path}.{key}")
