from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate.decision import Link, Subject
from actgate.decision.manifest import ModelIdentity, Region
from actgate.decision.subject import ModelReference
from actgate.subjects.workload import Workload
from tests.decision.build import judge, manifest
from tests.subjects.objects import (
    API_VERSIONS,
    LINK,
    MODEL,
    REGION,
    TEMPLATE_PATHS,
    ZONE,
    Json,
    linked,
    required,
    serving,
    workload,
)


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"labels": {"actgate.dev/inference": "false"}},
        {"labels": None},
        {"labels": []},
        {"labels": {"app": "actgate", "example.com/actgate": "true"}},
        linked(desired_state="sha256:0", manifest_digest="sha256:0"),
    ],
)
def test_other_workloads_are_not_judged(metadata: Json) -> None:
    """Nothing is asked of a workload that does not serve a model."""
    assert not Workload(workload("Deployment", own=metadata, template=metadata)).judged


@pytest.mark.parametrize(
    "obj",
    [
        {},
        {"kind": "Service", "apiVersion": "v1", "metadata": linked(compliance_manifest="m")},
        {"kind": "Deployment", "apiVersion": "example.dev/v1", "metadata": linked(compliance_manifest="m")},
        {"kind": "Job", "apiVersion": "apps/v1", "metadata": linked(compliance_manifest="m")},
        {"kind": "ModelDeployment", "apiVersion": "example.dev/v1"},
        {"kind": None, "apiVersion": 3, "metadata": "no"},
    ],
)
def test_kinds_of_other_groups_are_not_judged(obj: Json) -> None:
    """A kind of the same name in another group is another kind."""
    assert not Workload(obj).judged


def test_a_model_deployment_is_always_judged() -> None:
    """A ModelDeployment needs no label."""
    assert Workload(serving()).judged


def test_a_model_deployment_is_read() -> None:
    """Reference, model, placement and image come from the fields of its spec."""
    asking = Workload(
        serving(
            model={"name": "CreditRiskScorer", "version": "2", "digest": "sha256:0", "uri": "s3://models"},
            placement={"regions": [{"provider": "aws", "region": "eu-west-3"}]},
        )
    ).subject({"team": "credit"})
    assert asking == Subject(
        kind="ModelDeployment",
        group="actgate.dev",
        namespace="credit",
        name="scorer",
        links=(Link("credit-risk-scorer-v2"),),
        model=ModelIdentity("CreditRiskScorer", "2", "sha256:0"),
        references=(ModelReference("spec.model.uri", "s3://models"),),
        images=(("spec.server.image", "registry.example/server:1"),),
        placement=(("spec.placement.regions[0]", Region("eu-west-3", "aws")),),
        namespace_labels={"team": "credit"},
    )


@pytest.mark.parametrize("kind", sorted(TEMPLATE_PATHS))
def test_images_of_every_kind_of_container_are_found(kind: str) -> None:
    """Init containers, ephemeral containers and image volumes run or mount images as well."""
    pod = {
        "containers": [{"image": "a"}, {"name": "no image"}],
        "initContainers": [{"image": "b"}],
        "ephemeralContainers": [{"image": "c"}],
        "volumes": [{"emptyDir": {}}, {"image": {"reference": "d", "pullPolicy": "Always"}}],
    }
    root = "".join(f"{step}." for step in TEMPLATE_PATHS[kind]) + "spec"
    assert dict(Workload(workload(kind, pod)).subject().images) == {
        f"{root}.containers[0].image": "a",
        f"{root}.initContainers[0].image": "b",
        f"{root}.ephemeralContainers[0].image": "c",
        f"{root}.volumes[1].image.reference": "d",
    }


def test_images_of_a_pod_template_overlay_count_too() -> None:
    """A ModelDeployment can add containers in its overlay; none of them escapes."""
    asking = Workload(serving(podTemplate={"spec": {"initContainers": [{"image": "b"}]}})).subject()
    assert [image for _, image in asking.images] == ["registry.example/server:1", "b"]
    assert asking.images[1][0] == "spec.podTemplate.spec.initContainers[0].image"


@pytest.mark.parametrize("kind", sorted(TEMPLATE_PATHS))
@pytest.mark.parametrize("also", [False, True], ids=["in the template", "in both"])
def test_links_are_read_from_the_pods_and_may_stand_on_the_workload_too(kind: str, also: bool) -> None:
    """Reference, model, version and digest are annotations of the pod template."""
    marks = linked(compliance_manifest="m", model="Scorer", model_version="2", model_digest="sha256:0")
    asking = Workload(workload(kind, own=marks if also or kind == "Pod" else None, template=marks)).subject()
    assert asking.links == (Link("m"),)
    assert asking.model == ModelIdentity("Scorer", "2", "sha256:0")
    where = "".join(f"{step}." for step in TEMPLATE_PATHS[kind])
    assert asking.reference_path == f"{where}metadata.annotations[{LINK}]"
    assert asking.model_path == f"{where}metadata.annotations[{MODEL}]"
    assert asking.problems == ()


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("compliance_manifest", "link/manifest"),
        ("model", "link/model"),
        ("model_version", "link/model"),
        ("model_digest", "link/model"),
    ],
)
@pytest.mark.parametrize("values", [("a", "b"), ("", "b")])
def test_contradicting_annotations_are_a_problem(name: str, rule: str, values: tuple[str, str]) -> None:
    """A workload and its pods that must state the same state none, and fail."""
    own, template = (linked(**{name: value}) for value in values)
    asking = Workload(workload("Deployment", own=own, template=template)).subject()
    (problem,) = asking.problems
    assert problem.rule == rule
    assert "must state the same" in problem.message
    assert rule in judge(None if rule == "link/manifest" else manifest(), asking).failed_rules


