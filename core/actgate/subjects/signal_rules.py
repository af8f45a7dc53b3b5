"""The rules of ``signals.yaml``, checked when they are loaded."""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Annotated, ClassVar, Final, Literal

import yaml
from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FORBID: Final = ConfigDict(extra="forbid")
_Id = Annotated[str, Field(pattern=r"^[a-z]+/[a-z-]+$")]
Pattern = Annotated[re.Pattern[str], BeforeValidator(lambda text: re.compile(text, re.ASCII))]
Strength = Literal["strong", "weak"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRule:
    """An image that serves models, by its name."""

    __pydantic_config__: ClassVar = _FORBID

    id: _Id
    tier: Strength
    last: Pattern | None = None
    path: Pattern | None = None
    not_last: Pattern | None = None
    host: Pattern | None = None
    tag: Pattern | None = None

    def matches(self, image: "ImageName") -> bool:
        """Return whether an image has this name."""
        last = image.path.rpartition("/")[2]
        if not (
            (self.last is not None and self.last.fullmatch(last))
            or (self.path is not None and self.path.fullmatch(image.path))
        ):
            return False
        return (
            (self.not_last is None or not self.not_last.fullmatch(last))
            and (self.host is None or self.host.fullmatch(image.host) is not None)
            and (self.tag is None or self.tag.fullmatch(image.tag) is not None)
        )


@dataclass(frozen=True, slots=True)
class ImageName:
    """An image reference in parts, in lower case."""

    host: str
    path: str
    tag: str


def image_name(reference: str) -> ImageName:
    """Return the parts of an image reference, host and path apart as distribution/reference has them."""
    name = reference.lower().partition("@")[0]
    head, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        head, tag = name, ""
    host, slash, path = head.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, path = "", head
    return ImageName(host, path.removeprefix("library/"), tag)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRule:
    """Words in a row that start a model server."""

    __pydantic_config__: ClassVar = _FORBID

    id: _Id
    words: tuple[str, ...]
    first: bool = False
    model_after: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HintRule:
    """What a model server often has, and others have too."""

    __pydantic_config__: ClassVar = _FORBID

    id: _Id
    family: Literal["model", "hub", "engine", "volume", "gpu", "probe"]
    loads: bool = False
    """Whether the value is what is loaded, and not only what it is called."""
    uri: bool = False
    """Whether the value is ``spec.model.uri`` of a ModelDeployment, and is read as that is."""
    flags: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    env_prefix: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    volume: str | None = None
    resources: tuple[Pattern, ...] = ()
    claims: bool = False
    probes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRule:
    """Labels that the controllers of serving kinds, or charts, put on pods."""

    __pydantic_config__: ClassVar = _FORBID

    id: _Id
    tier: Strength
    keys: tuple[str, ...]
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetches:
    """What an init container fetches."""

    __pydantic_config__: ClassVar = _FORBID

    schemes: tuple[str, ...]
    files: tuple[str, ...]
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRules:
    """The whole file."""

    __pydantic_config__: ClassVar = _FORBID

    format: Literal["actgate.signals/1"]
    images: tuple[ImageRule, ...]
    commands: tuple[CommandRule, ...]
    hints: tuple[HintRule, ...]
    labels: tuple[LabelRule, ...]
    training_owners: frozenset[str]
    fetches: Fetches


@cache
def signal_rules() -> SignalRules:
    """Return the rules."""
    text = (files(__package__) / "signals.yaml").read_text(encoding="utf-8")
    document = yaml.load(text, _Loader)  # noqa: S506 - a safe loader, the fast one where there is one
    return TypeAdapter(SignalRules).validate_python(document)


@lru_cache(maxsize=4096)  # The same few hundred images run everywhere in a cluster.
def image_rule(reference: str) -> ImageRule | None:
    """Return the first rule that an image matches, if any does; strong ones stand first."""
    name = image_name(reference)
    return next((rule for rule in signal_rules().images if rule.matches(name)), None)
