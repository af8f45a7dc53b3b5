"""Training evidence: where a run was, by which evidence, and what contradicts itself."""

import json
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from actgate.manifests.errors import EvidenceError
from actgate.pipeline import training_run
from actgate.pipeline.remote import metadata
from actgate.pipeline.training import places
from actgate.pipeline.training.places import NEVER

IDENTITY = {"region": "eu-west-3", "availabilityZone": "eu-west-3a", "instanceId": "i-1", "accountId": "1"}
AWS = {
    "PUT /latest/api/token": ({"X-aws-ec2-metadata-token-ttl-seconds": "60"}, "a-token"),
    "GET /latest/dynamic/instance-identity/document": (
        {"X-aws-ec2-metadata-token": "a-token"},
        json.dumps(IDENTITY),
    ),
}
GCP = {
    "GET /computeMetadata/v1/instance/zone": (
        {"Metadata-Flavor": "Google"},
        "projects/1/zones/europe-west9-b",
    ),
    "GET /computeMetadata/v1/instance/id": ({"Metadata-Flavor": "Google"}, "42"),
}
AZURE = {
    "GET /metadata/instance?api-version=2021-02-01": (
        {"Metadata": "true"},
        json.dumps({"compute": {"location": "westeurope", "zone": "1", "vmId": "v"}}),
    )
}
Answers = Mapping[str, tuple[Mapping[str, str], str]]


@contextmanager
def server(answers: Answers) -> Iterator[tuple[str, int]]:
    """Serve metadata on this machine: what is asked without the right header is refused, as clouds do."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted, body = answers.get(f"{self.command} {self.path}", ({}, ""))
            right = body and all(self.headers.get(name) == value for name, value in wanted.items())
            self.send_response(200 if right else 403)
            self.send_header("Metadata-Flavor", "Google")
            self.end_headers()
            self.wfile.write(body.encode() if right else b"")

        do_PUT = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield ("127.0.0.1", serving.server_address[1])
        finally:
            serving.shutdown()
            thread.join()


@contextmanager
def cloud(monkeypatch: pytest.MonkeyPatch, answers: Answers) -> Iterator[None]:
    """Let the link-local address be a server on this machine."""
    with server(answers) as address:
        monkeypatch.setattr(metadata, "ADDRESS", address)
        yield


def record(folder: Path, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - those of training_run
    """Record a run in which nothing happens, and return its evidence."""
    options = {"environ": {}, "cloud_metadata": NEVER, "podinfo": folder / "podinfo", **options}
    with training_run(folder / "run", **options):
        pass
    found: dict[str, Any] = json.loads((folder / "run" / "training.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize(
    ("name", "answers", "place"),
    [
        ("aws", AWS, ("aws", "eu-west-3", "eu-west-3a")),
        ("gcp", GCP, ("gcp", "europe-west9", "europe-west9-b")),
        ("azure", AZURE, ("azure", "westeurope", "westeurope-1")),
    ],
)
def test_each_cloud_says_where_its_machine_is(name: str, answers: Answers, place: tuple[str, ...]) -> None:
    """Asked as each provider asks for: with a token (IMDSv2), or with the header of its own."""
    with server(answers) as address:
        found = metadata.read(name, address)
        assert (found.provider, found.region, found.zone) == place
        with pytest.raises(metadata.MetadataError, match="gave no usable answer"):
            metadata.read("azure" if name == "aws" else "aws", address)


def test_what_the_cloud_says_is_observed_and_all_else_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pod's labels, variables and arguments are written by the author of the run."""
    (tmp_path / "podinfo").mkdir()
    labels = (
        'app="train"\ntopology.kubernetes.io/region="eu-west-3"\ntopology.kubernetes.io/zone="eu-west-3b"\n'
    )
    (tmp_path / "podinfo" / "labels").write_text(labels)
    env = {
        "AWS_REGION": "eu-west-3",
        "ACTGATE_NODE_REGION": "eu-west-3",
        "ACTGATE_NODE_PROVIDER_ID": "aws:///eu-west-3a/i-1",
        "ACTGATE_POD_NAME": "train-1",
    }
    with cloud(monkeypatch, AWS):
        found = record(tmp_path, environ=env, cloud_metadata="aws", regions="aws eu-west-3")
    assert {one["source"]: one["level"] for one in found["sources"]} == {
        "argument": "declared",
        "environment": "declared",
        "kubernetes-environment": "declared",
        "kubernetes-provider-id": "declared",
        "kubernetes-downward-api": "declared",
        "cloud-metadata": "observed",
    }
    (region,) = found["training"]["regions"]
    assert (region["provider"], region["region"]) == ("aws", "eu-west-3")


def test_the_cloud_is_asked_where_the_firmware_names_it(tmp_path: Path) -> None:
    """No packet leaves a machine of one's own for an address that only clouds answer at."""
    assert metadata.detected(tmp_path) is None
    (tmp_path / "sys_vendor").write_text("Amazon EC2\n")
    assert metadata.detected(tmp_path) == "aws"


