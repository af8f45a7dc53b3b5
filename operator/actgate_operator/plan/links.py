"""The links on a pod template by which the webhook judges pods by their ModelDeployment's evidence.

They win over what the overlay says: a pod must not claim another model, or a version that its
ModelDeployment does not state.
"""

from typing import Final

from actgate.api.names import (
    INFERENCE_LABEL,
    MANIFEST_ANNOTATION,
    MODEL_ANNOTATION,
    MODEL_DIGEST_ANNOTATION,
    MODEL_VERSION_ANNOTATION,
    PROVIDER_ANNOTATION,
)
from actgate_operator import names
from actgate_operator.plan import naming
from actgate_operator.plan.order import Order
from actgate_operator.plan.shape import Object

_OURS: Final = frozenset(
    {
        MANIFEST_ANNOTATION,
        MODEL_ANNOTATION,
        MODEL_DIGEST_ANNOTATION,
        MODEL_VERSION_ANNOTATION,
        names.MANIFEST_DIGEST_ANNOTATION,
    }
)


def pod_metadata(order: Order, stated: Object) -> Object:
    """Return the metadata of the pod template: the user's labels and annotations, and the links."""
    selected = naming.selector(naming.child_name(order.name))
    labels = {**naming.description(order), **stated.get("labels", {}), **selected, INFERENCE_LABEL: "true"}
    kept = {key: value for key, value in stated.get("annotations", {}).items() if key not in _OURS}
    return {**stated, "labels": labels, "annotations": {**_provider_above(order), **kept, **_links(order)}}


def digest_annotation(order: Order) -> dict[str, str]:
    """Return the annotation that says on which evidence a model was let run, where there is some."""
    return {names.MANIFEST_DIGEST_ANNOTATION: order.manifest_digest} if order.manifest_digest else {}


def _links(order: Order) -> dict[str, str]:
    model = order.spec.model
    stated = {
        MANIFEST_ANNOTATION: order.spec.compliance_manifest_ref.name,
        MODEL_ANNOTATION: model.name,
        MODEL_VERSION_ANNOTATION: model.version,
        MODEL_DIGEST_ANNOTATION: model.digest,
        PROVIDER_ANNOTATION: _provider(order),
    }
    return {name: value for name, value in stated.items() if value} | digest_annotation(order)


def _provider(order: Order) -> str | None:
    """Return the provider of the placement, where all of its regions state one and the same."""
    regions = order.spec.placement.regions if order.spec.placement else []
    stated = [region.provider for region in regions]
    known = {provider.strip().lower() if provider else None for provider in stated}
    return stated[0] if len(known) == 1 else None


def _provider_above(order: Order) -> dict[str, str]:
    return {PROVIDER_ANNOTATION: order.provider} if order.provider else {}
