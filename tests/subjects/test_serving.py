"""Objects of serving systems: what is read of one of each kind, and of whatever else they may hold."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from actgate.api.names import INFERENCE_LABEL, MANIFEST_ANNOTATION, MODEL_ANNOTATION
from actgate.decision.subject import SignalTier
from actgate.subjects.kinds import UnusableKindsError
from actgate.subjects.patterns import Pattern
from actgate.subjects.serving import ServingObject
from actgate.subjects.serving_kinds import read, serving_kinds

SAMPLES: Final = yaml.safe_load((Path(__file__).parent / "serving_objects.yaml").read_text(encoding="utf-8"))
LINK: Final = {MANIFEST_ANNOTATION: "credit-3", MODEL_ANNOTATION: "Credit"}


def serving(sample: dict[str, Any], annotations: dict[str, str] | None = None) -> ServingObject:
    """Return the reading of a sample."""
    version, _, kind = sample["kind"].partition(" ")
    group = version.partition("/")[0]
    metadata = {"name": "m", "namespace": "credit", "annotations": annotations or {}}
    obj = {"apiVersion": version, "kind": kind, "metadata": metadata, **copy.deepcopy(sample["body"])}
    return ServingObject(obj, serving_kinds()[group, kind])


def of_kind(kind: str) -> dict[str, Any]:
    """Return the sample of a kind."""
    return next(sample for sample in SAMPLES if sample["kind"].endswith(f" {kind}"))


def test_every_kind_that_is_judged_has_a_sample() -> None:
    sampled = {(sample["kind"].partition("/")[0], sample["kind"].rpartition(" ")[2]) for sample in SAMPLES}
    assert sampled == {key for key, row in serving_kinds().items() if row.judged != "never"}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: str(sample["kind"]))
def test_images_and_models_are_read_wherever_a_kind_keeps_them(sample: dict[str, Any]) -> None:
    """Of the top object itself, since a refused child of it is seen by its controller alone."""
    subject = serving(sample, LINK).subject()
    assert [image for _, image in subject.images] == sample["images"]
    assert {item.value for item in subject.references} == set(sample.get("loads", ()))
    unstated = set(sample.get("unstated", ())) | (set() if sample["images"] else {"images"})
    assert set(subject.unstated) == unstated
    assert subject.problems == ()
    assert [link.manifest for link in subject.links] == ["credit-3"]
    assert subject.model is not None


def test_a_kind_that_serves_is_judged_without_a_mark_and_one_that_may_do_anything_is_not() -> None:
    assert serving(of_kind("InferenceService")).declared
    assert not serving(of_kind("JobSet")).judged
    marked = serving(of_kind("JobSet"), LINK)
    assert marked.declared


def test_a_kind_that_may_do_anything_is_judged_for_its_signals() -> None:
    """The label that withdraws a declaration withdraws no detection."""
    sample = of_kind("LeaderWorkerSet")
    reading = serving(sample, {INFERENCE_LABEL: "false"})
    assert not reading.declared
    subject = reading.subject()
    assert subject.detection is not None
    assert subject.detection.tier is SignalTier.STRONG


def test_the_number_of_servers_is_no_governed_change_and_all_else_is() -> None:
    sample = of_kind("InferenceService")
    before = serving(sample).governed_fields()
    for changed, governed in (
        ({"minReplicas": 5}, False),
        ({"maxReplicas": 9}, False),
        ({"model": {"storageUri": "s3://models/fraud/1"}}, True),
        ({"workerSpec": {"containers": [{"image": "a"}]}}, True),
        ({"unknownField": 1}, True),
    ):
        other = copy.deepcopy(sample)
        other["body"]["spec"]["predictor"].update(changed)
        assert (serving(other).governed_fields() != before) is governed, changed


def test_where_pods_may_run_is_read_beside_every_pod_spec() -> None:
    subject = serving(of_kind("InferenceService"), LINK).subject()
    assert subject.placement is not None
    (placed,) = subject.placement
    assert placed[0] == "spec.predictor.nodeSelector[topology.kubernetes.io/region]"


@pytest.mark.parametrize(
    ("text", "problem"),
    [("{", True), ("- a list", True), (7, True), ("x" * 70_000, True), ("applications: []", False)],
)
def test_embedded_yaml_that_cannot_be_read_is_a_problem(text: object, problem: bool) -> None:
    sample = copy.deepcopy(of_kind("RayService"))
    sample["body"]["spec"]["serveConfigV2"] = text
    paths = [item.path for item in serving(sample, LINK).subject().problems]
    assert ("spec.serveConfigV2" in paths) is problem


def doubled(text: str, first: str) -> str:
    """Return YAML in which each of forty lines holds the one before twice."""
    return "\n".join([f"a0: &a0 {first}", *(text.format(n=n, m=n - 1) for n in range(1, 40))])


@pytest.mark.parametrize(
    "text",
    [
        doubled("a{n}: &a{n} [*a{m}, *a{m}]", "[x]") + "\napplications: *a39",
        doubled("a{n}: &a{n} {{<<: [*a{m}, *a{m}]}}", "{x: y}") + "\napplications: [*a39]",
        "x: &m {model_loading_config: {model_source: s3://x}}\n"
        + f"y: &a {{args: {{llm_configs: [{'*m, ' * 300}]}}}}\napplications: [{'*a, ' * 300}]",
        "applications: &a [*a]",
    ],
    ids=["doubled", "merged", "many times many", "endless"],
)
def test_aliases_make_no_more_of_embedded_yaml_than_it_could_hold(text: str) -> None:
    """A kilobyte could be a billion of nodes, and the request and all others would wait for it."""
    sample = copy.deepcopy(of_kind("RayService"))
    sample["body"]["spec"]["serveConfigV2"] = text
    subject = serving(sample, LINK).subject()
    assert "spec.serveConfigV2" in [item.path for item in subject.problems]
    few = "x: &a {args: {llm_configs: [{model_loading_config: {model_source: s3://x}}]}}"
    few += "\napplications: [*a, *a]"
    sample["body"]["spec"]["serveConfigV2"] = few
    subject = serving(sample, LINK).subject()
    assert [item.value for item in subject.references if item.value == "s3://x"] == ["s3://x"] * 2


def test_an_object_that_names_too_many_models_is_a_problem() -> None:
    """Each is compared with the evidence of every model."""
    sample = copy.deepcopy(of_kind("InferenceService"))
    uris = [{"storageUri": f"s3://models/{number}"} for number in range(2000)]
    sample["body"]["spec"]["predictor"]["more"] = uris
    subject = serving(sample, LINK).subject()
    assert len(subject.references) == 1024
    assert [item.message for item in subject.problems if item.message.startswith("Too many")]


def test_what_should_be_an_image_or_a_uri_and_is_none_is_a_problem() -> None:
    sample = copy.deepcopy(of_kind("InferenceService"))
    sample["body"]["spec"]["predictor"]["model"] |= {"image": 7, "storageUri": ["s3://x"]}
    paths = {item.path for item in serving(sample, LINK).subject().problems}
    assert {"spec.predictor.model.image", "spec.predictor.model.storageUri"} <= paths


def images(value: object) -> Iterator[str]:
    """Yield every string under a key `image`, as a naive search finds it."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "image" and isinstance(item, str) and item:
                yield item
            yield from images(item)
    elif isinstance(value, list):
        for item in value:
            yield from images(item)


