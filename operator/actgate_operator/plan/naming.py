"""How children are called, labelled, selected and owned.

The selector has two labels, the instance and who manages it, and nothing of the user's: a Deployment's
selector can never be changed, so a label that came from a ModelDeployment could never be changed either.
"""

import hashlib
import re
from typing import Final

from actgate.api.names import API_VERSION, LABEL_VALUE
from actgate.decision.subject import MODEL_DEPLOYMENT
from actgate_operator import names
from actgate_operator.plan.shape import Object, Order

MODEL_NAME_LABEL: Final = "app.kubernetes.io/name"
COMPONENT_LABEL: Final = "app.kubernetes.io/component"
COMPONENT: Final = "inference-server"

_LONGEST: Final = 63
_DNS_LABEL: Final = re.compile(rf"(?=.{{1,{_LONGEST}}}\Z)[a-z]([-a-z0-9]*[a-z0-9])?")
_LABEL_VALUE: Final = re.compile(rf"(?=.{{1,{_LONGEST}}}\Z){LABEL_VALUE}")
_HASH_DIGITS: Final = 8


def child_name(name: str) -> str:
    """Return what the children of a ModelDeployment are called, given its name.

    The name itself where a Service may have it (RFC 1035 label, at most 63 characters); otherwise the
    name as such a label, cut, and told apart from others by a hash of the whole name.
    """
    if _DNS_LABEL.fullmatch(name):
        return name
    told_apart = hashlib.sha256(name.encode()).hexdigest()[:_HASH_DIGITS]
    mended = name.replace(".", "-")
    if not mended[:1].isalpha():
        mended = f"m-{mended}"
    return f"{mended[: _LONGEST - _HASH_DIGITS - 1].rstrip('-')}-{told_apart}"


def selector(child: str) -> dict[str, str]:
    """Return the labels that select the pods of one model, for ever."""
    return {names.INSTANCE_LABEL: child, names.MANAGED_BY_LABEL: names.MANAGED_BY}


def selector_text(child: str) -> str:
    """Return the same selector as the text that the scale subresource shows to an autoscaler."""
    return ",".join(f"{label}={value}" for label, value in selector(child).items())


def description(order: Order) -> dict[str, str]:
    """Return labels for people and dashboards; nothing is selected by them."""
    name = order.spec.model.name
    described = {MODEL_NAME_LABEL: name} if _LABEL_VALUE.fullmatch(name) else {}
    return {**described, COMPONENT_LABEL: COMPONENT}


def metadata(order: Order) -> Object:
    """Return the metadata of a child: its name, its labels, and its owner, with whom it goes."""
    child = child_name(order.name)
    return {
        "name": child,
        "namespace": order.namespace,
        "labels": {**description(order), **selector(child)},
        "ownerReferences": [
            {
                "apiVersion": API_VERSION,
                "kind": MODEL_DEPLOYMENT,
                "name": order.name,
                "uid": order.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }
