"""What every object of the Kubernetes API carries: a key and a version."""

import sys
from collections.abc import Mapping
from typing import Any

from actgate.kube.errors import Unintelligible

Object = dict[str, Any]
"""An object as its JSON says; the items of a list of a built-in kind lack `apiVersion` and `kind`."""

Key = tuple[str, str]
"""(namespace, name); the namespace of a cluster-scoped object is the empty string."""


def key_of(thing: Mapping[str, Any]) -> Key:
    """Return the key of an object, or raise `Unintelligible`: the API server sends none without."""
    try:
        metadata = thing["metadata"]
        # A cache of many objects has each namespace once.
        return sys.intern(metadata.get("namespace") or ""), metadata["name"]
    except (AttributeError, KeyError, TypeError):
        raise Unintelligible("the API server sent an object without a name") from None


def version_of(thing: Mapping[str, Any]) -> int:
    """Return the `resourceVersion` of an object or a list as a number.

    Versions of one resource can be compared as decimal numbers: every API server in use counts
    them up, and since Kubernetes 1.35 the API promises it.
    """
    try:
        return int(thing["metadata"]["resourceVersion"])
    except (KeyError, TypeError, ValueError):
        raise Unintelligible("the API server sent no numeric resourceVersion") from None


def labels_of(thing: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the labels of an object."""
    return dict(thing["metadata"].get("labels") or {})