def bodies() -> st.SearchStrategy[Any]:
    """Return any JSON with the names of fields that are read among its keys."""
    keys = st.sampled_from(
        ["spec", "image", "containers", "initContainers", "predictor", "model", "args", "env", "name",
         "template", "metadata", "labels", "affinity", "nodeSelector", "storageUri", "repository"]
    )  # fmt: skip
    leaves = st.none() | st.booleans() | st.integers() | st.sampled_from(["a/b:1", "vllm", "s3://x", ""])
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=20,
    )


@given(st.sampled_from(SAMPLES), bodies())
def test_never_fewer_images_than_a_naive_search_finds(sample: dict[str, Any], spec: object) -> None:
    """And nothing raises, whatever the object holds."""
    reading = serving({**sample, "body": {"spec": spec}}, LINK)
    subject = reading.subject()
    reading.governed_fields()
    assert sorted(images(spec)) == sorted(
        image for path, image in subject.images if image in set(images(spec))
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.b", {"a.b": 1}),
        ("a.list[*].x", {"a.list[0].x": 1, "a.list[1].x": 2}),
        ("a.*", {"a.b": 1, "a.list": [{"x": 1}, {"x": 2}]}),
        ("**.x", {"a.list[0].x": 1, "a.list[1].x": 2}),
        ("labels[k/ey]", {"labels[k/ey]": 3}),
        ("a.absent.x", {}),
        ("a.b.x", {}),
    ],
)
def test_a_pattern_finds_fields_at_each_place(text: str, found: dict[str, Any]) -> None:
    obj = {"a": {"b": 1, "list": [{"x": 1}, {"x": 2}], "null": None}, "labels": {"k/ey": 3}}
    assert dict(Pattern.parse(text).found(obj)) == found


@pytest.mark.parametrize("text", ["", ".a", "a..b", "a[", "a b", "a[]"])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be names of fields"):
        Pattern.parse(text)


ROW = "{group: g.example, kind: K, plural: ks, judged: %s}"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("{", "invalid YAML"),
        ("{format: actgate.serving-kinds/1, kinds: [" + ROW % "never" + "]}", "because"),
        ("{format: actgate.serving-kinds/1, kinds: [" + ROW % "sometimes" + "]}", "judged"),
        (
            "{format: actgate.serving-kinds/1, kinds: [" + ", ".join([ROW % "always"] * 2) + "]}",
            "Duplicate value",
        ),
        (
            "{format: actgate.serving-kinds/1, kinds: "
            "[{group: apps, kind: Deployment, plural: x, judged: always}]}",
            "Duplicate value",
        ),
    ],
)
def test_rows_that_cannot_be_used_are_refused_in_one_sentence(rows: str, words: str) -> None:
    """A row that is skipped in silence would be a kind that is not judged."""
    with pytest.raises(UnusableKindsError, match=words):
        read(rows)
