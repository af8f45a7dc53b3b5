"""A typo must not switch the gate off: marks and fields that are nearly right, on the command line."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actgate.cli.main import main
from tests.cli.support import NOW, Json, manifest, model, namespace, policy, workload
from tests.subjects.objects import API_VERSIONS, TEMPLATE_PATHS

pytestmark = pytest.mark.system  # the command, some hundred times

LINKED: Final = {"actgate.dev/compliance-manifest": "credit-v2", "actgate.dev/model": "CreditRiskScorer"}
PLAIN: Final = {
    **workload(),
    "spec": {"template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"image": "r/c"}]}}},
}
"""A Deployment that declares nothing."""


class Checked:
    """Runs ``actgate check`` on documents, in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *documents: Json) -> tuple[int, str]:
        """Return the exit code and everything that was printed."""
        content = io.BytesIO(yaml.safe_dump_all(documents).encode())
        self._monkeypatch.setattr("sys.stdin", io.TextIOWrapper(content))
        code = main(["check", "-f", "-", "--now", NOW])
        printed = self._capsys.readouterr()
        return code, printed.out + printed.err


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Checked:
    """The command line on documents."""
    return Checked(monkeypatch, capsys)


def at(obj: Json, path: tuple[Any, ...], value: Any) -> Json:  # noqa: ANN401 - JSON
    """Return a copy of an object with something at a path, the way to it made where it is missing."""
    changed = copy.deepcopy(obj)
    *parents, last = path
    found: Any = changed
    for step in parents:
        found = found[step] if isinstance(found, list) else found.setdefault(step, {})
    found[last] = value
    return changed


def of_kind(kind: str, api_version: str, steps: tuple[str, ...]) -> Json:
    """Return a workload of a kind that declares nothing, its pod template under some fields."""
    obj: Json = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}}
    template = {"metadata": {}, "spec": {"containers": [{"name": "c", "image": "registry.example/c:1"}]}}
    if not steps:
        return obj | {"spec": template["spec"]}
    return at(obj, steps, template)


def test_the_objects_that_are_changed_here_are_right_before(checked: Checked) -> None:
    """Otherwise nothing here could fail."""
    assert checked(manifest(), workload())[0] == 0
    assert checked(manifest(), model())[0] == 0
    assert checked(PLAIN)[0] == 3


NOT_FALSE: Final = ("true", "True", "yes", "1", "", "FALSE", "no", True, False, 1, None, ["true"])


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        (kind, place)
        for kind, steps in TEMPLATE_PATHS.items()
        for place in ((), *((("spec", "jobTemplate"),) if kind == "CronJob" else ()), steps)
    ],
)
def test_any_value_but_false_is_judged(checked: Checked, kind: str, place: tuple[str, ...]) -> None:
    """On whatever part of whatever kind, also of a type that no API server would take."""
    plain = of_kind(kind, API_VERSIONS[kind], TEMPLATE_PATHS[kind])
    for field in ("labels", "annotations"):
        path = (*place, "metadata", field, "actgate.dev/inference")
        assert checked(at(plain, path, "false"))[0] == 3, field
        for value in NOT_FALSE:
            assert checked(manifest(), at(plain, path, value))[0] in (1, 2), (field, value)


@pytest.mark.parametrize(
    "key",
    [
        *("actgate.dev/Inference", "actgate.dev/inference-", "actgate.dev/infrence", "actgate.io/inference"),
        *("actgate.dev/compliancemanifest", "actgate.dev/compliance_manifest", "actgate.dev/manifest"),
        *("act-gate.dev/inference", "aktgate.dev/inference", "acgate.dev/compliance-manifest"),
        *("inference.actgate.dev/enabled", "www.actgate.dev/inference", "compliance-manifest"),
        *("ACTGATE.DEV/inference", "actgate/inference", "actgate.dev.inference", "actgat.dev/model-version"),
    ],
)
def test_a_key_that_is_nearly_right_is_never_nothing(checked: Checked, key: str) -> None:
    """Alone, where it would switch the gate off, and beside a link that passes, where it says more."""
    places = (("metadata",), ("spec", "template", "metadata"))
    for place, field, obj in product(places, ("labels", "annotations"), (PLAIN, workload())):
        code, printed = checked(manifest(), at(obj, (*place, field, key), "true"))
        assert code in (1, 2), (place, field, printed)
        assert key in printed, (place, field)