@pytest.mark.parametrize(
    ("options", "both"),
    [
        ({"cloud_metadata": "aws", "regions": "aws eu-central-1"}, ("argument", "cloud-metadata")),
        (
            {"cloud_metadata": "aws", "environ": {"AWS_REGION": "us-east-1"}},
            ("environment", "cloud-metadata"),
        ),
        (
            {"regions": "gcp europe-west9", "environ": {"ACTGATE_NODE_REGION": "eu-west-3"}},
            ("argument", "kube"),
        ),
        (
            {"regions": "eu-west-3", "environ": {"ACTGATE_TRAINING_REGION": "eu-west-1"}},
            ("argument", "envir"),
        ),
        (
            {"regions": "aws eu-west-3", "environ": {"ACTGATE_NODE_PROVIDER_ID": "aws:///eu-west-1a/i-1"}},
            ("argument", "kubernetes-provider-id"),
        ),
        ({"environ": {"ACTGATE_NODE_REGION": "eu-west-3", "ACTGATE_NODE_ZONE": "eu-west-1a"}}, ("zone",)),
    ],
)
def test_sources_that_contradict_each_other_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], both: tuple[str, ...]
) -> None:
    """Before the training starts, in one sentence that names both; nothing is written."""
    with cloud(monkeypatch, AWS), pytest.raises(EvidenceError) as refused:
        record(tmp_path, **options)
    (sentence,) = str(refused.value).splitlines()
    assert all(name in sentence for name in both), sentence
    assert not (tmp_path / "run").exists()


def test_data_in_several_regions_may_be_more_than_where_the_process_runs(tmp_path: Path) -> None:
    """``regions`` is every place in which data is processed; this process is in one of them."""
    found = record(
        tmp_path, regions=["aws eu-west-3", "aws eu-central-1"], environ={"AWS_REGION": "eu-central-1"}
    )
    assert [one["region"] for one in found["training"]["regions"]] == ["eu-west-3", "eu-central-1"]


def test_a_zone_that_the_table_does_not_know_stands_for_itself() -> None:
    """Local and Wavelength zones may lie abroad: an unknown one is a region that the gate refuses."""
    env = {"ACTGATE_NODE_REGION": "eu-west-3", "ACTGATE_NODE_ZONE": "eu-west-3-cmn-wlz-1a"}
    (source,) = places.gathered(None, env, NEVER, Path("absent"))
    assert [region.code for region in source.regions] == ["eu-west-3-cmn-wlz-1a"]


def test_code_lock_data_and_base_models_are_named_by_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a tree that was changed is called dirty: its commit is not what ran."""
    monkeypatch.chdir(tmp_path)
    for name in ("train.py", "uv.lock", "data.bin"):
        (tmp_path / name).write_text(name)
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "train.py"], ["commit", "-qm", "c"]):
        subprocess.run([*git, *command], check=True, capture_output=True)  # noqa: S603
    (tmp_path / "train.py").write_text("changed")
    base = f"bert@sha256:{'a' * 64}"
    with training_run("run", datasets=["data.bin"], base_models=[base], cloud_metadata=NEVER) as run:
        (tmp_path / "model.bin").write_text("weights")
        run.model("model.bin")
    found = json.loads(Path("run/training.json").read_text("utf-8"))
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)  # noqa: S603
    assert found["lineage"]["codeCommit"] == f"{commit.stdout.strip()}-dirty"
    assert found["lineage"]["baseModels"] == [base]
    stated = json.loads(Path("run/provenance.json").read_text("utf-8"))
    assert stated["predicateType"] == "https://slsa.dev/provenance/v1"
    assert f"sha256:{stated['subject'][0]['digest']['sha256']}" == found["model"]["digest"]
    materials = stated["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert [one["annotations"]["kind"] for one in materials] == ["dataset", "base-model", "lock-file", "code"]
    assert all(one["digest"] for one in materials)


def test_data_that_is_written_during_the_run_is_refused(tmp_path: Path) -> None:
    """What the digest names is not what was learnt from."""
    data = tmp_path / "data.csv"
    data.write_text("a\n1\n")
    with (
        pytest.raises(EvidenceError, match="changed during the run"),
        training_run(tmp_path / "run", datasets=[data], environ={}, cloud_metadata=NEVER),
    ):
        data.write_text("a\n1\n2\n")
    assert not (tmp_path / "run").exists()


def test_a_run_that_fails_leaves_no_evidence(tmp_path: Path) -> None:
    """The exception goes on to the caller."""
    with (
        pytest.raises(ZeroDivisionError),
        training_run(tmp_path / "run", environ={}, cloud_metadata=NEVER),
    ):
        raise ZeroDivisionError
    assert not (tmp_path / "run").exists()
