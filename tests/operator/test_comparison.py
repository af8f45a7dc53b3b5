"""Whether an object is as planned is judged by its values: defaults are explained, all else is named."""

from __future__ import annotations

from typing import Any

import pytest

from actgate_operator.comparison import content_of, differences
from actgate_operator.names import MANAGER
from actgate_operator.plan import plan
from actgate_sandbox.rest import APPLY_PATCH
from tests.operator.plan.build import EVIDENCE
from tests.operator.plan.golden_files import asked, cases
from tests.operator.world import World

Json = dict[str, Any]

COLLECTIONS = {
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "Service": "/api/v1/namespaces/{}/services",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
}


@pytest.mark.parametrize("case", cases())
def test_what_an_api_server_makes_of_our_own_apply_is_explained(world: World, case: str) -> None:
    """Defaults and the spelling of quantities cost no request, for every child of the kept plans."""
    for planned in plan(asked(case), EVIDENCE).children:
        metadata = {**planned["metadata"], "namespace": world.namespace}
        child = {**planned, "metadata": metadata}
        path = f"{COLLECTIONS[child['kind']].format(world.namespace)}/{metadata['name']}"
        reply = world.rest("PATCH", path, child, APPLY_PATCH, fieldManager=MANAGER, dryRun="All")
        assert reply.status in (200, 201), reply
        assert list(differences(content_of(reply.body), child)) == []
