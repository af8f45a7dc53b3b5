"""The contract of ``actgate check``: its exit codes, and what it calls unusable."""

from pathlib import Path

import pytest

from tests.cli.support import (
    NOW,
    Json,
    actgate,
    bias,
    check,
    manifest,
    model,
    namespace,
    pipeline_file,
    policy,
    report,
    workload,
    write,
)

SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "credit"}}


def test_a_pass_is_0(tmp_path: Path) -> None:
    """Exit code 0: everything was judged and passed."""
    assert check(tmp_path, manifest(), model()).returncode == 0


def test_warnings_are_still_a_pass(tmp_path: Path) -> None:
    """Exit code 0 with warnings, which the report shows."""
    done = check(tmp_path, pipeline_file())
    assert done.returncode == 0
    assert "WARN ComplianceManifest" in done.stdout


def test_a_denial_is_1_also_when_something_else_passes(tmp_path: Path) -> None:
    """Exit code 1: one refusal among passes decides."""
    refused = model("other", model={"name": "LoanPricer"})
    assert check(tmp_path, manifest(), model(), refused).returncode == 1


@pytest.mark.parametrize("output", ["text", "json", "junit", "sarif"])
def test_nothing_to_judge_is_3_and_never_a_pass(tmp_path: Path, output: str) -> None:
    """Exit code 3: input without any subject is no success, in any format, and says so."""
    done = check(tmp_path, SERVICE, policy("p"), namespace("team"), arguments=("-o", output))
    assert done.returncode == 3
    assert done.stderr.startswith("error: nothing to judge")
    assert done.stdout


def test_a_policy_that_only_warns_lets_pass(tmp_path: Path) -> None:
    """Exit code 0: the findings of a policy that warns do not deny."""
    documents = (manifest(bias=[bias(0.2)]), model(), policy("soft", enforcement="Warn"))
    assert check(tmp_path, *documents).returncode == 0


UNUSABLE_DOCUMENTS: dict[str, tuple[tuple[Json, ...], str]] = {
    "the same object twice": ((manifest(), manifest(), model()), "is already defined at"),
    "a pipeline's file of a manifest's name": (
        (pipeline_file(), manifest("credit-risk-scorer-v2")),
        "is already defined at",
    ),
    "a kind that is misspelt": (({**model(), "kind": "ModelDeployement"},), "did you mean ModelDeployment?"),
    "a version that is not known": (
        ({**model(), "apiVersion": "actgate.dev/v2"},),
        "supported values: actgate.dev/v1alpha1",
    ),
    "a group that is misspelt": (
        ({**model(), "apiVersion": "actgate.io/v1alpha1"},),
        "supported values: actgate.dev/v1alpha1",
    ),
    "a measurement beside a manifest's spec": (({**manifest(), "bias": [bias(0.9)]}, model()), "bias"),
    "an object without a kind": (({"spec": {}},), "neither a Kubernetes object"),
    "an object without a name": (({**manifest(), "metadata": {}},), "metadata.name: Required value"),
    "a namespace that is no string": (
        ({**model(), "metadata": {"name": "a", "namespace": 3}},),
        "metadata.namespace: Invalid value: 3: must be a string",
    ),
    "a policy that cannot be read": (
        (policy("p", bias={"maxDifference": "0.1"}), manifest()),
        "spec.bias.maxDifference",
    ),
    "a marked kind that is not judged": (
        ({**workload(), "apiVersion": "serving.kserve.io/v1alpha1", "kind": "ServingRuntime"},),
        "is never judged",
    ),
    "a marked workload of a group that is gone": (
        ({**workload(), "apiVersion": "extensions/v1beta1"},),
        "only these are judged",
    ),
    **{
        f"a pipeline's file whose model_name is {stated!r}": (
            (pipeline_file(model_name=stated),),
            "model_name: ",
        )
        for stated in (None, "", "  ", 5, True, ["CreditRiskScorer-v2"], {"name": "CreditRiskScorer-v2"})
    },
    "a pipeline's file whose model_name is renamed": (
        (
            {
                "modelName": "CreditRiskScorer-v2",
                **{k: v for k, v in pipeline_file().items() if k != "model_name"},
            },
        ),
        'did you write "modelName" for it?',
    ),
    "labels that are no strings": (
        ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team", "labels": {"a": 1}}},),
        "metadata.labels",
    ),
}


