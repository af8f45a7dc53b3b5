"""Chains of owners: from an object to the one that answers for it, and what that one lends to it.

Anyone may write ``ownerReferences``, and the API server does not check that an owner exists. So an owner
counts only when the object of that group, kind and name in the same namespace was read, and has the uid that
the reference states. A chain lends the link and the identity of the model; it exempts nothing. What a pod
runs, and where, is read from the pod itself.

The border: objects in, facts out. ``Walk`` says what to read next; its caller reads, from wherever.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NamedTuple

from actgate.api.quoting import quoted
from actgate.decision.subject import Added, Lent, Owner, Subject
from actgate.subjects.command_line import Budget
from actgate.subjects.fields import CONTAINERS, MAPS, Json, map_at, object_at
from actgate.subjects.kinds import Kind
from actgate.subjects.reading import Row, Table, reading
from actgate.subjects.running import Revision, Running, moment, running, template_digest
from actgate.subjects.signals import runs

MOST_HOPS: Final = 10
"""The longest chains of serving systems have seven: a NIMService down to the pods of its Knative revision."""

_VERSION: Final = re.compile(r"v[0-9][a-z0-9]{0,30}")


class Reference(NamedTuple):
    """The controller that an object names as its owner."""

    group: str
    version: str
    kind: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"{self.kind} {quoted(self.name)}"


class Part(NamedTuple):
    """What a pod runs or mounts as an image."""

    path: str
    image: object
    runs: object
    """What names a model besides the image; of a volume nothing."""


@dataclass(frozen=True, slots=True)
class OwnerObject:
    """What is kept of an object that owns others."""

    kind: Row
    name: str
    uid: str
    controller: Reference | None
    """The owner of the owner."""
    lends: Lent | None
    """What it lends as the top of a chain; None for a kind that is never judged."""
    provider: str | None
    """Whose codes the regions are that its pods name."""
    parts: Mapping[str, Part] | None
    """What its pod template has, by name; None where it has none, or one that its controller completes."""
    template: str | None
    """Digest of its pod template, but for the labels that a controller adds."""
    created: datetime | None
    """When the API server created it."""
    running: Running
    """What its status says of its pods."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The verified owners of an object, the nearest first."""

    owners: tuple[OwnerObject, ...] = ()
    broken: str = ""
    """Why an owner that is named does not count, in a clause; none of the others lends anything then."""
    revision: Revision | None = None
    """The ControllerRevision of the pod's template, where it was asked for and found."""
    kept: bool = field(default=False, compare=False)
    """Whether one of the owners was kept from an earlier read."""

    @property
    def top(self) -> OwnerObject | None:
        """The object that answers: the last one of a kind that is judged; None where there is none."""
        if self.broken:
            return None
        return next((one for one in reversed(self.owners) if one.lends is not None), None)


def controller_of(obj: Json) -> Reference | None:
    """Return the one owner that an object names as its controller; None where it names none.

    A reference that the API server would not take counts as none: what stands alone gets nothing.
    """
    references = map_at(obj, "metadata").get("ownerReferences")
    for stated in references if isinstance(references, list) else ():
        if not isinstance(stated, MAPS) or stated.get("controller") is not True:
            continue
        version, *rest = (stated.get(key) for key in ("apiVersion", "kind", "name", "uid"))
        if not isinstance(version, str) or not all(isinstance(value, str) and value for value in rest):
            return None
        group, _, number = version.rpartition("/")
        kind, name, uid = map(str, rest)
        return Reference(group, number, kind, name, uid) if _VERSION.fullmatch(number) else None
    return None


class Walk:
    """One walk from an object up its chain: read ``wanted``, ``take`` what came, until nothing is wanted.

    It ends at an object without a controller, at a kind that is not known or lives outside of namespaces,
    after ``MOST_HOPS``, on a repeat, and at an owner that is not there or is another one.
    """

    def __init__(self, obj: Json, table: Table) -> None:
        self._table = table
        self._owners: list[OwnerObject] = []
        self._broken = ""
        self._seen = {str(map_at(obj, "metadata").get("uid") or "")} - {""}
        self.wanted: Reference | None = None
        """The owner to read next, in the namespace of the object; None at the end."""
        self._follow(controller_of(obj))

    @property
    def chain(self) -> Chain:
        """The chain as far as it was walked."""
        return Chain(tuple(self._owners), self._broken)

    def row(self, reference: Reference) -> Row:
        """Return the row of an owner that is wanted."""
        return self._table.rows[reference.group, reference.kind]

    def take(self, owner: OwnerObject | None) -> None:
        """Go on with what was found by the group, kind and name that was wanted; None for nothing."""
        wanted, self.wanted = self.wanted, None
        if wanted is None:
            return
        if owner is None:
            self._broken = f"{wanted} does not exist in its namespace"
        elif owner.uid != wanted.uid:
            self._broken = f"{wanted} is another object: it has another uid"
        else:
            self._owners.append(owner)
            self._follow(owner.controller)

    def _follow(self, reference: Reference | None) -> None:
        if reference is None:
            return
        row = self._table.rows.get((reference.group, reference.kind))
        if row is None or not _namespaced(row):
            return
        if reference.uid in self._seen:
            self._broken = f"{reference} owns itself"
        elif len(self._owners) == MOST_HOPS:
            self._broken = f"it has more than {MOST_HOPS} owners"
        else:
            self._seen.add(reference.uid)
            self.wanted = reference


