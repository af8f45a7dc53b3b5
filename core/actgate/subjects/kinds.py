"""The kinds that are judged, as ``kinds.yaml`` describes them: one row each, checked when they are loaded.

``kinds()`` and ``kind_of`` are the only ways to ask what is judged, and where its parts stand.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Final, Literal, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from actgate.api.names import MANIFEST_ANNOTATION, MODEL_ANNOTATION
from actgate.api.paths import dotted
from actgate.api.quoting import quoted
from actgate.subjects.shapes import ANYTHING, MARKED, METADATA, POD, Shape

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MODEL: Final = ("name", "version", "digest")
_Plural = Annotated[str, Field(pattern=r"^[a-z]+$")]
_PathText = Annotated[str, Field(pattern=r"^[a-zA-Z]+(\.[a-zA-Z]+)*$")]


class UnusableKindsError(Exception):
    """Rows that cannot be used; one sentence that says where and why."""


class Path(NamedTuple):
    """Where a field stands, from the root of the object."""

    text: str
    """The steps with dots between them."""
    steps: tuple[str, ...]

    @property
    def parent(self) -> "Path":
        """The field around it."""
        return Path(self.text.rpartition(".")[0], self.steps[:-1])


@dataclass(frozen=True, slots=True)
class Pods:
    """Pods that an object makes, or is."""

    spec: Path
    metadata: Path
    overlay: bool
    """Whether it is merged over pods that the operator plans, and may leave out what it does not change."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One row; the file says what each field means."""

    group: str
    kind: str
    plural: str
    subresources: tuple[str, ...]
    always: bool
    """Judged always; else where a mark says that it serves a model."""
    marks: tuple[Path, ...]
    """Each metadata in which marks are read, from the outside in, those of the pods last."""
    pods: Pods
    images: tuple[Path, ...]
    manifest: Path | None
    reference: str
    """Where the manifest is named: that field, or the annotation of the pods."""
    model: tuple[Path, ...]
    """Name, version and digest; empty where annotations state them."""
    model_path: str
    """Where the model is named: the object around them, or the annotation of the pods."""
    placement: Path | None
    governed: tuple[Path, ...]
    levels: Shape
    """Of what type each level must be on the way to a mark."""
    shape: Shape
    """Of what type everything must be that is read of it."""


@cache
def kinds() -> Mapping[tuple[str, str], Kind]:
    """Return each kind that is judged by its group and kind, in the order of the file."""
    rows = read((files(__package__) / "kinds.yaml").read_text(encoding="utf-8"))
    return {(row.group, row.kind): row for row in rows}


def kind_of(obj: Mapping[str, Any]) -> Kind | None:
    """Return the row of an object; None where it is not of a kind that is judged."""
    kind, version = obj.get("kind"), obj.get("apiVersion")
    if not isinstance(kind, str) or not isinstance(version, str):
        return None
    return kinds().get((version.rpartition("/")[0], kind))


def row_of(obj: Mapping[str, Any]) -> Kind:
    """Return the row of an object; a kind that is not judged is read as a Pod, so that nothing raises."""
    return kind_of(obj) or kinds()["", "Pod"]


def read(text: str) -> list[Kind]:
    """Read rows.

    Raises:
        UnusableKindsError: They are not of this format, or a kind or its plural stands twice.
    """
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 - a safe loader, the fast one where there is one
        rows = _File.model_validate(document).kinds
    except yaml.YAMLError as error:
        raise UnusableKindsError(f"invalid YAML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UnusableKindsError(f"{dotted(first['loc'])}: {first['msg']}") from error
    names = [(row.group, name) for row in rows for name in (row.kind, row.plural)]
    for group, name in names:
        if names.count((group, name)) > 1:
            raise UnusableKindsError(f"kinds: Duplicate value: {quoted(name)} of group {quoted(group)}")
    return [_kind(row) for row in rows]


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Pods(_Checked):
    spec: _PathText
    metadata: _PathText
    overlay: bool = False


class _Row(_Checked):
    group: Annotated[str, Field(pattern=r"^[a-z0-9.-]*$")]
    kind: Annotated[str, Field(pattern=r"^[A-Z][a-zA-Z]*$")]
    plural: _Plural
    subresources: list[_Plural] = []
    judged: Literal["always", "declared"]
    marks: list[_PathText] = []
    pods: Annotated[list[_Pods], Field(min_length=1, max_length=1)]
    images: list[_PathText] = []
    manifest: _PathText | None = None
    model: _PathText | None = None
    placement: _PathText | None = None
    governed: list[_PathText] = []


class _File(_Checked):
    format: Literal["actgate.kinds/1"]
    kinds: list[_Row]


def _path(text: str) -> Path:
    return Path(text, tuple(text.split(".")))


def _paths(texts: Iterable[str]) -> tuple[Path, ...]:
    return tuple([_path(text) for text in texts])


def _kind(row: _Row) -> Kind:
    (pods,) = row.pods
    marks = _paths([*row.marks, pods.metadata])
    anything = [path for path in (row.manifest, row.placement, *row.governed) if path]
    fields = [(path, METADATA) for path in (_path("metadata"), *marks)] + [(_path(pods.spec), POD)]
    fields += [(path, {}) for path in _paths([row.model] if row.model else [])]
    fields += [(path, str) for path in _paths(row.images)] + [(path, ANYTHING) for path in _paths(anything)]
    return Kind(
        group=row.group,
        kind=row.kind,
        plural=row.plural,
        subresources=tuple(row.subresources),
        always=row.judged == "always",
        marks=marks,
        pods=Pods(_path(pods.spec), _path(pods.metadata), pods.overlay),
        images=_paths(row.images),
        manifest=_path(row.manifest) if row.manifest else None,
        reference=row.manifest or f"{pods.metadata}.annotations[{MANIFEST_ANNOTATION}]",
        model=_paths(f"{row.model}.{field}" for field in _MODEL) if row.model else (),
        model_path=row.model or f"{pods.metadata}.annotations[{MODEL_ANNOTATION}]",
        placement=_path(row.placement) if row.placement else None,
        governed=_paths(row.governed),
        levels=_nested((path, MARKED) for path in marks),
        shape=_nested(fields),
    )


def _nested(fields: Iterable[tuple[Path, Shape]]) -> Shape:
    """Return the shape of an object in which each field has a shape of its own."""
    nested: Shape = {}
    for path, shape in fields:
        level = nested
        for step in path.steps[:-1]:
            level = level.setdefault(step, {})
        if shape is not ANYTHING or path.steps[-1] not in level:
            level[path.steps[-1]] = shape
    return nested