@pytest.mark.parametrize(("documents", "words"), UNUSABLE_DOCUMENTS.values(), ids=UNUSABLE_DOCUMENTS)
def test_documents_that_no_verdict_can_rest_on_are_2(
    tmp_path: Path, documents: tuple[Json, ...], words: str
) -> None:
    """Exit code 2: nothing is judged, nothing is written to the report, and one sentence says why."""
    done = check(tmp_path, *documents)
    assert (done.returncode, done.stdout) == (2, "")
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith(f"error: {tmp_path}/input.yaml:")
    assert words in sentence


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a: [1\n", "invalid YAML"),
        (b"- a\n- b\n", "must be an object with fields"),
        (b"just words\n", "must be an object with fields"),
        (b"a: \xff\n", "UTF-8"),
        (b'{"a": 1, "a": 2}\n', "duplicate key"),
    ],
)
def test_files_that_cannot_be_read_are_2(tmp_path: Path, content: bytes, words: str) -> None:
    """Exit code 2: a file that is not YAML, JSON, text or an object is named in one sentence."""
    file = tmp_path / "input.yaml"
    file.write_bytes(content)
    done = actgate("check", "-f", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert str(file) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("chekc",), "invalid choice"),
        (("check",), "the following arguments are required: -f/--filename"),
        (("check", "-f", "missing.yaml"), "missing.yaml does not exist"),
        (("check", "-f", "-", "--now", "2026-11-23T12:00:00"), "RFC 3339 time with a zone"),
        (("check", "-f", "-", "--now", "yesterday"), "RFC 3339 time with a zone"),
        (("check", "-f", "-", "--namespace", "Team Credit"), "must be the name of a namespace"),
        (("check", "-f", "-", "--namespace", ""), "must be the name of a namespace"),
        (("manifest", "convert", "-", "--namespace", "-a"), "expected one argument"),
        (("check", "-f", "-", "-o", "xml"), "invalid choice"),
        (("check", "-f", "-", "--policy", "missing.yaml"), "missing.yaml does not exist"),
        (("explain", "bias/limt"), "did you mean bias/limit?"),
        (("manifest", "digest", "missing.json"), "missing.json does not exist"),
    ],
)
def test_a_command_that_cannot_be_used_is_2(arguments: tuple[str, ...], words: str) -> None:
    """Exit code 2: wrong usage is said in one sentence on standard error."""
    done = actgate(*arguments, stdin="{}")
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_every_defect_is_said_at_once(tmp_path: Path) -> None:
    """One run names all unusable documents, so that one pass of fixes is enough."""
    done = check(tmp_path, {"spec": 1}, {**model(), "kind": "Model"}, {**manifest(), "metadata": {}})
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 3)


def test_policies_that_select_by_unknown_labels_are_2(tmp_path: Path) -> None:
    """Labels that the input does not show could select or not: guessing is refused, and the way out said."""
    tiered = policy("tiered", namespaceSelector={"matchLabels": {"tier": "prod"}})
    done = check(tmp_path, manifest(), model(), tiered)
    assert done.returncode == 2
    assert 'policy "tiered"' in done.stderr
    assert 'namespace "default"; add its Namespace object' in done.stderr


@pytest.mark.parametrize(
    ("labels", "applied"), [({"tier": "prod"}, ["tiered"]), ({"tier": "test"}, ["baseline"])]
)
def test_namespaces_in_the_input_give_their_labels(
    tmp_path: Path, labels: dict[str, str], applied: list[str]
) -> None:
    """A selector is decided by the Namespace object in the input; the baseline applies where none selects."""
    tiered = policy("tiered", namespaceSelector={"matchLabels": {"tier": "prod"}})
    found = report(tmp_path, manifest(), model(), tiered, namespace("default", **labels))
    assert found["verdicts"][0]["policies"] == applied