@pytest.mark.parametrize(
    "labels",
    [
        {"app.kubernetes.io/part-of": "actgate", "app": "actgate"},
        {"nvidia.com/inference": "true", "example.com/model": "x", "model": "x", "inference": "true"},
        {"example.dev/model": "x", "act": "gate", "kserve.example/inferenceservice": "x"},
    ],
)
def test_labels_of_others_declare_nothing(checked: Checked, labels: dict[str, str]) -> None:
    """Ordinary technical words are no mark."""
    assert checked(at(PLAIN, ("metadata", "labels"), labels))[0] == 3
    assert checked(manifest(), at(workload(), ("metadata", "labels"), labels))[0] == 0


@pytest.mark.parametrize(
    "path",
    [
        ("metadata", "label"),
        ("metadata", "annotation"),
        ("spec", "metadata", "labels"),
        ("spec", "template", "labels"),
        ("spec", "template", "metadata", "lables"),
        ("spec", "template", "spec", "labels"),
        ("labels",),
        ("spec", "labels"),
    ],
)
def test_a_mark_where_nothing_reads_it_is_unusable(checked: Checked, path: tuple[str, ...]) -> None:
    """The API server would drop the field, and the label with it."""
    code, printed = checked(manifest(), at(PLAIN, (*path, "actgate.dev/inference"), "true"))
    assert code == 2
    assert "not read here, so it would declare nothing" in printed
    assert "spec.template.metadata" in printed


def test_selectors_ask_for_marks_and_declare_nothing(checked: Checked) -> None:
    """The selector of a Service, a workload or a network policy names the labels of others."""
    mark = {"actgate.dev/inference": "true"}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"selector": mark}}
    guard = {"podSelector": {"matchLabels": mark}, "ingress": [{"from": [{"namespaceSelector": mark}]}]}
    network = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "x"}}
    assert checked(service, {**network, "spec": guard})[0] == 3
    assert checked(at(PLAIN, ("spec", "selector", "matchLabels"), mark))[0] == 3


def test_data_of_others_may_speak_of_actgate(checked: Checked) -> None:
    """A ConfigMap or an application that configures actgate marks nothing."""
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "x"},
        "data": {"actgate.yaml": ""},
    }
    app = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "actgate"}}
    assert checked(config, {**app, "spec": {"values": {"actgate": {"enabled": True}}}})[0] == 3
    env = [{"name": "c", "image": "r/c", "env": [{"name": "actgate.dev/inference", "value": "true"}]}]
    assert checked(at(PLAIN, ("spec", "template", "spec", "containers"), env))[0] == 3


UNJUDGED: Final[dict[str, tuple[str, str, tuple[str, ...], str]]] = {
    "a PodTemplate": ("PodTemplate", "v1", ("template",), "only these are judged: ModelDeployment, Deploy"),
    "a ServingRuntime": (
        "ServingRuntime",
        "serving.kserve.io/v1alpha1",
        ("spec",),
        "is never judged: the InferenceServices that use it, and their pods answer for it",
    ),
    "a Deployment of a group that is gone": (
        "Deployment",
        "extensions/v1beta1",
        ("spec", "template"),
        "only these are judged: ModelDeployment, Deployment",
    ),
}
SERVING: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "an Argo Rollout": ("Rollout", "argoproj.io/v1alpha1", ("spec", "template")),
    "a Knative Service": ("Service", "serving.knative.dev/v1", ("spec", "template")),
    "an InferenceService": ("InferenceService", "serving.kserve.io/v1beta1", ("spec", "predictor")),
    "a JobSet": ("JobSet", "jobset.x-k8s.io/v1alpha2", ("spec", "replicatedJobs", "template")),
    "a RayService": ("RayService", "ray.io/v1", ("spec", "rayClusterConfig", "headGroupSpec", "template")),
}


