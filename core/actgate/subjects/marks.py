"""Marks: labels and annotations by which a user says that a workload serves a model, and on which evidence.

A mark that is nearly right was meant: every key that begins like actgate's own declares, only the label
``actgate.dev/inference: "false"`` does not, and one that actgate does not know is a problem. Nothing raises.
The match conditions of the webhook's registration, which are generated, say in CEL what ``is_mark`` and
``declares`` say.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from actgate.api.names import (
    INFERENCE_LABEL,
    LOGGING_ANNOTATION,
    MANIFEST_ANNOTATION,
    MODEL_ANNOTATION,
    MODEL_DIGEST_ANNOTATION,
    MODEL_VERSION_ANNOTATION,
    OWN_KEYS,
    PROVIDER_ANNOTATION,
)
from actgate.api.quoting import quoted
from actgate.decision.rule_ids import LINK_MANIFEST, LINK_MODEL
from actgate.decision.subject import Link, SubjectProblem
from actgate.subjects.fields import Json, unreadable

LINKS: Final = (
    MANIFEST_ANNOTATION,
    MODEL_ANNOTATION,
    MODEL_VERSION_ANNOTATION,
    MODEL_DIGEST_ANNOTATION,
    PROVIDER_ANNOTATION,
)
"""Annotations that link a workload to its evidence, the most important one first."""

MOST_LINKS: Final = 16
"""Links of one object; each can cost a read from the API server while a request waits."""

_KNOWN: Final = frozenset({INFERENCE_LABEL, LOGGING_ANNOTATION, *LINKS})
_FIELDS: Final = ("labels", "annotations")
BEGINS_LIKE_OURS: Final = re.compile(r"act[._-]?gate", re.IGNORECASE)
"""At the beginning of a key; the webhook's registration asks by the same."""


class Place(NamedTuple):
    """A metadata in which marks are read; of an object, its own comes first, and that of its pods last."""

    path: str
    metadata: Json
    labels: Json
    annotations: Json
    """Empty, as the labels, where they are no object."""


@lru_cache(maxsize=4096)  # The same few keys stand on every object of a cluster.
def is_mark(key: object) -> bool:
    """Return whether a key of labels or annotations was meant for actgate, spelt rightly or not."""
    return (
        isinstance(key, str)
        and key[:1] in ("a", "A")
        and BEGINS_LIKE_OURS.match(key) is not None
        and key not in OWN_KEYS
    )


def marks_in(stated: Json) -> Json:
    """Return the marks among labels or annotations."""
    return {key: value for key, value in stated.items() if is_mark(key)}


def declares(places: Iterable[Place]) -> bool:
    """Return whether any labels or annotations say that a model is served."""
    for place in places:
        for stated in (place.labels, place.annotations):
            for key, value in stated.items():
                if is_mark(key) and (key != INFERENCE_LABEL or value != "false"):
                    return True
    return False


def problems(kind: str, places: list[Place]) -> Iterator[SubjectProblem]:
    """Yield the marks of a workload that cannot be meant as they are written or where they stand.

    Args:
        kind: Of the workload, for the words.
        places: Where they are read.
    """
    for place in places:
        for field in _FIELDS:
            path, stated = f"{place.path}.{field}", place.metadata.get(field)
            if not stated:
                continue
            if not isinstance(stated, Mapping):
                yield unreadable(LINK_MANIFEST, path, "an object", stated)
                continue
            for key, value in stated.items():
                if key not in _KNOWN:
                    if is_mark(key):
                        yield _unknown(path, key)
                elif key == INFERENCE_LABEL:
                    if not isinstance(value, str):
                        yield _no_string(f"{path}[{key}]", value)
                elif field == "labels" and key not in place.annotations:
                    yield _label(place.path, key)
    if len(places) > 1:
        yield from _left_above(kind, places)


def annotation_in(places: list[Place], name: str, rule: str, problems: list[SubjectProblem]) -> str | None:
    """Return an annotation of an object.

    Two different values are a problem, and so is one that is no string.
    """
    found = [(place.path, place.annotations[name]) for place in places if name in place.annotations]
    if not found:
        return None
    path, value = found[0]
    if len(found) > 1 and any(other != value for _, other in found):
        problems.append(
            SubjectProblem(
                rule,
                f"{path}.annotations[{name}]",
                f"Invalid value: {quoted(value)}: the workload and its pod template must state the same "
                f"{name}",
                "state the same value in both places, or in the pod template alone",
            )
        )
        return None
    if not isinstance(value, str):
        problems.append(unreadable(rule, f"{path}.annotations[{name}]", "a string", value))
        return None
    return value or None


