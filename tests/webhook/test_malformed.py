from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any, Final

import pytest

from actgate.lookup.judge import SubjectJudge
from actgate.records.record import Outcome
from actgate.subjects.workload import Workload
from actgate_webhook.bodies import LARGE
from actgate_webhook.judge import Judge
from actgate_webhook.review import decode
from tests.decision.build import NOW
from tests.lookup.fakes import FakeEvidence, known
from tests.subjects.objects import TEMPLATE_PATHS
from tests.webhook.build import MANIFEST, body_of, changed, model_deployment, passing, review, workload

SOURCE = FakeEvidence(known(passing()))
MODEL, DEPLOYMENT = model_deployment(), workload()


async def reason(document: dict[str, Any]) -> str:
    judgement = await Judge(SubjectJudge(SOURCE, lambda: NOW)).judge(decode(body_of(document)), within=4.0)
    assert judgement.outcome is Outcome.MALFORMED, judgement
    return judgement.reason


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (review(None), "request.object: Required value: must be an object"),
        (review(MODEL, operation="UPDATE"), "request.oldObject: Required value: must be an object"),
        (review(MODEL, {}), "request.oldObject.apiVersion: Required value"),
        (
            review({"apiVersion": "v1", "kind": "Pod", "spec": {"managedFields": []}}),
            "request.object.metadata: Required value",
        ),
        (
            changed(review(MODEL), "request.object", "x"),
            'request.object: Invalid value: "x": must be',
        ),
        (
            changed(review(MODEL), "request.object.kind", "ConfigMap"),
            '"ModelDeployment" of "actgate.dev/v1al',
        ),
        (changed(review(MODEL), "request.object.apiVersion", "v1"), "must be of the kind that request.kind"),
        (changed(review(MODEL), "request.kind.kind", "ConfigMap"), "must be of the kind that request.kind"),
        (
            changed(review(MODEL), "request.object.metadata", "x"),
            'request.object.metadata: Invalid value: "x": must be an object',
        ),
        (
            changed(review(MODEL), "request.namespace", "other"),
            "metadata.namespace must be request.namespace",
        ),
        (changed(review(MODEL), "request.object.metadata.namespace", "other"), "metadata.namespace must be"),
    ],
)
async def test_an_object_that_is_not_what_was_asked_about_is_refused(
    document: dict[str, Any], words: str
) -> None:
    """The question and the object must speak of one thing, else one is judged and another allowed."""
    assert words in await reason(document)


@pytest.mark.parametrize("field", ["object", "oldObject"])
async def test_an_update_without_one_of_its_objects_is_refused(field: str) -> None:
    """Absent is not the same as unchanged."""
    document = review(MODEL, MODEL)
    del document["request"][field]
    assert f"request.{field} is missing" in await reason(document)


async def test_a_namespaced_object_without_a_namespace_is_refused() -> None:
    """Without a namespace there is no place where its manifest could be."""
    question = changed(review(MODEL), "request.namespace", "")
    del question["request"]["object"]["metadata"]["namespace"]
    assert "request.namespace is missing" in await reason(question)


REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"


