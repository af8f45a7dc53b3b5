from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate.policy import Finding, Subject
from actgate.policy.evidence import ModelIdentity, Region
from actgate.policy.workload import TEMPLATE_PATHS, governed_fields, is_inference, is_judged, subject_of
from tests.policy.build import judge, manifest, policy

API_VERSIONS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Pod": "v1",
}
REGION, ZONE = "topology.kubernetes.io/region", "topology.kubernetes.io/zone"
LINK = "actgate.dev/compliance-manifest"
MODEL = "actgate.dev/model"

Json = dict[str, Any]


def workload(
    kind: str, pod: Json | None = None, own: Json | None = None, template: Json | None = None
) -> Json:
    """Return a workload: the spec of its pods, its own metadata, and its pod template's metadata."""
    steps = TEMPLATE_PATHS[kind]
    inner: Json = {"spec": pod or {}}
    if template is not None:
        inner["metadata"] = template
    for step in reversed(steps):
        inner = {step: inner}
    return {
        "apiVersion": API_VERSIONS[kind],
        "kind": kind,
        **inner,
        "metadata": {"name": "scorer", "namespace": "credit", **(own or {})},
    }


def linked(**annotations: str) -> Json:
    """Return metadata with the annotations actgate.dev/<name>."""
    names = {name.replace("_", "-"): value for name, value in annotations.items()}
    return {"annotations": {f"actgate.dev/{name}": value for name, value in names.items()}}


def serving(**spec: Any) -> Json:  # noqa: ANN401 - fields of a ModelDeployment's spec
    """Return a ModelDeployment of the passing model, with other values for some fields of its spec."""
    passing = {
        "model": {"name": "CreditRiskScorer", "version": "2"},
        "complianceManifestRef": {"name": "credit-risk-scorer-v2"},
        "server": {"image": "registry.example/server:1"},
    }
    return {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": "scorer", "namespace": "credit"},
        "spec": passing | spec,
    }


def required(*terms: Json) -> Json:
    """Return a pod spec that requires one of these node selector terms."""
    rule = "requiredDuringSchedulingIgnoredDuringExecution"
    return {"affinity": {"nodeAffinity": {rule: {"nodeSelectorTerms": list(terms)}}}}


def term(key: str, operator: str = "In", *values: str) -> Json:
    """Return a node selector term of one expression."""
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


def codes(asking: Subject) -> list[str]:
    """Return the region codes of a subject's placement."""
    return [region.code for _, region in asking.placement or ()]


@pytest.mark.parametrize("kind", sorted(TEMPLATE_PATHS))
@pytest.mark.parametrize("where", ["own", "template"])
@pytest.mark.parametrize(
    "mark", [{"labels": {"actgate.dev/inference": "true"}}, linked(compliance_manifest="m")]
)
def test_a_workload_is_judged_when_it_or_its_pods_say_that_they_infer(
    kind: str, where: str, mark: Json
) -> None:
    """The label or the annotation, on the workload or on its pod template, for every kind."""
    if kind == "Pod" and where == "template":
        where = "own"
    assert is_judged(workload(kind, **{where: mark}))


@pytest.mark.parametrize(
    "metadata",
    [{}, {"labels": {"actgate.dev/inference": "false"}}, linked(model="m"), {"labels": None}, {"labels": []}],
)
def test_other_workloads_are_not_judged(metadata: Json) -> None:
    """Nothing is asked of a workload that does not serve a model."""
    assert not is_judged(workload("Deployment", own=metadata, template=metadata))


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
    """A kind of the same name in another group is somebody else's."""
    assert not is_judged(obj)


def test_a_model_deployment_is_always_judged() -> None:
    """A ModelDeployment needs no label."""
    assert is_judged(serving())
    assert not is_inference(serving())


