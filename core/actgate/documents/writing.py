"""Files that are there whole or not at all, and the two notations in which evidence is written."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from actgate.documents.scalars import resolve

_LINE_BREAKS: Final = ("\x85", "\u2028", "\u2029")
"""Line breaks of YAML 1.1 that PyYAML leaves unescaped, so that they would be read as others."""


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file beside its place, then put it there in one step; text as UTF-8.

    Raises:
        OSError: When it cannot be written; a file that was there before is as it was.
    """
    target = path.resolve()
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def to_json(document: Mapping[str, Any]) -> str:
    """Return a document as indented JSON, fields in their order."""
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def to_yaml(document: Mapping[str, Any]) -> str:
    """Return a document as YAML, fields in their order, with text that stays text for Kubernetes."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text


class _Dumper(yaml.SafeDumper):
    """Quotes what Kubernetes would take for another type, such as y, which PyYAML leaves bare."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = None if isinstance(resolve(text), str) else "'"
    if "\n" in text:
        style = "|"  # Where that cannot say the same, PyYAML takes quotes.
    if any(mark in text for mark in _LINE_BREAKS):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