@pytest.mark.parametrize(("kind", "version", "steps", "words"), UNJUDGED.values(), ids=UNJUDGED)
def test_a_kind_that_is_not_judged_is_unusable_wherever_it_is_marked(
    checked: Checked, kind: str, version: str, steps: tuple[str, ...], words: str
) -> None:
    """Exit code 2 and the kinds that are judged: a mark that is not read is no pass."""
    plain = of_kind(kind, version, steps)
    assert checked(plain)[0] == 3
    marks = (
        ("labels", "actgate.dev/inference", "true"),
        ("labels", "actgate.dev/inference", "yes"),
        ("annotations", "actgate.dev/compliance-manifest", "credit-v2"),
        ("annotations", "act-gate.dev/compliance-manifest", "credit-v2"),
    )
    for place, (field, key, value) in product((("metadata",), (*steps, "metadata")), marks):
        code, printed = checked(manifest(), at(plain, (*place, field, key), value))
        assert code == 2, (place, key, value)
        assert f"{version} {kind} is marked as inference" in printed, (place, key, value)
        assert words in printed, (place, key, value)


@pytest.mark.parametrize(("kind", "version", "steps"), SERVING.values(), ids=SERVING)
def test_a_serving_kind_is_judged_wherever_it_is_marked(
    checked: Checked, kind: str, version: str, steps: tuple[str, ...]
) -> None:
    """Of its own metadata and of that of any pod in it; what is misspelt is refused."""
    plain = of_kind(kind, version, steps)
    for field, key, value in (
        ("labels", "actgate.dev/inference", "true"),
        ("labels", "actgate.dev/inference", "yes"),
        ("annotations", "actgate.dev/compliance-manifest", "credit-v3"),
        ("annotations", "act-gate.dev/compliance-manifest", "credit-v2"),
    ):
        for place in (("metadata",), (*steps, "metadata")):
            code, printed = checked(manifest(), at(plain, (*place, field, key), value))
            assert code == 1, (place, key, printed)


def test_marks_of_a_kustomization_are_unusable(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It would put them on objects that are judged here without them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kustomization.yaml").write_text('commonLabels: {actgate.dev/inference: "true"}\n')
    (tmp_path / "x.yaml").write_text(yaml.safe_dump_all([manifest(), PLAIN]))
    assert main(["check", "-f", ".", "--now", NOW]) == 2
    assert "kustomization.yaml is marked" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("actgate.dev/enforce", value) for value in ("True", "yes", "1", "", "on")),
        *((f"actgate.dev/{name}", "true") for name in ("Enforce", "enforced", "enforce-", "inference")),
        ("actgate.io/enforce", "true"),
    ],
)
def test_a_namespace_that_nearly_enforces_is_unusable(checked: Checked, key: str, value: str) -> None:
    """The typo would leave every plain workload of the namespace unjudged."""
    code, printed = checked(namespace("team", **{key: value}), manifest(), model())
    assert code == 2
    assert f"metadata.labels[{key}]" in printed


def test_a_namespace_may_enforce_or_not_and_carry_labels_that_policies_select_by(checked: Checked) -> None:
    """Labels of the group that are no marks are the administrator's own."""
    for value in ("true", "false"):
        labels = {"actgate.dev/enforce": value, "actgate.dev/profile": "tiered"}
        assert checked(namespace("team", **labels), manifest(), model())[0] == 0


@pytest.mark.parametrize(
    "path",
    [
        ("metadata", "labels"),
        ("metadata", "annotations"),
        ("spec",),
        ("spec", "template"),
        ("spec", "template", "metadata"),
        ("spec", "template", "metadata", "labels"),
    ],
)
def test_a_level_that_could_hold_a_mark_and_cannot_be_read_is_unusable(
    checked: Checked, path: tuple[str, ...]
) -> None:
    """Whether it declares cannot be said, of an object that is plain elsewhere or declared."""
    values = (["actgate.dev/inference"], "actgate.dev/inference: true", 5)
    for obj, value in product((PLAIN, workload()), values):
        code, printed = checked(manifest(), at(obj, path, value))
        assert code == 2, value
        assert f"{'.'.join(path)}: Invalid value" in printed, value


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        (("spec", "template", "spec", "initContainer"), "initContainers"),
        (("spec", "template", "spec", "Containers"), "containers"),
        (("spec", "template", "spec", "nodeselector"), "nodeSelector"),
        (("spec", "template", "spec", "containers", 0, "Image"), "image"),
        (("spec", "template", "metadata", "annotation"), "annotations"),
        (("spec", "templates"), "template"),
        (("Spec",), "spec"),
    ],
)
def test_a_misspelt_field_of_a_declared_workload_is_unusable(
    checked: Checked, path: tuple[Any, ...], meant: str
) -> None:
    """What it holds would not be judged, and the API server drops it or refuses it."""
    code, printed = checked(manifest(), at(workload(), path, "x"))
    assert code == 2
    assert f"did you mean {meant}?" in printed