def test_an_empty_annotation_refers_to_nothing() -> None:
    """An empty reference is judged as none, and does not take a workload out of judgement."""
    obj = workload("Deployment", own=linked(compliance_manifest=""))
    assert Workload(obj).judged
    assert Workload(obj).subject().links == ()


@pytest.mark.parametrize(
    ("spec", "rule", "path"),
    [
        ({"complianceManifestRef": {"name": 5}}, "link/manifest", "spec.complianceManifestRef.name"),
        ({"model": {"name": ["x"]}}, "link/model", "spec.model.name"),
        ({"model": {"name": "x", "version": 2}}, "link/model", "spec.model.version"),
        ({"model": {"name": "x", "digest": {}}}, "link/model", "spec.model.digest"),
        ({"placement": {}}, "residency/serving", "spec.placement.regions[0]"),
        ({"placement": "eu"}, "residency/serving", "spec.placement.regions[0]"),
        ({"placement": {"regions": "eu-west-3"}}, "residency/serving", "spec.placement.regions[0]"),
        ({"placement": {"regions": ["eu-west-3"]}}, "residency/serving", "spec.placement.regions[0]"),
        (
            {"placement": {"regions": [{"region": "eu-west-3", "provider": 1}]}},
            "residency/serving",
            "spec.placement.regions[0]",
        ),
    ],
)
def test_a_field_that_cannot_be_read_is_a_problem_and_fails(spec: Json, rule: str, path: str) -> None:
    """A field of the wrong type is refused by the rule that needed it, never read generously."""
    asking = Workload(serving(**spec)).subject()
    assert [(problem.rule, problem.path) for problem in asking.problems] == [(rule, path)]
    evidence = None if rule == "link/manifest" else manifest()
    assert rule in judge(evidence, asking).failed_rules


def test_a_reference_that_is_no_object_refers_to_nothing() -> None:
    """`complianceManifestRef: name` is not a reference."""
    asking = Workload(serving(complianceManifestRef="credit-risk-scorer-v2")).subject()
    assert asking.links == ()
    assert judge(None, asking).failed_rules == ("link/manifest",)


def test_the_namespace_of_the_request_counts() -> None:
    """An object need not state its namespace; the request does."""
    obj = serving()
    del obj["metadata"]["namespace"]
    assert Workload(obj).subject(namespace="team").namespace == "team"
    assert Workload(obj).subject().namespace == "default"


def test_a_generated_name_is_named_by_its_prefix() -> None:
    """Pods of controllers have no name yet when they are admitted."""
    obj = workload("Pod", own={"name": None, "generateName": "scorer-"})
    assert Workload(obj).subject().name == "scorer-"


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
keys = st.sampled_from(
    [
        *("kind", "apiVersion", "metadata", "spec", "template", "jobTemplate", "labels", "annotations"),
        *("containers", "initContainers", "volumes", "image", "reference", "nodeSelector", "affinity"),
        *("nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"),
        *("matchExpressions", "key", "operator", "values", "model", "name", "placement", "regions"),
        *("complianceManifestRef", "podTemplate", "server", REGION, ZONE, LINK, MODEL),
    ]
)
values = st.recursive(
    scalars | st.sampled_from(["In", REGION, "eu-west-3", "true", *API_VERSIONS, "ModelDeployment"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=30,
)


@given(
    st.dictionaries(keys, values, max_size=5), st.sampled_from([*API_VERSIONS, "ModelDeployment", "Other"])
)
def test_no_object_makes_reading_raise(obj: Json, kind: str) -> None:
    """Whatever an object holds, reading it ends in a subject, and deciding about it in a verdict."""
    obj["kind"] = kind
    assert isinstance(Workload(obj).judged, bool)
    assert Workload(obj).governed_fields().keys() == Workload(serving()).governed_fields().keys()
    for evidence in (None, manifest()):
        assert judge(evidence, Workload(obj).subject()).outcome in {"Pass", "Warn", "Fail"}


@given(values, st.sampled_from(sorted(TEMPLATE_PATHS)))
def test_no_affinity_makes_reading_raise(content: Any, kind: str) -> None:  # noqa: ANN401 - any JSON
    """Affinity is nested deeply, and every level may hold anything."""
    rule = "requiredDuringSchedulingIgnoredDuringExecution"
    for pod in (
        {
            "affinity": {
                "nodeAffinity": {rule: {"nodeSelectorTerms": [content, {"matchExpressions": [content]}]}}
            }
        },
        {"affinity": {"nodeAffinity": {rule: {"nodeSelectorTerms": content}}}, "nodeSelector": content},
        required({"matchExpressions": [{"key": content, "operator": "In", "values": content}]}),
    ):
        assert isinstance(Workload(workload(kind, pod)).subject(), Subject)
