"""YAML as kubectl reads it: JSON types, string keys, and nothing that has to be guessed.

kubectl turns YAML into JSON before it sends it. So a time stays the string that it is, and ``1e-05`` is a
number although YAML 1.1 would not think so. Keys that stand twice, tags, and aliases that contain
themselves or grow without bounds are errors.
"""

import re
from collections.abc import Hashable, Iterator
from functools import lru_cache
from typing import Any, Final

import yaml

from actgate.cli.exits import UnusableError

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # PyYAML without libyaml
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

_MOST_VALUES: Final = 1_000_000
"""Values in one document after its aliases are written out; more is an attack or an accident."""

_TAG: Final = "tag:yaml.org,2002:"
_CONSTRUCTED: Final = ("null", "bool", "int", "float", "str", "seq", "map")
_PLAIN_SCALARS: Final = (
    ("bool", r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF", "yYnNtTfFoO"),
    ("int", r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|[1-9][0-9_]*|0)", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
)
"""What a plain scalar can be besides a string: type, pattern, and the characters it begins with."""


class _Loader(_SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own protocol
    yaml_constructors = {  # noqa: RUF012 - PyYAML's own protocol
        tag: constructor
        for tag, constructor in _SafeLoader.yaml_constructors.items()
        if tag is None or tag.removeprefix(_TAG) in _CONSTRUCTED
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return a mapping by string keys; a key that stands twice is an error."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _refused("a key is not a string", key)
            if key.value in seen:
                raise _refused(f"the key {key.value!r} stands twice", key)
            seen.add(key.value)
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}


class _Dumper(yaml.SafeDumper):
    """Quotes every string that some reader of YAML would take for something else."""


for _name, _pattern, _first in _PLAIN_SCALARS:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"{_TAG}{_name}", re.compile(rf"(?:{_pattern})\Z"), list(_first))
_Dumper.add_implicit_resolver(f"{_TAG}bool", re.compile(r"[yYnN]\Z"), list("yYnN"))  # booleans to kubectl


def documents(text: str, name: str) -> list[tuple[int, Any]]:
    """Return each document of a YAML file as (line on which it begins, JSON value), empty ones left out.

    Raises:
        UnusableError: When the text cannot be read; the sentence names the file, and the line if known.
    """
    try:
        return list(_documents(text))
    except yaml.MarkedYAMLError as error:
        problem = _words(error)
    except (yaml.YAMLError, ValueError) as error:
        problem = " ".join(str(error).split())
    except RecursionError:
        problem = "it is nested too deeply"
    raise UnusableError(f"{name} cannot be read as YAML: {problem}")


def _documents(text: str) -> Iterator[tuple[int, Any]]:
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is None:
                return
            if "&" in text and _written_out(node) > _MOST_VALUES:
                raise _refused("its aliases contain themselves or grow too large", node)
            value = loader.construct_document(node)
            if value is not None:
                yield node.start_mark.line + 1, value
    finally:
        loader.dispose()


def _refused(problem: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _words(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
    return f"{error.problem or error.context}{where}"


def _written_out(node: yaml.Node) -> int:
    """Return how many values a node holds once every alias is written out; too many for a cycle."""
    sizes: dict[int, int] = {}

    def size(current: yaml.Node) -> int:
        known = sizes.get(id(current))
        if known is not None:
            return known
        sizes[id(current)] = _MOST_VALUES + 1  # what a cycle finds when it comes back here
        sizes[id(current)] = 1 + sum(size(child) for child in _children(current))
        return sizes[id(current)]

    return size(node)


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


@lru_cache(maxsize=4)
def nodes(text: str) -> tuple[yaml.Node, ...]:
    """Return the nodes of a file's documents, which know their lines; JSON is read as YAML.

    Nothing where the text cannot be read so, as with JSON that is indented by tabs.
    """
    try:
        return tuple(yaml.compose_all(text, _Loader))
    except (yaml.YAMLError, RecursionError):
        return ()


def dump(value: object) -> str:
    """Return a JSON value as one YAML document that every reader reads alike, fields in their order."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text
