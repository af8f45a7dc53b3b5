"""What docs/threat-model.md says is not governed yet: a test fails when it is, and the page is to follow."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lookup.fakes import FakeEvidence, known
from tests.webhook.build import ASSESSED_IMAGE, changed, model_deployment, passing, review, workload
from tests.webhook.fakes import InProcess

SERVER: dict[str, Any] = {
    "command": ["sh", "-c", "serve /other-weights"],
    "args": ["--model", "s3://elsewhere/other-weights"],
    "env": [{"name": "MODEL_URI", "value": "s3://elsewhere/other-weights"}],
    "volumeMounts": [{"name": "weights", "mountPath": "/weights"}],
}


@pytest.mark.parametrize("field", SERVER)
async def test_what_a_server_is_configured_to_load_is_only_warned_of_without_uris_in_the_manifest(
    field: str,
) -> None:
    """The image is bound to the evidence; what it loads is where the manifest lists URIs, or must."""
    ask = InProcess(FakeEvidence(known(passing())))
    model = model_deployment(server={"image": ASSESSED_IMAGE, field: SERVER[field]})
    assert (await ask(review(model))).allowed
    plain = changed(workload(), f"spec.template.spec.containers.0.{field}", SERVER[field])
    assert (await ask(review(plain))).allowed


async def test_where_weights_are_loaded_from_is_only_warned_of_without_uris_in_the_manifest() -> None:
    """Beside the right name and version."""
    ask = InProcess(FakeEvidence(known(passing())))
    stated = {"name": "CreditRiskScorer", "version": "2", "uri": "s3://elsewhere/other-weights"}
    assert (await ask(review(model_deployment(model=stated)))).allowed


async def test_weights_in_a_volume_are_compared_with_nothing() -> None:
    """A claim can hold anything."""
    ask = InProcess(FakeEvidence(known(passing())))
    volumes = [{"name": "weights", "persistentVolumeClaim": {"claimName": "any"}}]
    assert (await ask(review(changed(workload(), "spec.template.spec.volumes", volumes)))).allowed


async def test_a_workload_without_label_and_link_is_not_judged() -> None:
    """A user who may create Pods can run a model without saying so."""
    ask = InProcess(FakeEvidence())
    assert (await ask(review(workload("Pod", labels={"app": "llm"}, annotations={})))).allowed
