"""What the Event of a controller says about a child that the webhook refused, and what is reported of it.

Any user may create Events in a namespace of their own. So nothing of an Event is believed but what it claims
is then verified, and of its text nothing is used but the ids of rules that exist.
"""

import re
from typing import Final, NamedTuple

from actgate.api.names import GROUP, OUTSIDE_NAMESPACES
from actgate.api.quoting import quoted
from actgate.decision.rule_ids import LINK_MANIFEST
from actgate.decision.rules import BY_ID
from actgate.kube.objects import Object
from actgate.subjects.owners import Chain, OwnerObject, Reference, controller_of

REASON: Final = "ChildRefused"
"""Of the Event that is written."""

_DENIED: Final = re.compile(
    rf'admission webhook "[a-z0-9-]{{1,63}}\.{re.escape(GROUP)}" denied the request: (.*)', re.DOTALL
)
_LINE: Final = re.compile(r"^\[([a-z]+/[a-z]+)\] ", re.MULTILINE)
"""A finding, as ``actgate.decision.verdict`` writes it below the headline."""
_LONGEST: Final = 8192
"""Characters of an Event's text that are read."""
_LONGEST_NAME: Final = 253
"""Characters of a name, a kind or a uid: what is remembered of a claim is bounded."""
_MOST_FIXES: Final = 3
"""Rules whose remediation fits into an Event besides their names."""


class Denial(NamedTuple):
    """A claim: that the webhook refused what an object creates, by these rules."""

    namespace: str
    maker: Reference
    """The object that the child would belong to."""
    rules: tuple[str, ...]
    """Ids of rules, in the order of the refusal, each once."""


class Reported(NamedTuple):
    """What is to be reported about the object that answers for a child that was refused."""

    top: Object
    """Enough of it to name it in an Event."""
    message: str


def denial_of(event: Object) -> Denial | None:
    """Return what an Event (events.k8s.io/v1) claims; None for one that is about something else."""
    note, regarding = event.get("note"), event.get("regarding")
    if not isinstance(note, str) or not isinstance(regarding, dict):
        return None
    found = _DENIED.search(note[:_LONGEST])
    namespace = event["metadata"].get("namespace")
    if found is None or not namespace or namespace in OUTSIDE_NAMESPACES:
        return None
    rules = _rules(found[1])
    maker = controller_of(_child({**regarding, "controller": True}))
    if not rules or maker is None or regarding.get("namespace") != namespace:
        return None
    if any(len(part) > _LONGEST_NAME for part in maker):
        return None
    return Denial(namespace, maker, rules)


def _rules(refusal: str) -> tuple[str, ...]:
    """Return the ids of rules that a refusal names: in its headline, and one before each finding."""
    named = refusal.partition(": ")[0].partition(" and ")[0].split(", ")
    return tuple(dict.fromkeys(rule for rule in (*named, *_LINE.findall(refusal)) if rule in BY_ID))


def child_of(maker: Reference) -> Object:
    """Return as much of the child of an object as it takes to walk its owners."""
    version = f"{maker.group}/{maker.version}" if maker.group else maker.version
    stated = {"apiVersion": version, "kind": maker.kind, "name": maker.name, "uid": maker.uid}
    return _child({**stated, "controller": True})


def _child(reference: Object) -> Object:
    return {"metadata": {"ownerReferences": [reference]}}


def reported(denial: Denial, chain: Chain) -> Reported | None:
    """Return what is to be reported; None where the controller's own Event is on the object that answers.

    Args:
        denial: What is claimed.
        chain: The verified owners of the child, the first of which is the maker.
    """
    top = chain.top
    if top is None or top is chain.owners[0] or top.kind.group == GROUP:
        # The status of a ModelDeployment says it already.
        return None
    at = chain.owners.index(top)
    named_by = chain.owners[at - 1].controller
    group, version = top.kind.group, named_by.version if named_by is not None else ""
    thing = {
        "apiVersion": f"{group}/{version}" if group else version,
        "kind": top.kind.kind,
        "metadata": {"namespace": denial.namespace, "name": top.name, "uid": top.uid},
    }
    return Reported(thing, _message(denial, chain.owners[0], top))


def _message(denial: Denial, maker: OwnerObject, top: OwnerObject) -> str:
    fixes = [f"{rule}: {_fix(rule, denial.namespace, top)}" for rule in denial.rules[:_MOST_FIXES]]
    return (
        f"what {maker.kind.kind} {quoted(maker.name)} creates is refused: {', '.join(denial.rules)}. "
        f"{top.kind.kind} {quoted(top.name)} answers for it and links its evidence in {_place(top)}. "
        f"Fix {' '.join(fixes)}"
    )


def _fix(rule: str, namespace: str, top: OwnerObject) -> str:
    if rule != LINK_MANIFEST or top.lends is None:
        return BY_ID[rule].remediation
    if not top.lends.links:
        return f"set {_place(top)} to the name of a ComplianceManifest in namespace {quoted(namespace)}."
    names = ", ".join(quoted(name) for name in sorted({link.manifest for link in top.lends.links}))
    return (
        f"apply ComplianceManifest {names} to namespace {quoted(namespace)}, or name one there that exists."
    )


def _place(top: OwnerObject) -> str:
    return top.lends.reference_path if top.lends is not None else "its metadata"