REFUSED_BY_THE_SCHEMA: Final[dict[str, tuple[tuple[Any, ...], Any, str]]] = {
    "an unknown field": (("spec", "replica"), 3, "spec.replica"),
    "a misspelt field": (("spec", "complianceManifest"), {"name": "x"}, "spec.complianceManifest"),
    "an unknown field below": (("spec", "model", "verison"), "3", "spec.model.verison"),
    "an unknown field at the top": (("specs",), {}, "specs"),
    "an unknown field of metadata": (("metadata", "label"), {}, "metadata.label"),
    "replicas beside autoscaling": (("spec", "replicas"), 2, "spec.replicas"),
    "replicas as text": (("spec", "replicas"), "2", "spec.replicas"),
    "replicas below nothing": (("spec", "replicas"), -1, "spec.replicas"),
    "more at least than at most": (
        ("spec", "autoscaling"),
        {"minReplicas": 3, "maxReplicas": 2},
        "minReplicas",
    ),
    "a variable twice": (
        ("spec", "server", "env"),
        [{"name": "A"}, {"name": "A"}],
        "spec.server.env[1].name",
    ),
    "the server as a list": (("spec", "server"), [], "spec.server"),
    "no server": (("spec", "server"), None, "spec.server"),
    "the image as a list": (("spec", "server", "image"), ["evil:1"], "spec.server.image"),
    "no reference": (("spec", "complianceManifestRef"), None, "spec.complianceManifestRef"),
    "the reference as text": (("spec", "complianceManifestRef"), "credit-v2", "spec.complianceManifestRef"),
    "suspend as text": (("spec", "suspend"), "true", "spec.suspend"),
    "the overlay as a list": (("spec", "podTemplate"), [], "spec.podTemplate"),
    "the spec as a list": (("spec",), [], "spec"),
    "no spec": (("spec",), None, "spec"),
    "labels as a list": (("metadata", "labels"), ["x"], "metadata.labels"),
    "a label as a number": (("metadata", "labels", "a"), 1, "metadata.labels[a]"),
}


@pytest.mark.parametrize(
    ("path", "value", "where"), REFUSED_BY_THE_SCHEMA.values(), ids=REFUSED_BY_THE_SCHEMA
)
def test_a_model_that_the_api_server_would_refuse_is_unusable(
    checked: Checked,
    path: tuple[Any, ...],
    value: object,
    where: str,
) -> None:
    """Exit code 2 and the field: nothing can be said of an object that no cluster takes."""
    served = (
        model(autoscaling={"maxReplicas": 3}) if "beside" in str(where) or path[-1] == "replicas" else model()
    )
    code, printed = checked(manifest(), at(served, path, value))
    assert code == 2, printed
    assert where in printed


@pytest.mark.parametrize("obj", [manifest(), policy("p"), model()], ids=lambda obj: str(obj["kind"]))
@pytest.mark.parametrize("path", [("sepc",), ("metadata", "lables"), ("metadata", "labels"), ("speck",)])
def test_a_field_around_the_spec_that_no_schema_knows_is_unusable(
    checked: Checked, obj: Json, path: tuple[str, ...]
) -> None:
    """`sepc` of a policy would ask for the defaults instead of what was written."""
    code, printed = checked(manifest("other"), at(obj, path, ["x"]))
    assert code == 2
    assert ".".join(path) in printed


@pytest.mark.parametrize("items", [{}, model(), "x", 5, None])
@pytest.mark.parametrize("kind", ["List", "ModelDeploymentList"])
def test_a_list_whose_items_are_no_list_is_unusable(checked: Checked, kind: str, items: object) -> None:
    """What stands in it would be overlooked."""
    assert checked(manifest(), {"apiVersion": "v1", "kind": kind, "items": items})[0] == 2


DIGEST: Final = f"sha256:{'a' * 64}"


