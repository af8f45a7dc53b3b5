"""Label and field selectors, as they come in a query string."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from actgate_sandbox.stand_in.jsonpath import first
from actgate_sandbox.stand_in.status import Json, Object, bad_request

Labels = Mapping[str, str]
Requirement = Callable[[Labels], bool]
Matches = Callable[[Object], bool]

_SET = re.compile(r"^\s*(\S+)\s+(in|notin)\s*\(([^)]*)\)\s*$")
_EQUALITY = re.compile(r"^\s*([^\s=!]+)\s*(==|=|!=)\s*(\S*)\s*$")
_PRESENCE = re.compile(r"^\s*(!?)\s*([^\s=!(),]+)\s*$")


def label_selector(text: str) -> Matches:
    """Compile a label selector: `a=b,c!=d,e in (f,g),h notin (i),j,!k`.

    Raises:
        ApiError: 400 where it cannot be read.
    """
    requirements = [_requirement(part) for part in _split(text)]

    def matches(obj: Object) -> bool:
        labels = obj["metadata"].get("labels") or {}
        return all(holds(labels) for holds in requirements)

    return matches


def _split(text: str) -> list[str]:
    """Split at the commas outside of parentheses."""
    return [part for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def _requirement(part: str) -> Requirement:
    if found := _SET.match(part):
        key, operator, listed = found.groups()
        values = {value.strip() for value in listed.split(",")}
        if operator == "in":
            return lambda labels: key in labels and labels[key] in values
        return lambda labels: key not in labels or labels[key] not in values
    if found := _EQUALITY.match(part):
        key, operator, value = found.groups()
        if operator == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _PRESENCE.match(part):
        negated, key = found.groups()
        return lambda labels: (key in labels) is not bool(negated)
    raise bad_request(f'unable to parse requirement: found "{part}"')


def field_selector(text: str, fields: Mapping[str, Callable[[Object], str]]) -> Matches:
    """Compile a field selector: `metadata.name=a,spec.b!=c`.

    Args:
        text: The selector.
        fields: What can be selected by, and how it is read from an object.

    Raises:
        ApiError: 400 where it cannot be read, or names a field that is not selectable.
    """
    requirements = []
    for part in _split(text):
        found = _EQUALITY.match(part)
        if found is None:
            raise bad_request(f'invalid selector: "{text}"; can\'t understand "{part}"')
        field, operator, value = found.groups()
        if field not in fields:
            raise bad_request(f"field label not supported: {field}")
        requirements.append((fields[field], operator != "!=", value.replace("\\", "")))
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
