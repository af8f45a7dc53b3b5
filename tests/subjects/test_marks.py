"""What declares that a workload serves a model, and what of it cannot be meant as it is written."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import product
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate.api import names
from actgate.decision import Subject
from actgate.subjects import marks
from actgate.subjects.workload import Workload
from actgate_operator import names as operator_names
from actgate_operator.certificates import stored
from tests.decision.build import judge, manifest
from tests.subjects.objects import REGION, TEMPLATE_PATHS, Json, linked, required, serving, term, workload

INFERENCE, LINK, MODEL = names.INFERENCE_LABEL, names.MANIFEST_ANNOTATION, names.MODEL_ANNOTATION
LINKED: Final = {LINK: "credit-risk-scorer-v2", MODEL: "CreditRiskScorer"}
PLACES: Final = [
    (kind, place)
    for kind, steps in TEMPLATE_PATHS.items()
    for place in {
        ("metadata",),
        *([("spec", "jobTemplate", "metadata")] if kind == "CronJob" else []),
        (*steps, "metadata"),
    }
]
"""Every metadata that a user may write on a workload, with its kind."""
ABOVE: Final = [(kind, place) for kind, place in PLACES if place[:-1] != TEMPLATE_PATHS[kind]]
"""Those of them that do not end up on the pods."""


def put(obj: Json, place: tuple[str, ...], field: str, **values: object) -> Json:
    """Return a copy of an object with labels or annotations at a place; the names are keys of actgate.dev."""
    changed = copy.deepcopy(obj)
    found = changed
    for step in (*place, field):
        found = found.setdefault(step, {})
    found.update({f"actgate.dev/{name.replace('_', '-')}": value for name, value in values.items()})
    return changed


@pytest.mark.parametrize(("kind", "place"), PLACES)
def test_any_value_but_false_declares_wherever_it_stands(kind: str, place: tuple[str, ...]) -> None:
    """A typo in the value must not switch the gate off: only the clear no is a no."""
    values = ("true", "True", "TRUE", "yes", "1", "on", "", "False", "no", " false", "flase")
    for field in ("labels", "annotations"):
        for value in values:
            assert Workload(put(workload(kind), place, field, inference=value)).judged, (field, value)
        assert not Workload(put(workload(kind), place, field, inference="false")).judged, field


@pytest.mark.parametrize("value", [True, False, 1, 0, None, [], {}])
def test_a_value_that_is_no_string_declares_and_is_refused(value: object) -> None:
    """`inference: true` without quotes is a boolean, which the API server refuses; a file may hold it."""
    obj = put(
        workload("Deployment", template={"annotations": LINKED}), ("metadata",), "labels", inference=value
    )
    assert Workload(obj).judged
    verdict = judge(manifest(), Workload(obj).subject())
    assert verdict.failed_rules == ("link/manifest",)
    assert verdict.findings[0].path == f"metadata.labels[{INFERENCE}]"


LIKE_OURS: Final = (
    *(LINK, MODEL, names.MODEL_VERSION_ANNOTATION, names.PROVIDER_ANNOTATION),
    *("actgate.dev/Inference", "actgate.dev/inference-", "actgate.dev/compliancemanifest"),
    *("actgate.dev/compliance_manifest", "actgate.dev/manifest", "actgate.dev/serves"),
    *("actgate.io/inference", "actgate/inference", "act-gate.dev/inference", "ACTGATE.dev/inference"),
    *("actgate.dev/enforce", "actgate.dev/inference ", "actgate.dev.inference", "actgate-inference"),
)


@pytest.mark.parametrize(("kind", "place"), PLACES)
def test_any_key_that_begins_like_ours_declares_beside_the_label_false(
    kind: str, place: tuple[str, ...]
) -> None:
    """Marks that contradict each other declare, and so do those that are nearly right."""
    obj = put(workload(kind), place, "labels", inference="false")
    for field, key in product(("labels", "annotations"), LIKE_OURS):
        holder = put(obj, place, field)
        found = holder
        for step in (*place, field):
            found = found[step]
        found[key] = "x"
        assert Workload(holder).judged, (field, key)
        assert not judge(manifest(), Workload(holder).subject()).allowed, (field, key)


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("actgate.dev/Inference", INFERENCE),
        ("actgate.dev/inference-", INFERENCE),
        ("actgate.io/inference", INFERENCE),
        ("actgate.dev/compliancemanifest", LINK),
        ("actgate.dev/compliance_manifest", LINK),
        ("actgate.dev/manifest", LINK),
        ("actgate.dev/models", MODEL),
        ("actgate.dev/model_version", names.MODEL_VERSION_ANNOTATION),
    ],
)
def test_a_key_that_is_nearly_right_is_refused_with_the_one_that_was_meant(key: str, meant: str) -> None:
    """Beside a link that passes, too: what it was to say would otherwise be lost."""
    for field in ("labels", "annotations"):
        template: Json = {"labels": {}, "annotations": dict(LINKED)}
        template[field][key] = "x"
        (finding,) = judge(manifest(), Workload(workload("Deployment", template=template)).subject()).findings
        assert (finding.rule, finding.path) == ("link/manifest", f"spec.template.metadata.{field}[{key}]")
        assert f"did you mean {meant}?" in finding.message, field


@pytest.mark.parametrize("key", marks.LINKS)
def test_a_link_among_the_labels_is_refused_and_says_where_it_belongs(key: str) -> None:
    """Links are read from annotations; a label of that name alone would link nothing."""
    annotations = {other: value for other, value in LINKED.items() if other != key}
    template = {"labels": {key: LINKED.get(key, "x")}, "annotations": annotations}
    verdict = judge(manifest(), Workload(workload("Deployment", template=template)).subject())
    assert not verdict.allowed
    assert any(
        f"spec.template.metadata.annotations[{key}]" in finding.remediation for finding in verdict.findings
    )


def test_every_key_that_the_operator_writes_is_known() -> None:
    """An annotation of the operator that the gate took for a mark would refuse the operator's children."""
    written = {
        value
        for module in (operator_names, stored)
        for value in vars(module).values()
        if isinstance(value, str) and value.startswith(f"{names.GROUP}/")
    }
    of_users = {names.STOPPED_BY_ANNOTATION, names.STOP_REASON_ANNOTATION}
    assert written - {names.API_VERSION, *marks.LINKS, INFERENCE} == set(names.OWN_KEYS) - of_users


