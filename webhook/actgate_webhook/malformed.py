"""Whether the object of a review can be judged: it is what the review names, and every level has its type.

The API server sends objects of the right shape. Whoever does not gets a refusal, since a field that
is skipped because it has the wrong type is a field that nobody looked at. What values mean is the
decision's business, and which fields are read is said by the rows of ``actgate.subjects.kinds``.
"""

from typing import Any, Final

from actgate.api.quoting import cut, invalid, quoted
from actgate.subjects.kinds import kinds
from actgate.subjects.shapes import METADATA, Shape, misfits
from actgate_webhook.review import Review, ReviewedObject

Object = dict[str, Any]

_LONGEST: Final = 250
_IDENTITY: Final[Shape] = {"metadata": METADATA}


class MalformedError(Exception):
    """The object cannot be judged; one sentence that says where and what is expected."""


def readable(review: Review) -> Object:
    """Return the object that a review is about.

    Raises:
        MalformedError: It is no object of the kind and namespace that the review speaks of, or a
            level of it has a type that hides what is below it.
    """
    return _held(review, "request.object", review.object, _shape(review))


def readable_old(review: Review) -> Object | None:
    """Return the object as it is; None where only its identity can be read.

    An object that was stored in a bad shape must not stand in the way of its own repair.

    Raises:
        MalformedError: It is no object of the kind and namespace that the review speaks of.
    """
    obj = _held(review, "request.oldObject", review.old_object, _IDENTITY)
    return None if any(misfits(obj, _shape(review))) else obj


def _shape(review: Review) -> Shape:
    kind = kinds().get((review.kind.group, review.kind.kind))
    return _IDENTITY if kind is None else kind.shape


def _held(review: Review, field: str, found: ReviewedObject, shape: Shape) -> Object:
    obj = found.value
    if obj is None:
        raise MalformedError(cut(f"{field}{found.fault}", _LONGEST))
    for part in ("apiVersion", "kind", "metadata"):
        if obj.get(part) is None:
            raise MalformedError(f"{field}.{part}: Required value")
    for path, expected, value in misfits(obj, shape, field):
        raise MalformedError(cut(f"{path}: {invalid(value, expected)}", _LONGEST))
    if obj["apiVersion"] != review.kind.api_version or obj["kind"] != review.kind.kind:
        raise MalformedError(
            f"{field} must be of the kind that request.kind names, "
            f"{quoted(review.kind.kind)} of {quoted(review.kind.api_version)}"
        )
    stated = obj["metadata"].get("namespace")
    if stated is not None and stated != review.namespace:
        raise MalformedError(f"{field}.metadata.namespace must be request.namespace")
    return obj
