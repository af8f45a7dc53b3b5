"""Public CustomResourceDefinitions of serving systems, read from a folder; none of them is kept here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from actgate.subjects.served import type_at
from actgate.subjects.serving_kinds import ServingKind

VARIABLE: Final = "ACTGATE_TEST_CRDS"
"""Names a folder with definitions, at any depth, as their projects publish them."""
_FULL: Final = re.compile("bases|full")
_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Schemas = Mapping[str, Mapping[str, Any]]
"""By served version."""


def folder() -> Path | None:
    """Return the folder; None where none is named."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def definitions(root: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Return each definition by its group and kind.

    Of several, one whose path says ``bases`` or ``full`` comes first: charts may carry shortened ones.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    files = sorted(path for path in root.rglob("*") if path.suffix in (".yaml", ".yml"))
    for path in sorted(files, key=lambda path: not _FULL.search(str(path))):
        for definition in _documents(path):
            spec = definition["spec"]
            found.setdefault((spec["group"], spec["names"]["kind"]), definition)
    return found


def schemas(definition: Mapping[str, Any]) -> Schemas:
    """Return the schema of each served version that has one."""
    return {
        version["name"]: version["schema"]["openAPIV3Schema"]
        for version in definition["spec"]["versions"]
        if version["served"] and version.get("schema")
    }


def facts(row: ServingKind, served: Schemas) -> dict[str, dict[str, str]]:
    """Return the type of each path of a row in each version that has it, as ``served_paths.yaml`` does."""
    paths = [*row.patterns, *row.scale]
    return {
        version: {path.text: found for path in paths if (found := type_at(schema, path)) is not None}
        for version, schema in served.items()
    }


def _documents(path: Path) -> Iterator[dict[str, Any]]:
    try:
        documents = list(yaml.load_all(path.read_text(encoding="utf-8"), _Loader))
    except (yaml.YAMLError, UnicodeDecodeError):
        return  # A template, or no YAML.
    for document in documents:
        if not isinstance(document, dict) or document.get("kind") != "CustomResourceDefinition":
            continue
        spec = document.get("spec") or {}
        if {"group", "names", "scope", "versions"} <= spec.keys():
            yield document
