"""The kinds that are judged, as ``kinds.yaml`` describes them: one row each, checked when they are loaded.

``kinds()`` is the only way to ask what is judged, and where its parts stand.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Annotated, ClassVar, Final, Literal

import yaml
from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from actgate.api.names import MANIFEST_ANNOTATION, MODEL_ANNOTATION
from actgate.api.paths import dotted
from actgate.api.quoting import quoted
from actgate.subjects.fields import ANYTHING, MARKED, METADATA, POD, Path, Shape

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PATH: Final = re.compile(r"[a-zA-Z]+(\.[a-zA-Z]+)*")
_Plural = Annotated[str, Field(pattern=r"^[a-z]+$")]


class UnusableKindsError(Exception):
    """Rows that cannot be used; one sentence that says where and why."""


def _path(text: object) -> Path:
    if not isinstance(text, str) or not _PATH.fullmatch(text):
        raise ValueError("must be names of fields with dots between them")
    return Path(text, tuple(text.split(".")))


def _only(pods: object) -> object:
    if not isinstance(pods, list) or len(pods) != 1:
        raise ValueError("must list one PodSpec")
    return pods[0]


_Path = Annotated[Path, BeforeValidator(_path)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """Pods that an object makes, or is."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    spec: _Path
    metadata: _Path
    overlay: bool = False
    """Whether it is merged over pods that the operator plans, and may leave out what it does not change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One row; the file says what its fields mean. What is made of them is not in the file."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    group: Annotated[str, Field(pattern=r"^[a-z0-9.-]*$")]
    kind: Annotated[str, Field(pattern=r"^[A-Z][a-zA-Z]*$")]
    plural: _Plural
    subresources: tuple[_Plural, ...] = ()
    judged: Literal["always", "declared"]
    marks: tuple[_Path, ...] = ()
    """From the outside in; that of the pods, which the file does not repeat, comes last."""
    pods: Annotated[Pods, BeforeValidator(_only)]
    images: tuple[_Path, ...] = ()
    manifest: _Path | None = None
    model: _Path | None = None
    placement: _Path | None = None
    governed: tuple[_Path, ...] = ()
    logging: _Path | None = None

    always: bool = field(init=False)
    """Whether it is judged without a mark, too."""
    reference: str = field(init=False)
    """Where the manifest is named: in its field, or in the annotation of the pods."""
    model_path: str = field(init=False)
    """Where the model is named: in the object around its fields, or in the annotation of the pods."""
    levels: Shape = field(init=False)
    """Of what type each level must be on the way to a mark."""
    shape: Shape = field(init=False)
    """Of what type everything must be that is read of it."""

    def __post_init__(self) -> None:
        """Work out once what every reading asks for."""
        marks = (*self.marks, self.pods.metadata)
        annotations = f"{self.pods.metadata.text}.annotations"
        fields = [(path, METADATA) for path in (_path("metadata"), *marks)] + [(self.pods.spec, POD)]
        fields += [(path, {}) for path in (self.model,) if path] + [(path, str) for path in self.images]
        fields += [
            (path, ANYTHING) for path in (self.manifest, self.placement, self.logging, *self.governed) if path
        ]
        for name, value in {
            "always": self.judged == "always",
            "marks": marks,
            "reference": self.manifest.text if self.manifest else f"{annotations}[{MANIFEST_ANNOTATION}]",
            "model_path": self.model.text if self.model else f"{annotations}[{MODEL_ANNOTATION}]",
            "levels": _nested((path, MARKED) for path in marks),
            "shape": _nested(fields),
        }.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    format: Literal["actgate.kinds/1"]
    kinds: list[Kind]


@cache
def kinds() -> Mapping[tuple[str, str], Kind]:
    """Return each kind that is judged by its group and kind, in the order of the file."""
    rows = read((files(__package__) / "kinds.yaml").read_text(encoding="utf-8"))
    return {(row.group, row.kind): row for row in rows}


def read(text: str) -> list[Kind]:
    """Read rows.

    Raises:
        UnusableKindsError: They are not of this format, or a kind or its plural is a duplicate.
    """
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 - a safe loader, the fast one where there is one
        rows = TypeAdapter(_File).validate_python(document).kinds
    except yaml.YAMLError as error:
        raise UnusableKindsError(f"invalid YAML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UnusableKindsError(f"{dotted(first['loc'])}: {first['msg']}") from error
    names = [(row.group, name) for row in rows for name in (row.kind, row.plural)]
    for group, name in names:
        if names.count((group, name)) > 1:
            raise UnusableKindsError(f"kinds: Duplicate value: {quoted(name)} of group {quoted(group)}")
    return rows


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
