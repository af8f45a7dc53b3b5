"""Questions that are answered and not stored: who am I, and what may I do.

The stand-in knows one administrator, who may do everything.
"""

from __future__ import annotations

from typing import NamedTuple

from actgate_sandbox.stand_in.call import User
from actgate_sandbox.stand_in.status import Object


class Review(NamedTuple):
    """One kind of question."""

    group: str
    version: str
    kind: str
    plural: str


_AUTHENTICATION, _AUTHORIZATION = "authentication.k8s.io", "authorization.k8s.io"
REVIEWS = (
    Review(_AUTHENTICATION, "v1", "SelfSubjectReview", "selfsubjectreviews"),
    Review(_AUTHORIZATION, "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews"),
    Review(_AUTHORIZATION, "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews"),
    Review(_AUTHORIZATION, "v1", "SubjectAccessReview", "subjectaccessreviews"),
)


def find_review(group: str, version: str, plural: str) -> Review | None:
    """Return the question at a path, or None."""
    wanted = (group, version, plural)
    return next((r for r in REVIEWS if (r.group, r.version, r.plural) == wanted), None)


def answer(review: Review, sent: Object, user: User) -> Object:
    """Answer a question."""
    return {
        "kind": review.kind,
        "apiVersion": f"{review.group}/{review.version}",
        "metadata": {"creationTimestamp": None},
        "spec": sent.get("spec") or {},
        "status": _status(review.kind, user),
    }


def _status(kind: str, user: User) -> Object:
    if kind == "SelfSubjectReview":
        return {"userInfo": dict(user)}
    if kind == "SelfSubjectRulesReview":
        everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
        return {"resourceRules": [everything], "nonResourceRules": [], "incomplete": False}
    return {"allowed": True, "reason": "the stand-in allows its administrator everything"}
