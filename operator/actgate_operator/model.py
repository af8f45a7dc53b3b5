"""Whether a ModelDeployment can be worked with at all.

The API server holds objects against the schema when they are written, and never again: one that is older
than the schema may be anything.
"""

from itertools import islice
from typing import Final

from actgate import manifests
from actgate.kube.objects import Object

_MOST: Final = 8
"""Problems of a spec that a message lists."""


class UnusableModelError(Exception):
    """The spec is not what the schema requires; the message says where, and how to fix it."""

    reason = "InvalidSpec"
    """Reason of the conditions, CamelCase."""


def check(model: Object) -> None:
    """Return for a spec that can be worked with.

    Raises:
        UnusableModelError: It cannot.
    """
    spec = model.get("spec")
    if not isinstance(spec, dict):
        raise UnusableModelError("spec: Required value: apply the ModelDeployment again with a spec")
    found = [*islice(manifests.model_spec_problems(spec), _MOST)]
    if found:
        problems = "; ".join(f"{item.path}: {item.message}" for item in found)
        fix = found[0].remediation if len(found) == 1 else "correct the spec"
        raise UnusableModelError(f"{problems}; fix: {fix}, and apply it again")