def test_a_model_deployment_is_read() -> None:
    """Reference, model, placement and image come from the fields of its spec."""
    asking = subject_of(
        serving(
            model={"name": "CreditRiskScorer", "version": "2", "digest": "sha256:0", "uri": "s3://models"},
            placement={"regions": [{"provider": "aws", "region": "eu-west-3"}]},
        ),
        {"team": "credit"},
    )
    assert asking == Subject(
        kind="ModelDeployment",
        namespace="credit",
        name="scorer",
        manifest_name="credit-risk-scorer-v2",
        model=ModelIdentity("CreditRiskScorer", "2", "sha256:0"),
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
    assert dict(subject_of(workload(kind, pod), {}).images) == {
        f"{root}.containers[0].image": "a",
        f"{root}.initContainers[0].image": "b",
        f"{root}.ephemeralContainers[0].image": "c",
        f"{root}.volumes[1].image.reference": "d",
    }


def test_images_of_a_pod_template_overlay_count_too() -> None:
    """A ModelDeployment can add containers in its overlay; none of them escapes."""
    asking = subject_of(serving(podTemplate={"spec": {"initContainers": [{"image": "b"}]}}), {})
    assert [image for _, image in asking.images] == ["registry.example/server:1", "b"]
    assert asking.images[1][0] == "spec.podTemplate.spec.initContainers[0].image"


@pytest.mark.parametrize("kind", sorted(set(TEMPLATE_PATHS) - {"Pod"}))
@pytest.mark.parametrize("where", ["own", "template"])
def test_links_are_read_from_the_workload_or_its_pods(kind: str, where: str) -> None:
    """Reference, model, version and digest are annotations on either of them."""
    marks = linked(compliance_manifest="m", model="Scorer", model_version="2", model_digest="sha256:0")
    asking = subject_of(workload(kind, **{where: marks}), {})
    assert asking.manifest_name == "m"
    assert asking.model == ModelIdentity("Scorer", "2", "sha256:0")
    assert asking.reference_path == f"metadata.annotations[{LINK}]"
    assert asking.model_path == f"metadata.annotations[{MODEL}]"
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
    """A workload and its pods that state different values state none, and fail."""
    own, template = (linked(**{name: value}) for value in values)
    asking = subject_of(workload("Deployment", own=own, template=template), {})
    (problem,) = asking.problems
    assert problem.rule == rule
    assert "state different values" in problem.message
    assert rule in judge(None if rule == "link/manifest" else manifest(), asking).failed_rules


def test_an_empty_annotation_refers_to_nothing() -> None:
    """An empty reference is judged as none, and does not take a workload out of judgement."""
    obj = workload("Deployment", own=linked(compliance_manifest=""))
    assert is_judged(obj)
    assert subject_of(obj, {}).manifest_name is None


@pytest.mark.parametrize("kind", sorted(TEMPLATE_PATHS))
def test_placement_is_read_from_node_selector_and_required_affinity(kind: str) -> None:
    """Regions and zones that pods are bound to are where the model is served."""
    pod = {"nodeSelector": {ZONE: "eu-west-3a", REGION: "eu-west-3"}} | required(
        term(REGION, "In", "eu-central-1", "eu-west-3"), term(ZONE, "In", "eu-north-1a")
    )
    asking = subject_of(workload(kind, pod), {})
    assert codes(asking) == ["eu-west-3", "eu-west-3a", "eu-central-1", "eu-west-3", "eu-north-1a"]
    assert asking.problems == ()


@pytest.mark.parametrize(
    "pod", [{}, {"nodeSelector": {"disk": "ssd"}}, required(term("arch", "In", "arm64"))]
)
def test_a_workload_that_may_run_anywhere_declares_no_placement(pod: Json) -> None:
    """No region is no declaration, which a policy may require."""
    asking = subject_of(workload("Deployment", pod), {})
    assert (asking.placement, asking.problems) == (None, ())


def test_preferred_affinity_is_no_placement() -> None:
    """What the scheduler may ignore proves nothing."""
    preferred = [{"weight": 1, "preference": term(REGION, "In", "eu-west-3")}]
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    assert subject_of(workload("Deployment", {"affinity": affinity}), {}).placement is None


@pytest.mark.parametrize("operator", ["NotIn", "Exists", "DoesNotExist", "Gt", "Lt", None])
@pytest.mark.parametrize("key", [REGION, ZONE])
def test_an_affinity_that_names_no_allowed_region_is_a_problem(operator: str, key: str) -> None:
    """Everywhere but one region, or anywhere with a label, is an unknown place."""
    asking = subject_of(workload("Deployment", required(term(key, operator, "us-east-1"))), {})
    (problem,) = asking.problems
    assert problem.rule == "residency/serving"
    assert problem.path.endswith("nodeSelectorTerms[0].matchExpressions[0]")


def test_an_alternative_that_names_no_region_leaves_the_placement_open() -> None:
    """Node selector terms are alternatives: one without a region lets pods run anywhere."""
    pod = required(term(REGION, "In", "eu-west-3"), term("arch", "In", "arm64"))
    (problem,) = subject_of(workload("Deployment", pod), {}).problems
    assert problem.rule == "residency/serving"
    assert problem.path.endswith("nodeSelectorTerms[1]")


@pytest.mark.parametrize(
    "pod",
    [
        required(term(REGION, "In", "eu-west-3"), {}),
        {"nodeSelector": {REGION: "eu-west-3"}}
        | required(term(REGION, "In", "eu-west-3"), term("arch", "In", "arm64")),
    ],
)
def test_an_alternative_that_opens_nothing_is_no_problem(pod: Json) -> None:
    """An empty term matches no node, and a node selector holds for every alternative."""
    assert subject_of(workload("Deployment", pod), {}).problems == ()


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
    asking = subject_of(serving(**spec), {})
    assert [(problem.rule, problem.path) for problem in asking.problems] == [(rule, path)]
    evidence = None if rule == "link/manifest" else manifest()
    assert rule in judge(evidence, asking).failed_rules


def test_a_reference_that_is_no_object_refers_to_nothing() -> None:
    """`complianceManifestRef: name` is not a reference."""
    asking = subject_of(serving(complianceManifestRef="credit-risk-scorer-v2"), {})
    assert asking.manifest_name is None
    assert judge(None, asking).failed_rules == ("link/manifest",)


def test_the_namespace_of_the_request_counts() -> None:
    """An object need not state its namespace; the request does."""
    obj = serving()
    del obj["metadata"]["namespace"]
    assert subject_of(obj, {}, namespace="team").namespace == "team"
    assert subject_of(obj, {}).namespace == "default"


def test_a_generated_name_is_told_by_its_prefix() -> None:
    """Pods of controllers have no name yet when they are admitted."""
    obj = workload("Pod", own={"name": None, "generateName": "scorer-"})
    assert subject_of(obj, {}).name == "scorer-"


POD = {"containers": [{"image": "a", "args": ["x"]}], "nodeSelector": {REGION: "eu-west-3"}}
GOVERNED: dict[str, tuple[Json, Json]] = {
    "image": (workload("Deployment", POD), workload("Deployment", POD | {"containers": [{"image": "b"}]})),
    "init container": (
        workload("Deployment", POD),
        workload("Deployment", POD | {"initContainers": [{"image": "i"}]}),
    ),
    "image volume": (
        workload("Deployment", POD),
        workload("Deployment", POD | {"volumes": [{"image": {"reference": "v"}}]}),
    ),
    "own link": (
        workload("Deployment", own=linked(compliance_manifest="a")),
        workload("Deployment", own=linked(compliance_manifest="b")),
    ),
    "pods' annotation": (
        workload("Deployment", template={"annotations": {"x": "1"}}),
        workload("Deployment", template={"annotations": {"x": "2"}}),
    ),
    "label": (
        workload("Deployment", own={"labels": {"actgate.dev/inference": "true"}}),
        workload("Deployment", own={"labels": {}}),
    ),
    "node selector": (workload("Deployment", POD), workload("Deployment", POD | {"nodeSelector": {}})),
    "affinity": (
        workload("Deployment", POD),
        workload("Deployment", POD | required(term(REGION, "In", "x"))),
    ),
    "model": (serving(), serving(model={"name": "Other"})),
    "model uri": (serving(), serving(model={"name": "CreditRiskScorer", "version": "2", "uri": "s3://x"})),
    "reference": (serving(), serving(complianceManifestRef={"name": "other"})),
    "placement": (serving(), serving(placement={"regions": [{"region": "eu-west-3"}]})),
    "server image": (serving(), serving(server={"image": "other"})),
    "overlay": (serving(), serving(podTemplate={"spec": {"containers": [{"image": "x"}]}})),
    "pod link": (
        workload("Pod", own=linked(compliance_manifest="a")),
        workload("Pod", own=linked(compliance_manifest="b")),
    ),
    "cron job": (
        workload("CronJob", POD),
        workload("CronJob", POD | {"ephemeralContainers": [{"image": "x"}]}),
    ),
}


@pytest.mark.parametrize("change", sorted(GOVERNED))
def test_a_change_of_what_evidence_governs_is_seen(change: str) -> None:
    """Each governed field makes it another question."""
    before, after = GOVERNED[change]
    assert governed_fields(before) != governed_fields(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (serving(), serving(replicas=5, suspend=True)),
        (serving(), serving(server={"image": "registry.example/server:1", "args": ["--fast"]})),
        (serving(), serving() | {"metadata": {"name": "scorer", "finalizers": ["x"], "labels": {"a": "b"}}}),
        (serving(), serving() | {"status": {"replicas": 1}}),
        (
            workload("Deployment", POD),
            workload("Deployment", POD | {"containers": [{"image": "a", "args": ["y"]}]}),
        ),
        (
            workload("Deployment", own={"annotations": {"deployment.kubernetes.io/revision": "1"}}),
            workload("Deployment", own={"annotations": {"deployment.kubernetes.io/revision": "2"}}),
        ),
        (workload("Pod"), workload("Pod", own={"annotations": {"note": "x"}})),
    ],
)
def test_a_change_of_anything_else_is_not_governed(before: Json, after: Json) -> None:
    """Replicas, finalizers, other labels, status and arguments are not the gate's business."""
    assert governed_fields(before) == governed_fields(after)