def links_in(text: str, path: str, problems: list[SubjectProblem]) -> tuple[Link, ...]:
    """Return what an annotation links; nothing of it where a part of it cannot be meant as it is written.

    Args:
        text: The annotation's value: the name of a ComplianceManifest, or ``model=manifest`` for each model.
        path: The field, for the words.
        problems: Takes what is wrong.
    """
    if "=" not in text and "," not in text:
        return (Link(text),)
    links: dict[str, Link] = {}
    parts = text.split(",")
    if len(parts) > MOST_LINKS:
        problems.append(_no_link(path, f"Too many: {len(parts)}: must have at most {MOST_LINKS} items"))
        return ()
    for part in parts:
        model, _, manifest = (piece.strip() for piece in part.rpartition("="))
        if not model or not manifest:
            problems.append(_no_link(path, f"Invalid value: {quoted(part)}: must be model=manifest"))
            return ()
        if model in links:
            problems.append(_no_link(path, f"Duplicate value: {quoted(model)}: link each model once"))
            return ()
        links[model] = Link(manifest, model)
    return tuple(links.values())


def close_to(name: str) -> str | None:
    """Return the key of ours that is spelt most like another one, if any is."""
    plain = {_plain(known): known for known in sorted(_KNOWN)}
    near = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=0.6)
    return plain[near[0]] if near else None


def _plain(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.rpartition("/")[2].lower())


def _unknown(path: str, key: str) -> SubjectProblem:
    near = close_to(key)
    hint = f"; did you mean {near}?" if near else ""
    return SubjectProblem(
        LINK_MANIFEST,
        f"{path}[{quoted(key)[1:-1]}]",
        f"Unsupported value: {quoted(key)}: begins like a key of actgate, and is not one{hint}",
        f"write {near}, or remove the key" if near else f"remove the key, or write one of {', '.join(LINKS)}",
    )


def _no_string(path: str, value: object) -> SubjectProblem:
    text = quoted(str(value).lower() if isinstance(value, bool) else value)
    return SubjectProblem(
        LINK_MANIFEST,
        path,
        f"Invalid value: {text[1:-1]}: must be a string",
        'write "true" or "false" in quotes; the API server takes only strings',
    )


def _label(path: str, key: str) -> SubjectProblem:
    rule = LINK_MANIFEST if key in (MANIFEST_ANNOTATION, PROVIDER_ANNOTATION) else LINK_MODEL
    return SubjectProblem(
        rule,
        f"{path}.labels[{key}]",
        f"Unsupported value: {quoted(key, 128)}: is read from annotations, not from labels",
        f"state {path}.annotations[{key}] instead",
    )


def _no_link(path: str, message: str) -> SubjectProblem:
    fix = "name one ComplianceManifest, or list model=manifest for each model, with commas between"
    return SubjectProblem(LINK_MANIFEST, path, message, fix)


def _left_above(kind: str, places: list[Place]) -> Iterator[SubjectProblem]:
    """Yield what stands above the pod template and not in it: its pods would be outside the gate."""
    *above, template = places
    stated = {key for place in above for key in place.annotations}
    missing = [key for key in LINKS if key in stated and key not in template.annotations]
    labelled = any(
        found.get(INFERENCE_LABEL, "false") != "false"
        for place in above
        for found in (place.labels, place.annotations)
    )
    if not missing and not labelled:
        return
    bare = not declares([template])
    if labelled and bare:
        missing.append(INFERENCE_LABEL)
    if not missing:
        return
    field = "labels" if missing[0] == INFERENCE_LABEL else "annotations"
    lacking = "carry the link" if bare else "carry the whole link"
    yield SubjectProblem(
        LINK_MANIFEST,
        f"{template.path}.{field}[{missing[0]}]",
        f"Required value: the pods of this {kind} must {lacking}; only stated above: {', '.join(missing)}",
        f"add the same annotations and label to {template.path}",
    )
