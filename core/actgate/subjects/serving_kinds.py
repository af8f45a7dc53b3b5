"""The kinds of serving systems, as ``serving_kinds.yaml`` describes them, checked when they are loaded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple

import yaml
from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from actgate.api.paths import dotted
from actgate.api.quoting import quoted
from actgate.subjects.kinds import UnusableKindsError, kinds
from actgate.subjects.patterns import Pattern

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FORBID: Final = ConfigDict(extra="forbid")
_METADATA: Final = Pattern.parse("metadata")


def _pattern(text: object) -> Pattern:
    if not isinstance(text, str):
        raise ValueError("must be a pattern")  # noqa: TRY004 - pydantic takes a ValueError
    return Pattern.parse(text)


_Pattern = Annotated[Pattern, BeforeValidator(_pattern)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A field that holds YAML as text; the patterns are those inside of it."""

    __pydantic_config__: ClassVar = _FORBID

    field: _Pattern
    uris: tuple[_Pattern, ...] = ()
    names: tuple[_Pattern, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingKind:
    """One row; the file says what its fields mean."""

    __pydantic_config__: ClassVar = _FORBID

    group: Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")]
    kind: Annotated[str, Field(pattern=r"^[A-Z][a-zA-Z]*$")]
    plural: Annotated[str, Field(pattern=r"^[a-z]+$")]
    scope: Literal["Namespaced", "Cluster"] = "Namespaced"
    judged: Literal["always", "declared", "never"]
    because: str | None = None
    """Of a kind that is never judged: what is judged in its place."""
    uris: tuple[_Pattern, ...] = ()
    names: tuple[_Pattern, ...] = ()
    embedded: tuple[Embedded, ...] = ()
    elsewhere: tuple[_Pattern, ...] = ()
    links: tuple[_Pattern, ...] = (_METADATA,)
    scale: tuple[_Pattern, ...] = ()
    logging: _Pattern | None = None

    @property
    def patterns(self) -> Iterator[Pattern]:
        """Everything that says where something is read."""
        yield from (*self.links, *self.uris, *self.names, *self.elsewhere)
        yield from (embedded.field for embedded in self.embedded)
        if self.logging is not None:
            yield self.logging

    def __post_init__(self) -> None:
        """Refuse a row that says half of what it must."""
        if (self.judged == "never") != (self.because is not None):
            raise ValueError("must say because what it is never judged, and only then")
        if _METADATA not in self.links:
            raise ValueError("must have metadata among its links")


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    __pydantic_config__: ClassVar = _FORBID

    format: Literal["actgate.serving-kinds/1"]
    kinds: list[Any]


class UnusableRow(NamedTuple):
    """A row that cannot be used."""

    kind: str
    """``KIND.GROUP``; empty where the row does not say it."""
    why: str
    """Where and why, in one sentence."""


@cache
def serving_kinds() -> Mapping[tuple[str, str], ServingKind]:
    """Return the rows of the package by group and kind, in the order of the file."""
    rows = read((files(__package__) / "serving_kinds.yaml").read_text(encoding="utf-8"))
    return {(row.group, row.kind): row for row in rows}


def read(text: str) -> list[ServingKind]:
    """Read rows: those of the package, or what an administrator adds.

    Raises:
        UnusableKindsError: They are not of this format, or a kind is a duplicate, also in ``kinds.yaml``.
    """
    rows, unusable = read_each(text)
    if unusable:
        raise UnusableKindsError(unusable[0].why)
    return rows


def read_each(text: str) -> tuple[list[ServingKind], list[UnusableRow]]:
    """Read the rows that can be used, and say why the others cannot.

    Raises:
        UnusableKindsError: The text is no file of rows.
    """
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 - a safe loader, the fast one where there is one
        items = _FILE.validate_python(document).kinds
    except yaml.YAMLError as error:
        raise UnusableKindsError(f"invalid YAML: {error}") from error
    except ValidationError as error:
        raise UnusableKindsError(_first(error)) from error
    known = {(row.group, name) for row in kinds().values() for name in (row.kind, row.plural)}
    rows, unusable = list[ServingKind](), list[UnusableRow]()
    for index, item in enumerate(items):
        try:
            row = _ROW.validate_python(item)
        except ValidationError as error:
            unusable.append(UnusableRow(_called(item), _first(error, "kinds", index)))
            continue
        names = [(row.group, name) for name in (row.kind, row.plural)]
        taken = next((name for name in names if name in known), None)
        if taken is None:
            rows.append(row)
            known.update(names)
        else:
            unusable.append(UnusableRow(_called(item), duplicate(*taken)))
    return rows, unusable


def duplicate(group: str, name: str) -> str:
    """Return the message about a row whose kind or plural is taken."""
    return f"kinds: Duplicate value: {quoted(name)} of group {quoted(group)}"


def _first(error: ValidationError, *inside: str | int) -> str:
    first = error.errors(include_url=False)[0]
    message = first["msg"].removeprefix("Value error, ")
    where = dotted((*inside, *first["loc"]))
    return f"{where}: {message}" if where else message


def _called(item: Any) -> str:  # noqa: ANN401 - YAML
    """Return what a row is called by, which may be no row at all."""
    kind, group = (item.get("kind"), item.get("group")) if isinstance(item, dict) else (None, None)
    return f"{kind}.{group}" if isinstance(kind, str) and isinstance(group, str) and kind and group else ""


_FILE: Final = TypeAdapter(_File)
_ROW: Final = TypeAdapter(ServingKind)
