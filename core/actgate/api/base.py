"""What the three resources share: strict models in camelCase, bounded scalars, Kubernetes objects.

Strict means that a string is never taken for a number or a boolean, and that an unknown field is an
error: the API server says the same, and evidence that is read generously proves nothing.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from actgate.api.durations import CALENDAR_FORM, parse_duration
from actgate.api.names import SUBDOMAIN
from actgate.api.times import parse_timestamp


class Model(BaseModel):
    """A strict, immutable part of a resource; snake_case in Python, camelCase on the wire."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        defer_build=True,
    )


def _valid_duration(text: str) -> str:
    parse_duration(text)
    return text


Timestamp = Annotated[
    datetime,
    BeforeValidator(parse_timestamp, json_schema_input_type=str),
    Field(strict=False, json_schema_extra={"format": "date-time"}),
]
"""An RFC 3339 date-time with a zone; held in UTC."""

Duration = Annotated[
    str,
    AfterValidator(_valid_duration),
    # For the API server only: the validator says the same in plainer words.
    Field(
        min_length=2,
        max_length=24,
        json_schema_extra={"pattern": f"^{CALENDAR_FORM}$"},
    ),
]
"""Hours, minutes and seconds in that order, such as ``8760h``."""

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$", max_length=71)]
"""An artefact's SHA-256 in the notation of OCI descriptors."""

ImageDigestReference = Annotated[str, Field(pattern=r"^[^@\s]+@sha256:[0-9a-f]{64}$", max_length=512)]
"""A container image named by digest, so that what was assessed is what runs."""

ObjectName = Annotated[
    str,
    Field(pattern=f"^{SUBDOMAIN}$", min_length=1, max_length=253),
]
"""A name as RFC 1123 subdomains allow it, which is what Kubernetes asks of object names."""

Counter = Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})]
"""A generation or a count that the API server keeps in 64 bits."""

ShortText = Annotated[str, Field(min_length=1, max_length=253)]


def is_blank(text: str) -> bool:
    """Return whether a text shows nothing: white space, controls and characters without a shape."""
    if text and text.isprintable() and not text.isspace():
        return False
    return not any(char.isprintable() and not char.isspace() for char in text)


def _named(text: str) -> str:
    if is_blank(text):
        raise ValueError("must be a name, not blank")
    return text


Name = Annotated[
    str,
    AfterValidator(_named),
    Field(min_length=1, max_length=253, json_schema_extra={"pattern": r"^\s*\S[\s\S]*$"}),
]
"""The name of something in the world, such as a model or a group of persons."""
Text = Annotated[str, Field(min_length=1, max_length=1024)]
LongText = Annotated[str, Field(min_length=1, max_length=4096)]


class Resource(BaseModel):
    """A whole Kubernetes object: type, metadata and spec; status is not ours to read here."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, defer_build=True)

    api_version: str
    kind: str
    metadata: dict[str, Any]


class CloudRegion(Model):
    """A place where computing happens, in the words of the cloud provider."""

    provider: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    """Cloud provider, such as aws, azure, gcp, ovhcloud. Without it a region code that several
    providers use must be allowed for every one of them."""
    region: ShortText
    """Region or zone code of that provider, such as eu-west-3 or europe-west9-b."""
    statement: Text | None = None
    """The words in which the source stated the place, kept where they say more than the code."""
