"""On which line of its file a field stands."""

import re
from typing import Final

import yaml

from actgate.cli import strict_yaml
from actgate.cli.sources import Document

_STEP: Final = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")


def line_of(document: Document, path: str) -> int:
    """Return the line of a field, or of the nearest parent that is there.

    Args:
        document: Where the field stands.
        path: The field, such as ``spec.bias[0].value`` or ``metadata.annotations[actgate.dev/model]``.
    """
    line = document.line
    node = _root(document)
    for bracketed, plain in _STEP.findall(f"{document.within}.{path}"):
        found = _step(node, bracketed or plain)
        if found is None:
            break
        line, node = found
    return line


def _root(document: Document) -> yaml.Node | None:
    candidates = strict_yaml.nodes(document.source.text)
    return next((node for node in candidates if node.start_mark.line + 1 == document.line), None)


def _step(node: yaml.Node | None, step: str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        pairs = ((key.start_mark.line + 1, value) for key, value in node.value if key.value == step)
        return next(pairs, None)
    if isinstance(node, yaml.SequenceNode) and step.isdecimal() and int(step) < len(node.value):
        child = node.value[int(step)]
        return child.start_mark.line + 1, child
    return None
