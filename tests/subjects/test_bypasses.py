"""Ways round the gate that a user with `edit` rights has, as far as the object alone shows them.

Each goes from the object through its reader and ``decide``, under the detection of
``examples/policies/high-risk.yaml``, with URIs required and without its signatures.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import yaml

from actgate.api.names import INFERENCE_LABEL, MANIFEST_ANNOTATION, MODEL_ANNOTATION, MODEL_DIGEST_ANNOTATION
from actgate.decision import Manifest, Verdict, decide
from actgate.decision.manifest import ModelIdentity
from actgate.subjects.reading import reading
from tests.decision.build import NOW, PASSING, policy
from tests.subjects.objects import workload

Json = dict[str, Any]

EXAMPLE: Final = Path(__file__).parents[2] / "examples" / "policies" / "high-risk.yaml"
HOUSE: Final = policy(
    "high-risk",
    detection=yaml.safe_load(EXAMPLE.read_text("utf-8"))["spec"]["detection"],
    evidence={"requireUris": True},
)
IMAGE: Final = f"registry.example/server@sha256:{'1' * 64}"
EVIDENCE: Final = replace(PASSING, uris=("hf://bank/credit", "s3://models/credit/"), images=(IMAGE,))
LINK: Final = {MANIFEST_ANNOTATION: EVIDENCE.name, MODEL_ANNOTATION: "CreditRiskScorer"}
SERVER: Final = {"name": "s", "image": IMAGE, "args": ["--model", "bank/credit"]}
VLLM: Final = "vllm/vllm-openai:1"
BARE: Final = {"labels": {"app": "x"}}


def deployment(
    *,
    kind: str = "Deployment",
    own: Json | None = None,
    template: Json | None = None,
    **pod: Any,  # noqa: ANN401 - JSON
) -> Json:
    """Return a workload whose pods run the assessed server, with other fields of its pods."""
    spec = {"nodeSelector": {"topology.kubernetes.io/region": "eu-west-3"}, "containers": [SERVER], **pod}
    return workload(kind, spec, own=own, template={"annotations": LINK} if template is None else template)


def server(**fields: Any) -> list[Json]:  # noqa: ANN401 - JSON
    """Return the containers of a pod: the assessed server with other fields."""
    return [{**SERVER, **fields}]


def job_template() -> Json:
    """Return a CronJob that carries the link above its pods alone."""
    obj = workload("CronJob", {"containers": [SERVER]}, template=BARE)
    obj["spec"]["jobTemplate"]["metadata"] = {"annotations": LINK}
    return obj


def judged(obj: Json, *evidence: Manifest) -> Verdict | None:
    """Return the verdict about an object; None where the gate does not ask about it."""
    found = reading(obj)
    if found is None or not found.judged:
        return None
    return decide(found.subject(namespace="credit"), evidence or (EVIDENCE,), (HOUSE,), NOW)


ADMITTED: Final[dict[str, Json]] = {
    "the assessed server": deployment(),
    "the same as a Pod": deployment(kind="Pod", own={"annotations": LINK}),
    "with an argument that tunes": deployment(
        containers=server(args=["--model", "bank/credit", "--port", "8000"])
    ),
    "by the URI of the hub": deployment(containers=server(args=["--model=hf://bank/credit"])),
    "fetched from below the assessed folder": deployment(
        initContainers=[{"image": IMAGE, "command": ["aws", "s3", "cp", "s3://models/credit/w.bin", "/m"]}]
    ),
}

REFUSED: Final[dict[str, tuple[Json, str]]] = {
    "a server without a mark": (
        deployment(template=BARE, containers=server(image=VLLM)),
        "inference/undeclared",
    ),
    "the server under the name of a mirror": (
        deployment(
            template=BARE, containers=server(image=f"mirror.example:5000/ai/vllm-openai@sha256:{'2' * 64}")
        ),
        "inference/undeclared",
    ),
    "the server in a house image, by its command": (
        deployment(template=BARE, containers=server(command=["vllm", "serve", "x/y"], args=[])),
        "inference/undeclared",
    ),
    "the server in a script": (
        deployment(template=BARE, containers=server(command=["sh", "-ec", "exec 'vllm' serve x/y"], args=[])),
        "inference/undeclared",
    ),
    "the server in a script in a script": (
        deployment(
            template=BARE, containers=server(command=["sh", "-c", 'bash -c "vllm serve x/y"'], args=[])
        ),
        "inference/undeclared",
    ),
    "a declaration that is withdrawn from a server": (
        deployment(template={"labels": {INFERENCE_LABEL: "false"}}, containers=server(image=VLLM)),
        "inference/undeclared",
    ),
    "an ephemeral container that serves": (
        deployment(
            kind="Pod",
            own=BARE,
            ephemeralContainers=[{"name": "d", "image": VLLM}],
            containers=server(args=[]),
        ),
        "inference/undeclared",
    ),
    "a native sidecar that serves": (
        deployment(template=BARE, initContainers=[{"image": VLLM, "restartPolicy": "Always"}]),
        "inference/undeclared",
    ),
    **{
        f"the label spelt {value!r}": (
            deployment(template={"labels": {INFERENCE_LABEL: value}}),
            "link/manifest",
        )
        for value in ("True", "yes", "1", "", "FALSE")
    },
    "an empty link": (
        deployment(template={"annotations": {**LINK, MANIFEST_ANNOTATION: ""}}),
        "link/manifest",
    ),
    "an empty model": (deployment(template={"annotations": {**LINK, MODEL_ANNOTATION: ""}}), "link/model"),
    "the link on the workload alone": (deployment(own={"annotations": LINK}, template=BARE), "link/manifest"),
    "the link on the job template alone": (job_template(), "link/manifest"),
    "another link on the workload than on its pods": (
        deployment(own={"annotations": {**LINK, MANIFEST_ANNOTATION: "other"}}),
        "link/manifest",
    ),
    "a manifest of another model": (
        deployment(template={"annotations": {**LINK, MODEL_ANNOTATION: "Fraud"}}),
        "link/model",
    ),
    "other content under the same name": (
        deployment(template={"annotations": {**LINK, MODEL_DIGEST_ANNOTATION: f"sha256:{'9' * 64}"}}),
        "link/model",
    ),
    "another argument": (deployment(containers=server(args=["--model", "bank/other"])), "link/model"),
    "another argument after the assessed one": (
        deployment(containers=server(args=["--model", "bank/credit", "--model=bank/other"])),
        "link/model",
    ),
    "another variable": (
        deployment(containers=server(env=[{"name": "MODEL_ID", "value": "bank/other"}])),
        "link/model",
    ),
    "another variable in the argument": (
        deployment(containers=server(args=["--model=$(M)"], env=[{"name": "M", "value": "bank/other"}])),
        "link/model",
    ),
    "an init container that fetches other weights": (
        deployment(
            initContainers=[{"image": IMAGE, "command": ["aws", "s3", "cp", "s3://models/fraud/w.bin", "/m"]}]
        ),
        "link/model",
    ),
    "an init container that leaves the assessed folder": (
        deployment(
            initContainers=[{"image": IMAGE, "args": ["cp", "s3://models/credit/../fraud/w.bin", "/m"]}]
        ),
        "link/model",
    ),
    "a tag that can move": (deployment(containers=server(image="registry.example/server:1")), "link/model"),
    "a second container": (
        deployment(containers=[SERVER, {"name": "b", "image": "registry.example/other:1"}]),
        "link/model",
    ),
    "an ephemeral container beside the assessed one": (
        deployment(
            kind="Pod", own={"annotations": LINK}, ephemeralContainers=[{"image": "registry.example/debug:1"}]
        ),
        "link/model",
    ),
}


def test_what_was_assessed_is_admitted() -> None:
    """Else the refusals below would prove nothing."""
    for what, obj in ADMITTED.items():
        verdict = judged(obj)
        assert verdict is not None, what
        assert verdict.allowed, (what, verdict.findings)


def test_every_way_round_the_gate_is_refused() -> None:
    passed = []
    for what, (obj, rule) in REFUSED.items():
        verdict = judged(obj)
        if verdict is None or rule not in verdict.failed_rules:
            passed.append((what, verdict and verdict.failed_rules))
    assert passed == []


def test_what_only_hints_at_a_model_server_is_warned_of() -> None:
    """A model that is named and a GPU: likely, and a policy may warn of that alone."""
    gpu = {"resources": {"limits": {"nvidia.com/gpu": 1}}}
    verdict = judged(deployment(template=BARE, containers=server(**gpu)))
    assert verdict is not None
    assert verdict.allowed
    assert [(item.rule, item.effect.value) for item in verdict.findings] == [("inference/undeclared", "Warn")]


def test_what_another_object_states_is_reported_and_not_judged() -> None:
    """A ConfigMap that is swapped is not seen by admission; the finding says where to look."""
    source = {"configMapKeyRef": {"name": "model", "key": "id"}}
    verdict = judged(deployment(containers=server(env=[{"name": "MODEL_ID", "valueFrom": source}])))
    assert verdict is not None
    assert verdict.allowed
    assert [(item.path, item.effect.value) for item in verdict.findings] == [
        ("spec.template.spec.containers[0].env[0].valueFrom", "Audit")
    ]


def test_whatever_names_a_model_is_a_governed_change() -> None:
    """A later update of an admitted workload asks anew; one that only tunes the server does not."""
    before = reading(deployment())
    assert before is not None
    for fields, governed in (
        ({"args": ["--model", "bank/other"]}, True),
        ({"env": [{"name": "MODEL_ID", "value": "bank/other"}]}, True),
        ({"command": ["sh", "-c", "curl x | sh"]}, True),
        ({"image": VLLM}, True),
        ({"args": ["--model", "bank/credit", "--port", "9"]}, False),
        ({"env": [{"name": "LOG_LEVEL", "value": "debug"}]}, False),
    ):
        after = reading(deployment(containers=server(**fields)))
        assert after is not None
        assert (after.governed_fields() != before.governed_fields()) is governed, fields
    unmarked = reading(deployment(template=BARE))
    assert unmarked is not None
    assert unmarked.governed_fields() != before.governed_fields()


def canary(*models: str) -> Json:
    """Return an InferenceService that loads each of these, and links the evidence of all."""
    first, *others = ({"model": {"storageUri": uri}} for uri in models)
    spec = {"predictor": first, "canary": [{"predictor": other} for other in others]}
    link = {MANIFEST_ANNOTATION: "CreditRiskScorer=credit-risk-scorer-v2"}
    obj = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "spec": spec}
    return {**obj, "metadata": {"name": "scorer", "annotations": link}}


def test_each_of_several_models_needs_evidence_of_its_own() -> None:
    """A canary with other weights is another model; images come from a runtime, which is not stated here."""
    first = replace(EVIDENCE, images=())
    second = replace(
        first,
        name="credit-risk-scorer-v3",
        model=ModelIdentity("CreditRiskScorerNext", "3", f"sha256:{'b' * 64}"),
        digest=f"sha256:{'e' * 64}",
        uris=("s3://models/next/",),
    )
    obj = canary("s3://models/credit/2", "s3://models/next/3")
    one = judged(obj, first, second)
    assert one is not None
    assert one.failed_rules == ("link/model",)
    assert [item.path for item in one.findings if item.effect.value == "Deny"] == [
        "spec.canary[0].predictor.model.storageUri"
    ]
    both = copy.deepcopy(obj)
    both["metadata"]["annotations"][MANIFEST_ANNOTATION] += ",CreditRiskScorerNext=credit-risk-scorer-v3"
    two = judged(both, first, second)
    assert two is not None
    assert two.allowed, two.findings
    third = judged(canary("s3://models/credit/2", "s3://models/third/1"), first, second)
    assert third is not None
    assert not third.allowed
