"""``actgate inspect``: what is read of each object, and why it is judged or not. No verdict is made."""

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from actgate.api.quoting import printable
from actgate.cli.exits import Exit
from actgate.decision.subject import SignalTier, Subject
from actgate.documents import Document
from actgate.subjects.kinds import Kind
from actgate.subjects.reading import Row, Table, reading

Why = Literal["Always", "Declared", "Detected", "Unmarked", "Never", "UnknownKind", "NoObject"]
_WIDTH: Final = 12
"""Characters of a title in the text."""


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class Value(_Part):
    """A field and its value."""

    path: str = Field(description="the field")
    value: str = Field(description="what it holds")


class Shown(Value):
    """A signal of a model server."""

    id: str = Field(description="rule of docs/detection.md that it matches, such as image/vllm")


class Model(_Part):
    """A model by its name."""

    name: str = Field(description="its name")
    version: str | None = Field(None, description="its version, where it is stated")
    digest: str | None = Field(None, description="its SHA-256 digest, where it is stated")


class Place(_Part):
    """A region that the object may run in."""

    path: str = Field(description="the field")
    provider: str | None = Field(None, description="cloud provider, where it is stated")
    region: str = Field(description="region or zone, as it is stated")


class Linked(_Part):
    """A link to evidence."""

    manifest: str = Field(description="name of the ComplianceManifest")
    model: str | None = Field(None, description="the model that it is about, where the link says so")


class Unreadable(Value):
    """A field that cannot be read; the rule fails where the object is judged."""

    rule: str = Field(description="the rule that fails")


class Inspected(_Part):
    """What is read of one object."""

    place: str = Field(description="file and line")
    api_version: str = Field(description="apiVersion; empty where it states none")
    kind: str = Field(description="kind; empty where it states none")
    namespace: str = Field("", description="namespace that it is judged in")
    name: str = Field("", description="its name, or generateName")
    judged: bool = Field(description="whether the gate judges it")
    why: Why = Field(description="why it is judged, or is not")
    reason: str = Field(description="the same in a sentence")
    tier: SignalTier | None = Field(None, description="strongest tier of its signals; null without any")
    signals: list[Shown] = Field(default=[], description="by what it looks like a model server")
    model: Model | None = Field(None, description="the model that it names by itself")
    links: list[Linked] = Field(default=[], description="the evidence that it links")
    link_at: str = Field("", description="where to link it")
    references: list[Value] = Field(default=[], description="what it loads as a model: URIs and names")
    images: list[Value] = Field(default=[], description="every image that it states")
    placement: list[Place] = Field(default=[], description="where it may run; empty where it states nothing")
    unstated: list[str] = Field(
        default=[], description="fields whose value another object holds: not stated here"
    )
    problems: list[Unreadable] = Field(default=[], description="fields that cannot be read")


class Inspection(_Part):
    """The report of `actgate inspect -o json`."""

    format: Literal["actgate.inspect/1"] = Field("actgate.inspect/1", description="this format")
    objects: list[Inspected] = Field(description="each object of the input, in its order")

    @property
    def exit(self) -> Exit:
        """The exit code: 3 where nothing of the input is judged."""
        return Exit.PASSED if any(item.judged for item in self.objects) else Exit.NOTHING


def inspect(documents: Iterable[Document], namespace: str, table: Table) -> Inspection:
    """Return what is read of each document.

    Args:
        documents: The input.
        namespace: Of objects that state none.
        table: The kinds that are known.
    """
    return Inspection(objects=[_inspected(document, namespace, table) for document in documents])


def render(found: Inspection, output_format: str) -> str:
    """Return the report as ``text`` or ``json``."""
    if output_format == "json":
        return found.model_dump_json(by_alias=True, indent=2) + "\n"
    return "\n".join("".join(f"{printable(line)}\n" for line in _lines(item)) for item in found.objects)


