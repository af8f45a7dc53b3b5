"""Label and field selectors, as they come in a query string."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from actgate_sandbox.stand_in.jsonpath import first
from actgate_sandbox.status import Json, Object, bad_request

Matches = Callable[[Object], bool]

_EQUALITY = re.compile(r"\s*([^\s=!]+)\s*(==|=|!=)\s*(\S*)\s*")


def label_selector(text: str) -> Matches:
    """Compile a label selector of equalities: `a=b,c!=d`.

    Raises:
        ApiError: 400 where it cannot be read.
    """
    requirements = list(_requirements(text))

    def matches(obj: Object) -> bool:
        labels = obj["metadata"].get("labels") or {}
        return all((labels.get(key) == value) is same for key, value, same in requirements)

    return matches


def _requirements(text: str) -> Iterator[tuple[str, str, bool]]:
    """Yield key, value and whether they must be the same."""
    for part in text.split(","):
        found = _EQUALITY.fullmatch(part)
        if found is None:
            raise bad_request(f'unable to parse requirement: found "{part}"; only = and != are done here')
        key, operator, value = found.groups()
        yield key, value.replace("\\", ""), operator != "!="


def field_selector(text: str, fields: Mapping[str, Callable[[Object], str]]) -> Matches:
    """Compile a field selector: `metadata.name=a,spec.b!=c`.

    Args:
        text: The selector.
        fields: What can be selected by, and how it is read from an object.

    Raises:
        ApiError: 400 where it cannot be read, or names a field that is not selectable.
    """
    requirements = []
    for field, value, same in _requirements(text):
        if field not in fields:
            raise bad_request(f"field label not supported: {field}")
        requirements.append((fields[field], same, value))
    return lambda obj: all((read(obj) == value) is same for read, same, value in requirements)


def selectable_fields(paths: Sequence[str]) -> dict[str, Callable[[Object], str]]:
    """Return the readers of `metadata.name`, `metadata.namespace` and of further JSONPaths."""
    readers = {
        "metadata.name": lambda obj: obj["metadata"].get("name", ""),
        "metadata.namespace": lambda obj: obj["metadata"].get("namespace", ""),
    }
    return readers | {path.removeprefix("."): _reader(path) for path in paths}


def _reader(path: str) -> Callable[[Object], str]:
    return lambda obj: _text(first(obj, path))


def _text(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
