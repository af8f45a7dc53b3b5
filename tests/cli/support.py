"""How the tests call the installed command, and the documents that they call it with."""

import io
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from contextlib import ExitStack, chdir
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import yaml

from actgate.api.names import API_VERSION
from actgate.cli.main import main

NOW: Final = "2026-11-23T12:00:00Z"
PROGRAM: Final = Path(sysconfig.get_path("scripts")) / "actgate"
Json = dict[str, Any]


def actgate(
    *arguments: str, stdin: str = "", cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, in this process: Python starts more slowly than a file is judged."""
    streams = [io.TextIOWrapper(io.BytesIO(text), "utf-8", newline="") for text in (stdin.encode(), b"", b"")]
    with ExitStack() as patched:
        for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
            patched.enter_context(patch.object(sys, name, stream))
        patched.enter_context(patch.dict(os.environ, os.environ if env is None else env, clear=True))
        if cwd is not None:
            patched.enter_context(chdir(cwd))
        code = main(arguments)
    return subprocess.CompletedProcess(
        [PROGRAM, *arguments], code, _written(streams[1]), _written(streams[2])
    )


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()


def actgate_process(
    *arguments: str, stdin: str = "", cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the installed entry point to its end, as a shell does."""
    return subprocess.run(  # noqa: S603 - our own program
        [PROGRAM, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=env,
        timeout=120,
        check=False,
    )


def check(
    folder: Path, *documents: Json, arguments: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run ``actgate check`` on one YAML file that holds these documents."""
    file = write(folder / "input.yaml", *documents)
    return actgate("check", "-f", str(file), "--now", NOW, *arguments)


def report(folder: Path, *documents: Json, arguments: tuple[str, ...] = ()) -> Json:
    """Run ``actgate check`` on these documents and return its JSON report."""
    done = check(folder, *documents, arguments=("-o", "json", *arguments))
    found: Json = json.loads(done.stdout)
    return found


def write(file: Path, *documents: Json) -> Path:
    """Write documents into a file, as JSON where its name says so."""
    if file.suffix == ".json":
        file.write_text("\n".join(json.dumps(document, indent=1) for document in documents))
    else:
        file.write_text(yaml.safe_dump_all(documents, sort_keys=False))
    return file


def pipeline_file(**changed: object) -> Json:
    """Return the file that a training pipeline writes (v0), as DESIGN section 3 has it."""
    return {
        "model_name": "CreditRiskScorer-v2",
        "risk_category": "HIGH_RISK",
        "training_timestamp": "2026-11-01T10:00:00.123456",
        "human_oversight_enabled": True,
        "training_data_sovereignty": "EU-WEST-3 (Paris/Frankfurt)",
        "bias_metrics": {"demographic_parity_diff": 0.03, "threshold": 0.05, "compliant": True},
        **changed,
    }


def bias(value: float, **stated: object) -> Json:
    """Return one bias measurement."""
    groups = [{"name": "female", "count": 4120}, {"name": "male", "count": 5010}]
    measured = {"attribute": "gender", "metric": "demographic_parity_difference", "value": value}
    return {**measured, "groups": groups, **stated}


def manifest(name: str = "credit-v2", namespace: str | None = None, **changed: object) -> Json:
    """Return a ComplianceManifest that passes without a warning."""
    spec = {
        "model": {"name": "CreditRiskScorer", "version": "2", "digest": f"sha256:{'a' * 64}"},
        "riskCategory": "HighRisk",
        "training": {
            "finishedAt": "2026-11-01T10:00:00Z",
            "regions": [{"provider": "aws", "region": "eu-west-3"}],
        },
        "bias": [bias(0.03, threshold=0.05, compliant=True)],
        "humanOversight": {
            "enabled": True,
            "role": "Credit officer",
            "contact": "credit@example.org",
            "override": "Reject in the case tool",
            "stop": "Suspend the deployment",
        },
        **changed,
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "ComplianceManifest",
        "metadata": _metadata(name, namespace),
        "spec": spec,
    }


def model(name: str = "credit", namespace: str | None = None, **changed: object) -> Json:
    """Return a ModelDeployment that refers to the manifest above."""
    spec = {
        "model": {"name": "CreditRiskScorer", "version": "2"},
        "complianceManifestRef": {"name": "credit-v2"},
        "placement": {"regions": [{"provider": "aws", "region": "eu-west-3"}]},
        "server": {"image": "registry.example/credit:2"},
        **changed,
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "ModelDeployment",
        "metadata": _metadata(name, namespace),
        "spec": spec,
    }


def workload(name: str = "scorer", **annotations: str) -> Json:
    """Return a Deployment that is marked as inference."""
    links = {"actgate.dev/compliance-manifest": "credit-v2", "actgate.dev/model": "CreditRiskScorer"}
    pod = {"containers": [{"name": "main", "image": "registry.example/credit:2"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": {**links, **annotations}},
                "spec": pod,
            }
        },
    }


def policy(name: str, **spec: object) -> Json:
    """Return a CompliancePolicy."""
    return {"apiVersion": API_VERSION, "kind": "CompliancePolicy", "metadata": {"name": name}, "spec": spec}


def namespace(name: str, **labels: str) -> Json:
    """Return a Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _metadata(name: str, namespace: str | None) -> Json:
    return {"name": name} if namespace is None else {"name": name, "namespace": namespace}