def _inspected(document: Document, namespace: str, table: Table) -> Inspected:
    obj = document.value
    if not isinstance(obj, dict):
        return Inspected(
            place=document.place(),
            api_version="",
            kind="",
            judged=False,
            why="NoObject",
            reason="not an object with fields",
        )
    row = table.row_of(obj)
    head = {
        "place": document.place(),
        "api_version": _text(obj.get("apiVersion")),
        "kind": _text(obj.get("kind")),
    }
    read = reading(obj, row) if row is not None else None
    if read is None:
        why, reason = _unread(row)
        return Inspected(**head, judged=False, why=why, reason=reason)
    stated = obj.get("metadata")
    own = stated.get("namespace") if isinstance(stated, dict) else None
    subject = read.subject(namespace=own if isinstance(own, str) and own else namespace)
    why, reason = _why(subject, row)
    return Inspected(**head, judged=read.judged, why=why, reason=reason, **_read(subject))


def _read(subject: Subject) -> dict[str, object]:
    """Return the fields of a report that are those of a subject."""
    detection, model = subject.detection, subject.model
    return {
        "namespace": subject.namespace,
        "name": subject.name,
        "tier": detection.tier if detection else None,
        "signals": [
            Shown(id=item.id, path=item.path, value=item.value)
            for item in (detection.signals if detection else ())
        ],
        "model": Model(name=model.name, version=model.version, digest=model.digest) if model else None,
        "links": [Linked(manifest=item.manifest, model=item.model) for item in subject.links],
        "link_at": subject.reference_path,
        "references": [Value(path=item.path, value=item.value) for item in subject.references],
        "images": [Value(path=path, value=image) for path, image in subject.images],
        "placement": [
            Place(path=path, provider=region.provider, region=region.code)
            for path, region in subject.placement or ()
        ],
        "unstated": list(subject.unstated),
        "problems": [
            Unreadable(rule=item.rule, path=item.path, value=item.message) for item in subject.problems
        ],
    }


def _why(subject: Subject, row: Row | None) -> tuple[Why, str]:
    if row is not None and row.judged == "always":
        return "Always", f"judged: every {subject.kind} is"
    if subject.declared:
        return "Declared", "judged: a label or annotation of actgate says that it serves a model"
    if subject.detection is not None:
        tier = subject.detection.tier.lower()
        return "Detected", f"judged: its signals are {tier}, and the policy says what follows"
    return "Unmarked", "not judged: it declares nothing, and nothing shows that it serves a model"


def _unread(row: Row | None) -> tuple[Why, str]:
    if row is None or isinstance(row, Kind):
        return "UnknownKind", "not judged: no row says how this kind is read (--kinds FILE adds rows)"
    return "Never", f"never judged: {row.because} answer for it"


def _lines(item: Inspected) -> Iterator[str]:
    called = "/".join(part for part in (item.namespace, item.name) if part)
    yield f"{item.place}: {item.api_version} {item.kind} {called}".rstrip()
    yield f"  {item.reason}"
    rows: list[tuple[str, Iterable[str]]] = [
        ("signal", (f"{one.id}: {one.path}: {one.value}" for one in item.signals)),
        ("model", [" ".join(filter(None, (item.model.name, item.model.version, item.model.digest)))]
         if item.model else []),
        ("link", (f"{one.model}={one.manifest}" if one.model else one.manifest for one in item.links)),
        ("link at", [item.link_at] if item.link_at and not item.links else []),
        ("loads", (f"{one.path}: {one.value}" for one in item.references)),
        ("image", (f"{one.path}: {one.value}" for one in item.images)),
        ("placement", (f"{one.path}: {one.provider or '?'}/{one.region}" for one in item.placement)),
        ("not stated", item.unstated),
        ("problem", (f"{one.path}: {one.value}" for one in item.problems)),
    ]  # fmt: skip
    for title, lines in rows:
        for line in lines:
            yield f"  {title:{_WIDTH}}{line}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