@pytest.mark.parametrize(
    ("obj", "path", "value"),
    [
        (MODEL, "spec", []),
        (MODEL, "spec.model", "CreditRiskScorer"),
        (MODEL, "spec.complianceManifestRef", "name"),
        (MODEL, "spec.placement", []),
        (MODEL, "spec.server", "image"),
        (MODEL, "spec.server.image", {}),
        (MODEL, "spec.podTemplate", []),
        (MODEL, "spec.podTemplate.spec", "x"),
        (MODEL, "spec.podTemplate.metadata", "x"),
        (MODEL, "metadata.annotations", []),
        (MODEL, "metadata.labels", "x"),
        (DEPLOYMENT, "spec.template.metadata.labels", []),
        (DEPLOYMENT, "spec.template.spec", []),
        (DEPLOYMENT, "spec.template.spec.containers", {}),
        (DEPLOYMENT, "spec.template.spec.initContainers", ["x"]),
        (DEPLOYMENT, "spec.template.spec.containers.0.image", 1),
        (DEPLOYMENT, "spec.template.spec.volumes", [{"image": {"reference": []}}]),
        (DEPLOYMENT, "spec.template.spec.volumes", [{"image": "x"}]),
        (DEPLOYMENT, "spec.template.spec.nodeSelector", "eu"),
        (DEPLOYMENT, "spec.template.spec.affinity", []),
        (workload("CronJob"), "spec.jobTemplate.spec.template.spec.containers", "x"),
        (workload("CronJob"), "spec.jobTemplate.metadata", []),
        (workload("CronJob"), "spec.jobTemplate.metadata", {"labels": "x"}),
        (workload("CronJob"), "spec.jobTemplate.metadata", {"annotations": ["x"]}),
        (workload("Pod"), "spec.containers", "x"),
    ],
)
async def test_a_level_of_the_wrong_type_is_refused_and_named(
    obj: dict[str, Any], path: str, value: object
) -> None:
    """What cannot be looked into is not skipped; the sentence begins with the field."""
    message = await reason(review(changed(obj, path, value)))
    named = path.replace(".0.", "[0].")
    assert message.startswith(f"request.object.{named}")
    assert ": Invalid value: " in message
    assert ": must be a" in message


async def test_an_object_stored_in_a_bad_shape_can_be_repaired() -> None:
    """The old object need not be readable: the new one is judged in full."""
    broken = changed(MODEL, "spec.podTemplate", {"spec": "x"})
    judgement = await Judge(SubjectJudge(SOURCE, lambda: NOW)).judge(
        decode(body_of(review(MODEL, broken))), within=4.0
    )
    assert judgement.outcome is Outcome.PASS


async def test_a_foreign_kind_is_not_looked_into() -> None:
    """A kind of another group may have our name and any shape."""
    foreign = {
        "apiVersion": "example.com/v1",
        "kind": "Deployment",
        "metadata": {"namespace": "credit"},
        "spec": 7,
    }
    document = changed(review(MODEL), "request.object", foreign)
    document["request"]["kind"] = {"group": "example.com", "version": "v1", "kind": "Deployment"}
    judgement = await Judge(SubjectJudge(SOURCE, lambda: NOW)).judge(decode(body_of(document)), within=4.0)
    assert judgement.outcome is Outcome.NOT_JUDGED


class Recorded(dict[str, Any]):
    """An object that notes which of its fields are asked for, whether they are there or not."""

    def __init__(self, value: dict[str, Any], path: str, asked: set[str]) -> None:
        super().__init__({key: recorded(item, f"{path}.{key}", asked) for key, item in value.items()})
        self._path, self._asked = path, asked

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - as a dict's
        """Note and return a field."""
        self._asked.add(f"{self._path}.{key}")
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - as a dict's
        self._asked.add(f"{self._path}.{key}")
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._asked.add(f"{self._path}.{key}")
        return super().__contains__(key)


def recorded(value: Any, path: str, asked: set[str]) -> Any:  # noqa: ANN401 - JSON
    """Return a JSON value that notes what is asked of it."""
    if isinstance(value, dict):
        return Recorded(value, path, asked)
    return [recorded(item, f"{path}[]", asked) for item in value] if isinstance(value, list) else value


FULL_POD: Final = {
    "initContainers": [{"name": "a", "image": "a:1", "env": []}],
    "containers": [{"name": "b", "image": "b:1", "env": []}],
    "ephemeralContainers": [{"name": "c", "image": "c:1"}],
    "volumes": [{"name": "w", "image": {"reference": "w:1", "pullPolicy": "Always"}}],
    "nodeSelector": {"topology.kubernetes.io/region": "eu-west-3"},
    "affinity": {
        "nodeAffinity": {
            REQUIRED: {
                "nodeSelectorTerms": [
                    {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]},
                    {
                        "matchExpressions": [
                            {
                                "key": "topology.kubernetes.io/region",
                                "operator": "In",
                                "values": ["eu-west-3"],
                            }
                        ]
                    },
                ]
            }
        }
    },
    "tolerations": [],
}