@pytest.mark.parametrize(("kind", "place"), ABOVE)
@pytest.mark.parametrize("also_false", [False, True], ids=["template bare", "template says false"])
def test_a_link_above_the_pod_template_alone_is_refused(
    kind: str, place: tuple[str, ...], also_false: bool
) -> None:
    """Its pods must carry the link: nothing would stop them on withdrawn evidence or with other images."""
    obj = put(workload(kind), place, "annotations", compliance_manifest=LINKED[LINK], model=LINKED[MODEL])
    obj = put(obj, place, "labels", inference="true")
    if also_false:
        obj = put(obj, (*TEMPLATE_PATHS[kind], "metadata"), "labels", inference="false")
    (finding,) = judge(manifest(), Workload(obj).subject()).findings
    template = ".".join((*TEMPLATE_PATHS[kind], "metadata"))
    assert (finding.rule, finding.path) == ("link/manifest", f"{template}.annotations[{LINK}]")
    assert f"the pods of this {kind} must carry the link" in finding.message
    assert finding.remediation == f"add the same annotations and label to {template}"


@pytest.mark.parametrize("key", [*marks.LINKS, INFERENCE])
def test_each_link_that_the_pods_lack_is_refused(key: str) -> None:
    """What stands above is compared for the workload, and would not be for its pods."""
    for kind, place in ABOVE:
        found, where = paths_without(kind, place, key)
        assert where in found, kind


def paths_without(kind: str, place: tuple[str, ...], key: str) -> tuple[set[str], str]:
    """Return the fields that are refused where pods lack one link, and the field of that link."""
    name = key.partition("/")[2]
    template = {"annotations": {other: value for other, value in LINKED.items() if other != key}}
    bare = key == INFERENCE
    value = {names.MODEL_VERSION_ANNOTATION: "2", INFERENCE: "true"}.get(key, LINKED.get(key, "aws"))
    obj = put(
        workload(kind, template={} if bare else template),
        place,
        "labels" if bare else "annotations",
        **{name: value},
    )
    findings = judge(manifest(), Workload(obj).subject()).findings
    where = ".".join((*TEMPLATE_PATHS[kind], "metadata", f"{'labels' if bare else 'annotations'}[{key}]"))
    return {finding.path for finding in findings}, where


