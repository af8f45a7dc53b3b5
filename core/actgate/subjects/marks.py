"""Marks: labels and annotations by which a user says that a workload serves a model, and on which evidence.

A mark that is nearly right was meant: every key that begins like actgate's own declares, only the label
``actgate.dev/inference: "false"`` does not, and one that actgate does not know is a problem. Nothing raises.
The match conditions of the webhook's registration, which are generated, say in CEL what ``is_mark`` and
``declares`` say.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from actgate.api.names import (
    INFERENCE_LABEL,
    MANIFEST_ANNOTATION,
    MODEL_ANNOTATION,
    MODEL_DIGEST_ANNOTATION,
    MODEL_VERSION_ANNOTATION,
    OWN_KEYS,
    PROVIDER_ANNOTATION,
)
from actgate.api.quoting import quoted
from actgate.decision.rule_ids import LINK_MANIFEST, LINK_MODEL
from actgate.decision.subject import SubjectProblem
from actgate.subjects.pods import Json, Places, map_at, unreadable

LINKS: Final = (
    MANIFEST_ANNOTATION,
    MODEL_ANNOTATION,
    MODEL_VERSION_ANNOTATION,
    MODEL_DIGEST_ANNOTATION,
    PROVIDER_ANNOTATION,
)
"""Annotations that link a workload to its evidence, the most important one first."""

_KNOWN: Final = frozenset({INFERENCE_LABEL, *LINKS})
_FIELDS: Final = ("labels", "annotations")
BEGINS_LIKE_OURS: Final = re.compile(r"act[._-]?gate", re.IGNORECASE)
"""At the beginning of a key; the webhook's registration asks by the same."""


@lru_cache(maxsize=4096)  # The same few keys stand on every object of a cluster.
def is_mark(key: object) -> bool:
    """Return whether a key of labels or annotations was meant for actgate, spelt rightly or not."""
    return (
        isinstance(key, str)
        and key[:1] in ("a", "A")
        and BEGINS_LIKE_OURS.match(key) is not None
        and key not in OWN_KEYS
    )


def marks_in(metadata: Json, field: str) -> dict[str, Any]:
    """Return the marks among the labels or the annotations of a metadata."""
    return {key: value for key, value in map_at(metadata, field).items() if is_mark(key)}


def declares(metadata: Json) -> bool:
    """Return whether labels or annotations say that a model is served."""
    for field in _FIELDS:
        for key, value in map_at(metadata, field).items():
            if is_mark(key) and (key != INFERENCE_LABEL or value != "false"):
                return True
    return False


def problems(kind: str, places: Places) -> Iterator[SubjectProblem]:
    """Yield the marks of a workload that cannot be meant as they are written or where they stand.

    Args:
        kind: Of the workload, for the words.
        places: What ``metadata_of`` returns of it.
    """
    for path, metadata in places:
        for field in _FIELDS:
            stated = metadata.get(field)
            if not stated:
                continue
            if not isinstance(stated, Mapping):
                yield unreadable(LINK_MANIFEST, f"{path}.{field}", "an object", stated)
                continue
            for key, value in stated.items():
                if key not in _KNOWN:
                    if is_mark(key):
                        yield _unknown(f"{path}.{field}[{key}]", key)
                elif key == INFERENCE_LABEL:
                    if not isinstance(value, str):
                        yield _no_string(f"{path}.{field}[{key}]", value)
                elif field == "labels" and key not in map_at(metadata, "annotations"):
                    yield _label(path, key)
    if len(places) > 1:
        yield from _left_above(kind, places)


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
        f"{path[: path.index('[')]}[{quoted(key)[1:-1]}]",
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


def _left_above(kind: str, places: Places) -> Iterator[SubjectProblem]:
    """Yield what stands above the pod template and not in it: its pods would be outside the gate."""
    *above, (path, template) = places
    stated = {key for _, metadata in above for key in map_at(metadata, "annotations")}
    missing = []
    if stated:
        pods = map_at(template, "annotations")
        missing = [key for key in LINKS if key in stated and key not in pods]
    labelled = any(
        map_at(metadata, field).get(INFERENCE_LABEL, "false") != "false"
        for _, metadata in above
        for field in _FIELDS
    )
    if not missing and not labelled:
        return
    bare = not declares(template)
    if labelled and bare:
        missing.append(INFERENCE_LABEL)
    if not missing:
        return
    field = "labels" if missing[0] == INFERENCE_LABEL else "annotations"
    lacking = "carry the link" if bare else "carry the whole link"
    yield SubjectProblem(
        LINK_MANIFEST,
        f"{path}.{field}[{missing[0]}]",
        f"Required value: the pods of this {kind} must {lacking}; only stated above: {', '.join(missing)}",
        f"add the same annotations and label to {path}",
    )