def full(kind: str) -> dict[str, Any]:
    """Return an object in which everything is filled in that a decision could read."""
    if kind == "ModelDeployment":
        template = {"metadata": {"annotations": {"a": "b"}, "labels": {"c": "d"}}, "spec": FULL_POD}
        obj = changed(model_deployment(podTemplate=template), "spec.model.digest", f"sha256:{'d' * 64}")
    else:
        obj = changed(workload(kind), ".".join((*TEMPLATE_PATHS[kind], "spec")), FULL_POD)
    if kind == "CronJob":
        links = {"labels": {"team": "credit"}, "annotations": {"actgate.dev/compliance-manifest": MANIFEST}}
        obj = changed(obj, "spec.jobTemplate.metadata", links)
    noise = {"managedFields": [{"manager": "m"}], "generation": 3, "annotations": {"note": "x"}}
    obj["metadata"] = {**noise, **obj["metadata"]}
    return obj


def replaced(value: Any, steps: list[str]) -> Any:  # noqa: ANN401 - JSON
    """Return a JSON value with a number in place of the field that the steps lead to."""
    if not steps:
        return 7
    step, *rest = steps
    if step == "[]":
        return [replaced(value[0], rest), *value[1:]]
    return {**value, step: replaced(value[step], rest)}


def steps_to(value: Any) -> Iterator[tuple[str, list[str]]]:  # noqa: ANN401 - JSON
    """Yield each field, as ``Recorded`` names it, and the way to the first of that name."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield f".{key}", [key]
            yield from ((f".{key}{name}", [key, *steps]) for name, steps in steps_to(item))
    elif isinstance(value, list) and value:
        yield from ((f"[]{name}", ["[]", *steps]) for name, steps in steps_to(value[0]))


@pytest.mark.parametrize("kind", ["ModelDeployment", *TEMPLATE_PATHS])
async def test_whatever_a_decision_asks_for_must_have_its_type(kind: str) -> None:
    """A field that subject, classification or governed fields read is refused as a number."""
    asked: set[str] = set()
    obj = full(kind)
    whole = recorded(obj, "", asked)
    read = Workload(whole)
    read.subject(namespace="credit")
    read.governed_fields()
    tried = [(name, steps) for name, steps in steps_to(obj) if name in asked]
    assert {".metadata", ".spec"} < {name for name, _ in tried}
    judge = Judge(SubjectJudge(SOURCE, lambda: NOW))
    assert (await judge.judge(decode(body_of(review(obj))), within=4.0)).outcome is Outcome.PASS
    for name, steps in tried:
        document = {**review(obj), "request": {**review(obj)["request"], "object": replaced(obj, steps)}}
        judgement = await judge.judge(decode(body_of(document)), within=4.0)
        assert judgement.outcome in (Outcome.FAIL, Outcome.MALFORMED), name


@pytest.mark.parametrize("kind", ["ModelDeployment", *TEMPLATE_PATHS])
def test_an_object_is_read_whole_but_for_its_managed_fields(kind: str) -> None:
    """The digest in the decision log is that of what was judged; managedFields are not in it."""
    obj = full(kind)
    obj["spec"]["other"] = {"managedFields": [1]}
    read = decode(body_of(review(obj))).object.value
    del obj["metadata"]["managedFields"]
    assert read == obj


def test_managed_fields_of_a_large_object_are_never_parsed() -> None:
    """A body of 7 MiB could become 250 MiB of objects that are dropped at once."""
    obj = full("Deployment")
    obj["metadata"]["managedFields"] = [[] for _ in range(LARGE)]
    body = body_of(review(obj))
    tracemalloc.start()
    try:
        read = decode(body).object
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    del obj["metadata"]["managedFields"]
    assert read.value == obj
    assert peak < 3 * len(body)


@pytest.mark.parametrize("metadata", [None, [{"managedFields": 1}], {"name": "x"}])
def test_a_large_object_is_read_as_a_small_one_is(metadata: object) -> None:
    """Where its bytes are cut, nothing but its managedFields may get lost, and no other fault appear."""
    obj = {"metadata": metadata, "spec": {"managedFields": ["x" * LARGE]}}
    assert decode(body_of(review(obj))).object.value == obj
