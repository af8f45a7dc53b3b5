"""SLSA provenance of a training run: ``https://slsa.dev/provenance/v1``, from what ``training.json`` holds.

Source: https://slsa.dev/spec/v1.1/provenance. The statement is not signed here: ``actgate attest --type
provenance --predicate provenance.json`` does that. The border: values in, values out.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from actgate.api import predicates
from actgate.version import VERSION

FILE: Final = "provenance.json"
"""Name of the statement, beside the manifest."""
BUILD_TYPE: Final = "https://actgate.dev/training-run/v1alpha1"
"""``externalParameters`` is the command; ``internalParameters`` says where the run was, and who says so."""
LOCAL: Final = "https://actgate.dev/builder/train-run/v1alpha1"
"""Builder of a run that no CI system names: the signer of the statement vouches for it."""
Json = dict[str, Any]


def builder(environ: Mapping[str, str]) -> str:
    """Return the URI of what ran the training: the workflow or runner of a CI system, else ``LOCAL``."""
    server, workflow = environ.get("GITHUB_SERVER_URL"), environ.get("GITHUB_WORKFLOW_REF")
    if server and workflow:
        return f"{server}/{workflow}"
    server, project = environ.get("CI_SERVER_URL"), environ.get("CI_PROJECT_PATH")
    if server and project:
        return f"{server}/{project}/-/runners/{environ.get('CI_RUNNER_ID', 'unknown')}"
    return LOCAL


def statement(training: Mapping[str, Any], subjects: Iterable[tuple[str, str]]) -> Json:
    """Return the in-toto statement about the model that a run made.

    Args:
        training: What ``training.json`` holds.
        subjects: Name and digest (``sha256:<hex>``) of the model, and of images of it.
    """
    return {
        "_type": predicates.STATEMENT,
        "subject": [{"name": name, "digest": _digest(digest)} for name, digest in subjects],
        "predicateType": predicates.PROVENANCE,
        "predicate": predicate(training),
    }


def predicate(training: Mapping[str, Any]) -> Json:
    """Return the predicate of a run."""
    run = training["run"]
    external = {"command": run["command"]} if run.get("command") else {}
    metadata = {"startedOn": run["startedAt"], "finishedOn": training["training"]["finishedAt"]}
    if invocation := (training.get("lineage") or {}).get("runId"):
        metadata["invocationId"] = invocation
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": external,
            "internalParameters": {"sources": training["sources"]},
            "resolvedDependencies": [*_dependencies(training)],
        },
        "runDetails": {
            "builder": {"id": run["builder"], "version": {"actgate": VERSION}},
            "metadata": metadata,
        },
    }


def _dependencies(training: Mapping[str, Any]) -> Iterator[Json]:
    run = training["run"]
    inputs = [("dataset", one["name"], one["digest"]) for one in training["datasets"]]
    references = (training.get("lineage") or {}).get("baseModels") or ()
    inputs += [
        ("base-model", name, digest) for name, _, digest in (one.rpartition("@") for one in references)
    ]
    for kind, name, digest in inputs:
        yield {"name": name, "digest": _digest(digest), "annotations": {"kind": kind}}
    if lock := run.get("lock"):
        yield {"name": lock["name"], "digest": _digest(lock["digest"]), "annotations": {"kind": "lock-file"}}
    if code := run.get("code"):
        yield {
            "name": "code",
            "digest": {"gitCommit": code["commit"]},
            "annotations": {"kind": "code", "level": code["level"], "dirty": code["dirty"]},
        }


def _digest(digest: str) -> Json:
    return {"sha256": digest.removeprefix("sha256:")}
