"""On which line of its file a field stands.

The values of a document do not know their lines, and most are never asked: the file is parsed once more
for those that have something to report.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import yaml

from actgate.cli.sources import Document

_STEP: Final = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")
_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def place(document: Document, path: str = "") -> str:
    """Return file and line of a document, or of a field of it, as compilers write them."""
    return f"{document.source.name}:{line_of(document, path)}"


def line_of(document: Document, path: str = "") -> int:
    """Return the line of a field, or of the nearest parent that is there.

    Args:
        document: Where the field stands.
        path: The field, such as ``spec.bias[0].value`` or ``metadata.annotations[actgate.dev/model]``;
            empty for the document itself.
    """
    node = _root(document)
    line = document.line if node is None else node.start_mark.line + 1
    for bracketed, plain in _STEP.findall(path):
        found = _step(node, bracketed or plain)
        if found is None:
            break
        line, node = found
    return line


def _root(document: Document) -> yaml.Node | None:
    here = (node for node in _nodes(document.source.text) if node.start_mark.line + 1 == document.line)
    items = (item for node in here for item in _items(node))
    return next((item for number, item in enumerate(items) if number == document.item), None)


@lru_cache(maxsize=4)
def _nodes(text: str) -> tuple[yaml.Node, ...]:
    """Return the nodes of a file's documents; none where it is no YAML, such as several JSON values."""
    try:
        return tuple(yaml.compose_all(text, _Loader))
    except yaml.YAMLError:
        return ()


def _items(node: yaml.Node) -> Iterator[yaml.Node]:
    """Yield the items of a Kubernetes list, of lists within it too, or the node itself."""
    kind, items = _step(node, "kind"), _step(node, "items")
    if kind and items and str(kind[1].value).endswith("List") and isinstance(items[1], yaml.SequenceNode):
        for item in items[1].value:
            yield from _items(item)
    else:
        yield node


def _step(node: yaml.Node | None, step: str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        pairs = ((key.start_mark.line + 1, value) for key, value in node.value if key.value == step)
        return next(pairs, None)
    if isinstance(node, yaml.SequenceNode) and step.isdecimal() and int(step) < len(node.value):
        child = node.value[int(step)]
        return child.start_mark.line + 1, child
    return None