@pytest.mark.parametrize("kind", sorted(set(TEMPLATE_PATHS) - {"Pod"}))
def test_the_label_above_pods_that_are_declared_by_their_link_is_no_problem(kind: str) -> None:
    """Pods with the annotation are judged as they are, whatever label stands above them."""
    obj = put(workload(kind, template={"annotations": LINKED}), ("metadata",), "labels", inference="true")
    assert judge(manifest(), Workload(obj).subject()).allowed


@pytest.mark.parametrize(
    ("field", "name"), [("labels", "inference"), ("annotations", "x"), ("labels", "model")]
)
def test_every_mark_is_governed_wherever_it_stands(field: str, name: str) -> None:
    """Moving a link from the pod template to the workload is a change that evidence governs."""
    for kind, place in PLACES:
        old, new = (put(workload(kind), place, field, **{name: value}) for value in ("a", "b"))
        assert Workload(old).governed_fields() != Workload(new).governed_fields(), (kind, place)
        assert Workload(old).governed_fields() != Workload(workload(kind)).governed_fields(), (kind, place)


def test_what_the_operator_keeps_for_itself_is_not_governed() -> None:
    """A digest of what was applied changes with every apply, also on evidence that no longer holds."""
    old, new = (workload("Deployment", own=linked(desired_state=value)) for value in ("a", "b"))
    assert Workload(old).governed_fields() == Workload(new).governed_fields()


UNREADABLE: Final[dict[str, tuple[tuple[Any, ...], Any]]] = {
    "containers as an object": (("containers",), {}),
    "containers null": (("containers",), None),
    "containers empty": (("containers",), []),
    "containers as text": (("containers",), "x"),
    "a container as text": (("containers", 0), "x"),
    "image as a list": (("containers", 0, "image"), ["evil:1"]),
    "image as a number": (("containers", 0, "image"), 5),
    "image empty": (("containers", 0, "image"), ""),
    "image null": (("containers", 0, "image"), None),
    "init containers as text": (("initContainers",), "x"),
    "init containers as an object": (("initContainers",), {"image": "evil:1"}),
    "ephemeral containers as an object": (("ephemeralContainers",), {"image": "evil:1"}),
    "volumes as an object": (("volumes",), {"image": {"reference": "evil:1"}}),
    "a volume as text": (("volumes",), ["x"]),
    "a volume's image as text": (("volumes",), [{"image": "evil:1"}]),
    "a reference as a list": (("volumes",), [{"image": {"reference": ["evil:1"]}}]),
    "a reference missing": (("volumes",), [{"image": {}}]),
    "the spec of pods as a list": ((), [{"containers": [{"image": "evil:1"}]}]),
    "the spec of pods as text": ((), "x"),
    "the spec of pods missing": ((), None),
}


@pytest.mark.parametrize(("path", "value"), UNREADABLE.values(), ids=UNREADABLE)
def test_an_image_that_cannot_be_read_is_refused(path: tuple[Any, ...], value: Any) -> None:  # noqa: ANN401
    """It was not read, so nothing says that it was assessed; a field that is missing is no pass."""
    for kind, steps in TEMPLATE_PATHS.items():
        obj = replaced(passing(kind), (*steps, "spec", *path), value)
        verdict = judge(manifest(), Workload(obj).subject())
        assert "link/model" in verdict.failed_rules, kind
        assert verdict.findings[0].path.startswith(".".join((*steps, "spec"))), kind


