"""The registry on an MLflow server: on the contract fake, and on a real server where there is one."""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from actgate.pipeline.register.mlflow import EXPERIMENT, MlflowRegistry
from actgate.pipeline.register.registry import DIGEST, EVIDENCE, VERSION, RegistryError
from actgate.pipeline.remote.mlflow import Mlflow, tags_of
from actgate.pipeline.remote.rest import Rest
from tests.cli.signing import party
from tests.pipeline.registering import NOW, entry, unsigned_entry
from tests.support.mlflow import Direct, FakeMlflow

REAL = "ACTGATE_TEST_MLFLOW"


@dataclass(frozen=True)
class Server:
    """A server, and a name of a model that no other test uses."""

    mlflow: Mlflow
    name: str


@pytest.fixture(params=["fake", "real"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Give a test each kind of server in turn."""
    name = f"Scorer-{secrets.token_hex(4)}"
    if request.param == "fake":
        yield Server(Mlflow(Direct(FakeMlflow())), name)
    elif url := os.environ.get(REAL):
        yield Server(Mlflow(Rest(url, {})), name)
    else:
        pytest.skip(f"{REAL} names no MLflow server")


def test_a_version_gets_its_tags_and_its_evidence(server: Server) -> None:
    """And its run the tags that lead back; the alias names it, and all of it can be read back."""
    what = entry(name=server.name, files={"audit.json": b"{}\n"})
    found = MlflowRegistry(server.mlflow).register(what, "champion", NOW)
    assert (found.changed, found.place, found.remarks) == (True, f"models:/{server.name}/1", ())
    (version,) = server.mlflow.versions(server.name)
    tags = tags_of(version)
    assert (tags[EVIDENCE], tags[VERSION], tags[DIGEST]) == (what.evidence, "2", what.model_digest)
    run = server.mlflow.run(version["run_id"])
    assert run is not None
    assert tags_of(run["data"])[EVIDENCE] == what.evidence
    assert tags_of(run["data"])["actgate.dev/model"] == found.place
    folder = what.evidence.removeprefix("sha256:")
    assert server.mlflow.artifact(run, f"actgate/{folder}/run/audit.json") == b"{}\n"
    (shown,) = MlflowRegistry(server.mlflow).show(server.name, "2")
    assert shown.manifest is not None
    assert shown.manifest["spec"] == what.manifest["spec"]
    assert (shown.aliases, shown.payloads) == (("champion",), (what.attestations[0][1],))


def test_the_same_again_changes_nothing(server: Server) -> None:
    """A pipeline that is run twice is one entry."""
    what = entry(name=server.name)
    registry = MlflowRegistry(server.mlflow)
    first, second = (registry.register(what, "champion", NOW) for _ in range(2))
    assert (first.changed, second.changed, first.place) == (True, False, second.place)
    assert len(server.mlflow.versions(server.name)) == 1


def test_other_evidence_under_a_version_is_refused(server: Server) -> None:
    """And changes nothing; a new version is a new entry."""
    registry = MlflowRegistry(server.mlflow)
    first = entry(name=server.name)
    registry.register(first, None, NOW)
    other = entry(name=server.name, riskCategory="LimitedRisk")
    with pytest.raises(RegistryError, match=f"has other evidence already: {first.evidence}"):
        registry.register(other, "champion", NOW)
    (only,) = registry.show(server.name, None)
    assert (only.evidence, only.aliases) == (first.evidence, ())


def test_a_later_signature_is_added_and_none_is_taken_away(server: Server) -> None:
    """The evidence is the same, and what was signed may only grow."""
    registry = MlflowRegistry(server.mlflow)
    one, two = (
        entry(party("training"), name=server.name),
        entry(party("training"), party("risk"), name=server.name),
    )
    registry.register(one, None, NOW)
    assert registry.register(two, None, NOW).changed
    (shown,) = registry.show(server.name, None)
    assert len(shown.payloads) == 2
    with pytest.raises(RegistryError, match="has attestations that this manifest lacks"):
        registry.register(unsigned_entry(server.name), None, NOW)
    assert registry.verify(())[1] == [] or os.environ.get(REAL)


def test_evidence_goes_to_the_version_and_run_that_training_made(server: Server) -> None:
    """By their names, or by the digest that the training code set as a tag."""
    what = entry(name=server.name)
    server.mlflow.create_model(server.name)
    experiment = server.mlflow.experiment(EXPERIMENT)
    run = server.mlflow.create_run(experiment, "training", 0, {})
    identity = run["info"]["run_id"]
    source = f"{run['info']['artifact_uri']}/model"
    server.mlflow.create_version(server.name, source, identity, {})
    server.mlflow.create_version(server.name, source, identity, {DIGEST: what.model_digest or ""})
    with pytest.raises(RegistryError, match="has no version 7"):
        MlflowRegistry(server.mlflow, number="7").register(what, None, NOW)
    with pytest.raises(RegistryError, match="there is no run"):
        MlflowRegistry(server.mlflow, run="0" * 32).register(what, None, NOW)
    assert MlflowRegistry(server.mlflow).register(what, None, NOW).place == f"models:/{server.name}/2"
    assert MlflowRegistry(server.mlflow, run=identity).register(what, None, NOW).changed is False
    with pytest.raises(RegistryError, match="is registered at version 2"):
        MlflowRegistry(server.mlflow, number="1").register(what, None, NOW)


def test_what_is_moved_or_changed_afterwards_is_noticed(server: Server) -> None:
    """An alias, a tag, an artifact, each by anyone who may write."""
    registry = MlflowRegistry(server.mlflow)
    first, second = entry(name=server.name), entry(name=server.name, riskCategory="LimitedRisk")
    second = entry(name=server.name, model={**second.manifest["spec"]["model"], "version": "3"})
    registry.register(first, "champion", NOW)
    registry.register(second, None, NOW)

    def faults() -> list[str]:
        return [fault for fault in registry.verify(())[1] if server.name in fault]

    assert faults() == []
    server.mlflow.set_alias(server.name, "champion", "2")
    assert faults() == [
        f"models:/{server.name}@champion: names version 2, and it was set to version 1 ({first.evidence})"
    ]
    registry.register(first, "champion", NOW)
    assert faults() == []
    server.mlflow.tag_version(server.name, "1", DIGEST, "sha256:other")
    assert f"models:/{server.name}/1: the tag {DIGEST} is" in faults()[0]
    server.mlflow.tag_version(server.name, "1", DIGEST, first.model_digest or "")
    (version, _) = server.mlflow.versions(server.name)
    run = server.mlflow.run(version["run_id"])
    assert run is not None
    path = f"actgate/{first.evidence.removeprefix('sha256:')}/manifest.json"
    content = server.mlflow.artifact(run, path)
    assert content is not None
    server.mlflow.put_artifact(run, path, content.replace(b"HighRisk", b"MinimalRisk"))
    assert "the manifest was changed" in faults()[0]
    server.mlflow.put_artifact(run, path, b"{")
    assert "its manifest cannot be read" in faults()[0]


def test_a_version_that_was_deleted_or_lost_its_tag_is_noticed(server: Server) -> None:
    """By what the registered model says of it; a version that is not there says nothing itself."""
    registry, what = MlflowRegistry(server.mlflow), entry(name=server.name)
    registry.register(what, None, NOW)

    def faults() -> list[str]:
        return [fault for fault in registry.verify(())[1] if server.name in fault]

    server.mlflow.tag_version(server.name, "1", EVIDENCE, "sha256:other")
    assert any(fault.endswith(f"and it was registered with {what.evidence}") for fault in faults())
    server.mlflow.tag_version(server.name, "1", EVIDENCE, what.evidence)
    assert faults() == []
    server.mlflow.delete_version(server.name, "1")
    assert faults() == [f"models:/{server.name}/1: is gone, and it was registered with {what.evidence}"]


def test_a_server_that_serves_no_artifacts_gets_tags_and_a_remark() -> None:
    """Its store cannot be reached by HTTP; what is not there is said, and verify says it as well."""
    fake = FakeMlflow(artifacts="s3://bucket/")
    registry = MlflowRegistry(Mlflow(Direct(fake)))
    found = registry.register(entry(), None, NOW)
    (remark,) = found.remarks
    assert "serves no artifacts" in remark
    assert fake.artifacts == {}
    assert "is not among the artifacts of its run" in registry.verify(())[1][0]