def owner_object(obj: Json, row: Row) -> OwnerObject:
    """Return what is kept of an owner, as the API server has it."""
    metadata = map_at(obj, "metadata")
    read = reading(obj, row)
    return OwnerObject(
        kind=row,
        name=str(metadata.get("name")),
        uid=str(metadata.get("uid")),
        controller=controller_of(obj),
        lends=_lends(read.subject()) if read is not None else None,
        provider=read.provider if read is not None else None,
        parts=_parts(obj, row) if _holds_template(row) else None,
        template=_template(obj, row),
        created=moment(metadata.get("creationTimestamp")),
        running=running(obj),
    )


def owned(subject: Subject, chain: Chain, obj: Json, row: Row) -> Subject:
    """Return a subject with what the chain of its owners lends to it, or why it lends nothing.

    Every container and image volume that it has in common with a template of the chain must be the same
    image. What it has besides is ``added``: a policy says whether that was injected.

    Args:
        subject: What is read of the object by itself.
        chain: Its owners.
        obj: The object.
        row: Its row.
    """
    top = chain.top
    if top is None or top.lends is None:
        return replace(subject, alone=chain.broken) if chain.broken else subject
    own, added, whole, unchanged = _parts(obj, row), dict[str, Added](), True, True
    for owner in chain.owners[: chain.owners.index(top) + 1]:
        if owner.parts is None:
            whole = False
            continue
        # What is left out counts, too: it may be what guards the model.
        unchanged = unchanged and owner.parts.keys() <= own.keys()
        for name, part in own.items():
            stated = owner.parts.get(name)
            if stated is None:
                added[part.path] = Added(part.path, name, str(part.image))
            elif stated.image != part.image:
                alone = f"{part.path} is not the image that {owner.kind.kind} {quoted(owner.name)} states"
                return replace(subject, alone=alone)
            elif stated.runs != part.runs:
                unchanged = False
    lent = replace(top.lends, added=tuple(added.values()), compared=whole and unchanged, unchanged=unchanged)
    return replace(subject, lent=lent, declared=subject.declared or lent.declared)


def _lends(subject: Subject) -> Lent:
    return Lent(
        owner=Owner(subject.group, subject.kind, subject.name),
        declared=subject.declared,
        links=subject.links,
        model=subject.model,
        reference_path=subject.reference_path,
        model_path=subject.model_path,
        logging=subject.logging,
        logging_path=subject.logging_path,
    )


def _namespaced(row: Row) -> bool:
    return isinstance(row, Kind) or row.scope == "Namespaced"


def _holds_template(row: Row) -> bool:
    """Return whether objects of a kind hold the whole template of their pods, and are no pods themselves."""
    return isinstance(row, Kind) and not row.pods.overlay and len(row.pods.spec.steps) > 1


def _parts(obj: Json, row: Row) -> dict[str, Part]:
    if not isinstance(row, Kind):
        return {}
    pod, path = object_at(obj, row.pods.spec), row.pods.spec.text
    budget = Budget()
    found = {
        name: Part(f"{at}.image", item.get("image"), runs(item, budget))
        for listed in CONTAINERS
        for at, name, item in _named(pod, listed, path)
    }
    for at, name, volume in _named(pod, "volumes", path):
        if volume.get("image") is not None:
            # A container and a volume may have one name; no container's name has a slash.
            image = map_at(volume, "image").get("reference")
            found[f"volumes/{name}"] = Part(f"{at}.image.reference", image, None)
    return found


def _named(pod: Json, part: str, path: str) -> Iterator[tuple[str, str, Json]]:
    listed = pod.get(part)
    for index, item in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(item, MAPS):
            yield f"{path}.{part}[{index}]", str(item.get("name")), item


def _template(obj: Json, row: Row) -> str | None:
    """Return the digest of the template from which an object makes pods, where that is ``spec.template``."""
    if isinstance(row, Kind) and row.pods.spec.text != "spec.template.spec":
        return None
    return template_digest(map_at(obj, "spec").get("template"))