@pytest.mark.parametrize("kind", sorted(set(TEMPLATE_PATHS) - {"Pod"}))
def test_a_workload_without_a_pod_template_is_refused(kind: str) -> None:
    """It is declared above, and there is nothing below that could be read."""
    values: tuple[Any, ...] = (None, [], "x", {})
    for value in values:
        own = {"annotations": LINKED}
        obj = replaced(workload(kind, own=own), TEMPLATE_PATHS[kind], value)
        assert {"link/manifest", "link/model"} <= set(judge(manifest(), Workload(obj).subject()).failed_rules)


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"server": {"image": ["evil:1"]}}, "spec.server.image"),
        ({"server": {}}, "spec.server.image"),
        ({"server": None}, "spec.server.image"),
        ({"server": "evil:1"}, "spec.server.image"),
        ({"podTemplate": []}, "spec.podTemplate"),
        ({"podTemplate": {"spec": "x"}}, "spec.podTemplate.spec"),
        ({"podTemplate": {"spec": {"containers": {}}}}, "spec.podTemplate.spec.containers"),
        (
            {"podTemplate": {"spec": {"containers": [{"image": 5}]}}},
            "spec.podTemplate.spec.containers[0].image",
        ),
    ],
)
def test_an_image_of_a_model_that_cannot_be_read_is_refused(spec: Json, path: str) -> None:
    """The server's image is required; the overlay may leave out images, and may not hide them."""
    verdict = judge(manifest(), Workload(serving(**spec)).subject())
    assert [(finding.rule, finding.path) for finding in verdict.findings] == [("link/model", path)]


@pytest.mark.parametrize("overlay", [{}, {"spec": {}}, {"spec": {"containers": [{"name": "server"}]}}, None])
def test_an_overlay_may_leave_out_what_it_does_not_change(overlay: Json | None) -> None:
    """It is laid over a pod template that has its containers already."""
    assert judge(manifest(), Workload(serving(podTemplate=overlay)).subject()).allowed


def passing(kind: str) -> Json:
    """Return a workload in which everything is filled in that a decision reads, and that passes."""
    pod = {
        "containers": [{"name": "a", "image": "registry.example/a:1"}],
        "initContainers": [{"name": "b", "image": "registry.example/b:1"}],
        "ephemeralContainers": [{"name": "c", "image": "registry.example/c:1"}],
        "volumes": [{"name": "w", "image": {"reference": "registry.example/w:1"}}],
        "nodeSelector": {REGION: "eu-west-3"},
        **required(term(REGION, "In", "eu-west-3")),
    }
    template = {"labels": {INFERENCE: "true"}, "annotations": {**LINKED, names.PROVIDER_ANNOTATION: "aws"}}
    own = template if kind == "Pod" else None
    return workload(kind, pod, own=own, template=template)


def replaced(obj: Json, path: tuple[Any, ...], value: Any) -> Json:  # noqa: ANN401 - JSON
    """Return a copy of an object with something else at a path."""
    changed = copy.deepcopy(obj)
    *parents, last = path
    found: Any = changed
    for step in parents:
        found = found[step]
    found[last] = value
    return changed


def fields(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:  # noqa: ANN401
    """Yield the path of everything in a JSON value, and what stands there."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*path, step), inner
        yield from fields(inner, (*path, step))


SOURCES: Final = [passing(kind) for kind in TEMPLATE_PATHS]
IRRELEVANT: Final = {"apiVersion", "kind"}
"""Fields that say which question it is; an object of another kind is another one's."""
NAMED: Final = {"name", "namespace"}
"""Names decide where evidence is looked for, and tests of their own hold them."""


def test_the_object_that_is_mutated_passes() -> None:
    """Otherwise the property below could not fail."""
    for source in SOURCES:
        assert judge(manifest(), Workload(source).subject()).allowed, source["kind"]


@given(st.data())
def test_no_field_of_a_wrong_type_is_allowed(data: st.DataObject) -> None:
    """Whatever a decision reads, text where an object was, or the reverse, is never overlooked."""
    source = data.draw(st.sampled_from(SOURCES), label="source")
    relevant = [
        (path, value)
        for path, value in fields(source)
        if path[-1] not in NAMED and path[0] not in IRRELEVANT and path != ("metadata",)
    ]
    path, value = data.draw(st.sampled_from(relevant), label="field")
    wrong: list[Any] = [5, True, ["x"], [5]]
    if not isinstance(value, dict):
        wrong += [{"x": "y"}]
    if not isinstance(value, str):
        wrong += ["x"]
    if isinstance(value, list):
        wrong = [item for item in wrong if not isinstance(item, list)] + [[5]]
    changed = replaced(source, path, data.draw(st.sampled_from(wrong), label="value"))
    asking = Workload(changed).subject()
    assert isinstance(asking, Subject)
    if Workload(changed).declared:
        assert not judge(manifest(), asking).allowed