@pytest.mark.parametrize(("name", "applied"), [("prod", ["named"]), ("test", ["baseline"])])
def test_the_name_of_a_namespace_is_always_known(tmp_path: Path, name: str, applied: list[str]) -> None:
    """A selector by kubernetes.io/metadata.name needs no Namespace object."""
    named = policy("named", namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": "prod"}})
    found = report(tmp_path, manifest(), model(), named, arguments=("--namespace", name))
    assert found["verdicts"][0]["policies"] == applied


def test_policies_may_come_by_themselves(tmp_path: Path) -> None:
    """--policy takes policies from files of their own, and applies them."""
    rules = write(tmp_path / "policy.yaml", policy("strict", bias={"maxDifference": 0.01}))
    assert check(tmp_path, manifest(), model(), arguments=("--policy", str(rules))).returncode == 1


def test_a_policy_file_holds_policies_only(tmp_path: Path) -> None:
    """Anything else behind --policy would be overlooked, and is refused."""
    rules = write(tmp_path / "policy.yaml", policy("strict"), model())
    done = check(tmp_path, manifest(), arguments=("--policy", str(rules)))
    assert done.returncode == 2
    assert "--policy takes a CompliancePolicy, not ModelDeployment" in done.stderr


def test_manifests_of_another_namespace_do_not_count(tmp_path: Path) -> None:
    """A manifest is found in the subject's own namespace only, and is otherwise judged by itself."""
    found = report(tmp_path, manifest(namespace="other"), model())
    assert [(item["subject"]["kind"], item["outcome"]) for item in found["verdicts"]] == [
        ("ModelDeployment", "Fail"),
        ("ComplianceManifest", "Pass"),
    ]


def test_a_pipeline_file_serves_as_evidence_by_its_converted_name(tmp_path: Path) -> None:
    """A v0 file stands for the ComplianceManifest that it converts to, in --namespace."""
    served = model(complianceManifestRef={"name": "credit-risk-scorer-v2"}, namespace="prod")
    found = report(tmp_path, pipeline_file(), served, arguments=("--namespace", "prod"))
    (verdict,) = found["verdicts"]
    assert (verdict["subject"]["kind"], verdict["outcome"]) == ("ModelDeployment", "Warn")


def test_a_manifest_that_something_refers_to_is_not_judged_twice(tmp_path: Path) -> None:
    """Evidence that a subject of the input refers to speaks through that subject's verdict."""
    assert report(tmp_path, manifest(), model(), workload())["summary"]["judged"] == 2


def test_the_moment_decides(tmp_path: Path) -> None:
    """--now is the moment that is asked about, in any zone."""
    file = write(tmp_path / "input.yaml", manifest(validity={"notAfter": "2026-12-01T00:00:00Z"}), model())
    codes = [
        actgate("check", "-f", str(file), "--now", now).returncode
        for now in ("2026-11-30T23:59:59Z", "2026-12-01T01:59:59+02:00", "2026-12-01T00:00:00Z")
    ]
    assert codes == [0, 0, 1]


def test_standard_input_and_json_lists_are_read(tmp_path: Path) -> None:
    """What kubectl get -o json prints can be piped in."""
    file = write(tmp_path / "list.json", {"apiVersion": "v1", "kind": "List", "items": [manifest(), model()]})
    done = actgate("check", "-f", "-", "--now", NOW, stdin=file.read_text())
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 judged: 1 passed")


def test_a_kustomization_beside_the_manifests_is_left_alone(tmp_path: Path) -> None:
    """A directory for kustomize is judged as it is, and what is not ours is counted."""
    write(tmp_path / "model.yaml", manifest(), model(), SERVICE)
    write(tmp_path / "kustomization.yaml", {"resources": ["model.yaml"]})
    done = actgate("check", "-f", str(tmp_path), "--now", NOW)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        "1 judged: 1 passed; 2 other objects not judged",
    )


def test_foreign_groups_may_have_kinds_of_our_names(tmp_path: Path) -> None:
    """A ModelDeployment of another project is none of our business."""
    foreign = {"apiVersion": "serving.example.org/v1", "kind": "ModelDeployment", "metadata": {"name": "x"}}
    assert check(tmp_path, foreign).returncode == 3


def test_jobs_with_generated_names_are_judged_each(tmp_path: Path) -> None:
    """Objects that the API server will name are no duplicates of each other."""
    job = {**workload(), "apiVersion": "batch/v1", "kind": "Job"}
    job["metadata"] = {"generateName": "score-"}
    assert report(tmp_path, manifest(), job, job)["summary"]["judged"] == 2
