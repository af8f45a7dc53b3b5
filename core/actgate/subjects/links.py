"""What the annotation ``actgate.dev/compliance-manifest`` links: one manifest, or ``model=manifest,...``."""

from typing import Final

from actgate.api.quoting import quoted
from actgate.decision.rule_ids import LINK_MANIFEST
from actgate.decision.subject import Link, SubjectProblem

MOST: Final = 16
"""Links of one object; each can cost a read from the API server while a request waits."""
_FIX: Final = "name one ComplianceManifest, or list model=manifest for each model, with commas between"


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
    if len(parts) > MOST:
        problems.append(_problem(path, f"Too many: {len(parts)}: must have at most {MOST} items"))
        return ()
    for part in parts:
        model, _, manifest = (piece.strip() for piece in part.rpartition("="))
        if not model or not manifest:
            problems.append(_problem(path, f"Invalid value: {quoted(part)}: must be model=manifest"))
            return ()
        if model in links:
            problems.append(_problem(path, f"Duplicate value: {quoted(model)}: link each model once"))
            return ()
        links[model] = Link(manifest, model)
    return tuple(links.values())


def _problem(path: str, message: str) -> SubjectProblem:
    return SubjectProblem(LINK_MANIFEST, path, message, _FIX)
