"""Which candidates are subjects, and which another one answers for.

Any user may write an owner reference, so one counts only where the owner is known: the same uid, group, kind
and name, in the same namespace. And it hides nothing: a pod that looks like a model server in another way
than its owner's template, or that loads something else, is a subject of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from actgate.scan.candidates import Candidate, Controller

HOPS: Final = 10
"""Owners that are followed; the longest chain on record has six."""


def by_uid(candidates: Iterable[Candidate]) -> dict[str, Candidate]:
    """Return candidates by their uid."""
    return {one.uid: one for one in candidates}


def subjects(known: Mapping[str, Candidate]) -> Iterator[Candidate]:
    """Yield the candidates that no other one answers for, in their order.

    Args:
        known: All candidates of the cluster by their uid.
    """
    return (one for one in known.values() if answering(one, known) is None)


def answering(one: Candidate, known: Mapping[str, Candidate]) -> Candidate | None:
    """Return the top object that answers for a candidate; None where it answers for itself.

    Args:
        one: The candidate.
        known: All candidates of the cluster by their uid.
    """
    if one.independent or one.controller is None:
        return None
    chain = _chain(one, known)
    if not chain or not _covered(one, chain):
        return None
    return chain[-1]


def _chain(one: Candidate, known: Mapping[str, Candidate]) -> list[Candidate]:
    """Return the known owners from the nearest to the top; none for a chain without an end."""
    chain: list[Candidate] = []
    passed, controller = {one.uid}, one.controller
    while controller is not None:
        owner = known.get(controller.uid)
        if owner is None or not _names(controller, owner) or owner.subject.namespace != one.subject.namespace:
            break
        if owner.uid in passed or len(chain) == HOPS:
            return []
        passed.add(owner.uid)
        chain.append(owner)
        controller = owner.controller
    return chain


def _names(controller: Controller, owner: Candidate) -> bool:
    found = owner.subject
    return (controller.group, controller.kind, controller.name) == (found.group, found.kind, found.name)


def _covered(one: Candidate, chain: list[Candidate]) -> bool:
    """Return whether what a candidate runs is what its owners say."""
    serving = any(not owner.complete for owner in chain)
    if one.complete:
        return (
            one.idle or serving or (_signals((one,)) <= _signals(chain) and _loads((one,)) <= _loads(chain))
        )
    # An object of a serving system under another one: what it loads may be another model.
    return serving and _loads((one,)) <= _loads(chain) and _images((one,)) <= _images(chain)


def _signals(candidates: Iterable[Candidate]) -> set[str]:
    """Return the rules that signals match; not the values, since admission may pin or move an image."""
    return {
        signal.id
        for one in candidates
        if one.subject.detection is not None
        for signal in one.subject.detection.signals
    }


def _loads(candidates: Iterable[Candidate]) -> set[str]:
    return {reference.value for one in candidates for reference in one.subject.references}


def _images(candidates: Iterable[Candidate]) -> set[str]:
    return {image for one in candidates for _, image in one.subject.images}
