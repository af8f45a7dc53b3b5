"""Lines of decisions as a webhook writes them, made of documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

from actgate.api.times import timestamp
from actgate.decision import Manifest, Policy, Subject, Verdict
from actgate.decision.decide import decide_under
from actgate.decision.exemptions import Exemption
from actgate.decision.policies import BASELINE
from actgate.manifests import read_manifest, verifier_for
from actgate.records.chain import decision_fields
from actgate.records.record import Outcome, RecordedObject, strongest, used_exemptions
from actgate.subjects.workload import Workload
from tests.decision.build import NOW
from tests.records.build import recorded
from tests.webhook.build import NAMESPACE, manifest_object, model_deployment

Json = dict[str, Any]

OBJECT = model_deployment()
MANIFEST = manifest_object()
UNFAIR = manifest_object(bias=[{"metric": "demographic_parity_difference", "value": -0.2}])
HOUSE: Json = {
    "apiVersion": "actgate.dev/v1alpha1",
    "kind": "CompliancePolicy",
    "metadata": {"name": "house"},
    "spec": {"bias": {"maxDifference": 0.02}, "evidence": {"maxAge": "720h"}},
}


def decided(
    manifest: Json | None = MANIFEST,
    policies: tuple[Policy, ...] = (BASELINE,),
    exemptions: tuple[Exemption, ...] = (),
    *,
    obj: Json = OBJECT,
    now: datetime = NOW,
    alter: Callable[[Verdict], Verdict] = lambda verdict: verdict,
    lending: Callable[[Subject], Subject] = lambda subject: subject,
    **stated: Any,  # noqa: ANN401 - fields of a record
) -> Json:
    """Return the line of a decision, as the webhook writes it and a verifier reads it."""
    subject = lending(Workload(obj).subject(namespace=NAMESPACE))
    found: tuple[Manifest, ...] = ()
    if manifest is not None:
        found = (read_manifest(manifest, verifier_for(policies), from_api_server=True),)
    verdict = alter(decide_under(policies, subject, found, now, exemptions=exemptions))
    described = RecordedObject("actgate.dev", "v1alpha1", "ModelDeployment", NAMESPACE, "scorer")
    record = recorded(
        Outcome(verdict.outcome),
        verdict=verdict,
        rules=strongest(verdict.findings),
        policies=policies,
        manifests=found,
        exemptions=used_exemptions(verdict, exemptions),
        subject=subject,
        object=described.with_content(orjson.dumps(obj), obj),
        **stated,
    )
    line: Json = json.loads(json.dumps(decision_fields(record)))
    return {**line, "time": timestamp(now, "microseconds")}