SPELLINGS: Final = {
    f"registry.example/c@{DIGEST}": 0,
    f"registry.example:5000/c:1.0@{DIGEST}": 0,
    f"c@{DIGEST}": 0,
    f"registry.example/c@sha256:{'b' * 64}": 1,
    f"registry.example/c@sha512:{'a' * 128}": 1,
    f"registry.example/c@{DIGEST.upper()}": 1,
    f"registry.example/c@{DIGEST}@sha256:{'b' * 64}": 1,
    f"{DIGEST}": 1,
    "registry.example:5000/c": 1,
    "registry.example/c:1.0": 1,
}
"""The exit code for each spelling of an image."""


@pytest.mark.parametrize("place", ["containers", "initContainers", "ephemeralContainers", "volumes"])
def test_images_are_known_by_digest_in_every_spelling_and_place(checked: Checked, place: str) -> None:
    """A registry with a port, a tag beside the digest, and a short name are the image; all else is not."""
    bound = manifest(model={"name": "CreditRiskScorer", "images": [f"registry.example/c@{DIGEST}"]})
    pod = ("spec", "template", "spec")
    obj = at(workload(), (*pod, "containers", 0, "image"), f"registry.example/c@{DIGEST}")
    for image, code in SPELLINGS.items():
        one = {"name": "x", "image": {"reference": image} if place == "volumes" else image}
        assert checked(bound, at(obj, (*pod, place), [one]))[0] == code, image


@pytest.mark.parametrize(
    "separator",
    ["---", "---   ", "--- # Source: chart/templates/x.yaml", "---\n---\n\n# c\n---", "...\n---", "---\r"],
    ids=["plain", "trailing blanks", "a comment", "empty documents", "an end", "carriage returns"],
)
def test_no_separator_loses_a_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], separator: str
) -> None:
    """As tools write them: the document that fails stands behind it."""
    first, second = yaml.safe_dump(manifest()), yaml.safe_dump(model(model={"name": "Other"}))
    text = f"{first}{separator}\n{second}"
    path = tmp_path / "all.yaml"
    path.write_bytes((text.replace("\n", "\r\n") if "\r" in separator else text).encode())
    assert main(["check", "-f", str(path), "--now", NOW]) == 1
    assert "link/model" in capsys.readouterr().out


def fields(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:  # noqa: ANN401
    """Yield the path of everything in a JSON value, and what stands there."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*path, step), inner
        yield from fields(inner, (*path, step))


SOURCES: Final = [
    model(podTemplate={"metadata": {"labels": {"a": "b"}}}, autoscaling={"maxReplicas": 2}),
    workload(**{"actgate.dev/model-version": "2"}),
    *(
        at(
            of_kind(kind, API_VERSIONS[kind], steps),
            (*steps, "metadata", "annotations"),
            LINKED,
        )
        for kind, steps in TEMPLATE_PATHS.items()
    ),
]
WRONG: Final[tuple[Any, ...]] = (5, True, ["x"], [5], "x", {"x": "y"}, [], None)


OPTIONAL: Final = {"version", "provider", "placement", "autoscaling", "podTemplate", "labels", "spec"}
"""Fields that may be left out, which null says too; a workload without what declares it declares nothing."""


def _name(path: tuple[Any, ...]) -> bool:
    """Names are asked of no policy, and text is no wrong type for text."""
    return path[-1] in ("name", "a", "app") and path[-3:-1] != ("model",)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_field_of_a_wrong_type_passes(checked: Checked, data: st.DataObject) -> None:
    """Of whatever is accepted, no field can be made unreadable and the whole still pass, or be overlooked."""
    source = data.draw(st.sampled_from(SOURCES), label="source")
    found = [(path, value) for path, value in fields(source) if not _name(path)]
    path, value = data.draw(st.sampled_from(found), label="field")
    wrong = [item for item in WRONG if type(item) is not type(value)]
    optional = path[-1] in OPTIONAL or path[-2:] == ("podTemplate", "metadata")
    if optional or "actgate.dev/compliance-manifest" in str(value):
        wrong = [item for item in wrong if item is not None]
    changed = at(source, path, data.draw(st.sampled_from(wrong), label="value"))
    code, printed = checked(manifest(), changed)
    assert code in (1, 2), printed