def test_the_order_of_containers_is_not_governed() -> None:
    """The same images in another order are the same question."""
    first = workload("Deployment", {"containers": [{"image": "a"}, {"image": "b"}]})
    second = workload("Deployment", {"containers": [{"image": "b"}, {"image": "a"}]})
    assert governed_fields(first) == governed_fields(second)


def test_a_workload_abroad_is_refused_by_the_field_that_places_it() -> None:
    """The finding points into the pod template."""
    pod = {"nodeSelector": {REGION: "us-east-1"}}
    marks = linked(compliance_manifest="credit-risk-scorer-v2", model="CreditRiskScorer")
    (finding,) = judge(manifest(), subject_of(workload("Deployment", pod, own=marks), {})).findings
    assert (finding.rule, finding.path) == (
        "residency/serving",
        f"spec.template.spec.nodeSelector[{REGION}]",
    )


def test_a_workload_that_declares_no_region_is_refused_where_one_is_required() -> None:
    """`serving: Require` asks plain workloads for a node selector."""
    marks = linked(compliance_manifest="credit-risk-scorer-v2", model="CreditRiskScorer")
    house = policy(residency={"serving": "Require"})
    (finding,) = judge(manifest(), subject_of(workload("Job", own=marks), {}), house).findings
    assert isinstance(finding, Finding)
    assert "the Job declares no region to run in" in finding.message


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
    assert isinstance(is_judged(obj), bool)
    assert governed_fields(obj).keys() == governed_fields(serving()).keys()
    for evidence in (None, manifest()):
        assert judge(evidence, subject_of(obj, {})).outcome in {"Pass", "Warn", "Fail"}


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
        assert isinstance(subject_of(workload(kind, pod), {}), Subject)
