"""The example that three parties signed: its files pass, its script makes others, and no key is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from actgate.cli.main import main
from tests.examples.conftest import ROOT, Gate
from tests.support.crds import collection

FOLDER = ROOT / "examples" / "attested"
MANIFEST, POLICY, MODEL = (str(FOLDER / f"{name}.yaml") for name in ("manifest", "policy", "model"))
SIGNED_AT = "2026-11-27T12:00:00Z"

Json = dict[str, Any]


def findings(capsys: pytest.CaptureFixture[str], *arguments: str) -> set[str]:
    """Return the rules that `actgate check` names, whatever their effect."""
    capsys.readouterr()
    main(["check", "-o", "json", *arguments])
    [verdict] = json.loads(capsys.readouterr().out)["verdicts"]
    return {item["rule"] for item in verdict["findings"]}


@pytest.fixture(scope="module")
def anew(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, signed anew by its scripts with keys of its own."""
    folder = tmp_path_factory.mktemp("attested")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in (
        [str(FOLDER / "make-keys.sh"), str(folder / "keys")],
        [str(FOLDER / "build.sh"), str(folder / "keys"), str(folder)],
    ):
        done = subprocess.run(  # noqa: S603 - scripts of this repository
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, "PATH": path},
        )
        assert done.returncode == 0, done.stderr
    return folder


def test_the_committed_files_verify(capsys: pytest.CaptureFixture[str]) -> None:
    """By themselves and with the model that links them; today and on the day on which they were signed."""
    for moment in ([], ["--at", SIGNED_AT]):
        assert main(["verify", MANIFEST, "--policy", POLICY, *moment]) == 0
    assert findings(capsys, "-f", MANIFEST, MODEL, "--policy", POLICY) == set()


def test_the_script_makes_evidence_that_its_own_policy_trusts_and_no_other(
    anew: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same statements with other keys: what passes is who signed, and not what the file looks like."""
    manifest, policy = str(anew / "manifest.yaml"), str(anew / "policy.yaml")
    assert findings(capsys, "-f", manifest, MODEL, "--policy", policy) == set()
    assert main(["verify", manifest, "--policy", POLICY]) == 1
    assert main(["verify", MANIFEST, "--policy", policy]) == 1
    assert "evidence/authority" in findings(capsys, "-f", manifest, MODEL, "--policy", POLICY)


def test_the_committed_files_are_what_the_script_writes(anew: Path) -> None:
    """But for keys and signatures, and the moment of the approval."""
    for name in ("manifest.yaml", "policy.yaml"):
        old, new = (yaml.safe_load((folder / name).read_text("utf-8")) for folder in (FOLDER, anew))
        assert without_keys(new) == without_keys(old)


def without_keys(document: Json) -> Json:
    """Return a manifest or a policy without what is another one for each pair of keys."""
    for item in document.get("spec", {}).get("attestations", ()):
        del item["envelope"]["signatures"]
        if item["name"] == "approval":
            del item["envelope"]["payload"]
    for authority in document.get("spec", {}).get("evidence", {}).get("authorities", ()):
        del authority["key"]
    return document


def test_the_policy_of_high_risk_systems_asks_for_what_the_example_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the example's keys in it the example passes, and with its own keys it does not."""
    trusting = yaml.safe_load(Path(POLICY).read_text("utf-8"))
    policy = yaml.safe_load((ROOT / "examples" / "policies" / "high-risk.yaml").read_text("utf-8"))
    policy["spec"]["namespaceSelector"] = {}
    path = tmp_path / "high-risk.yaml"

    def found() -> set[str]:
        path.write_text(yaml.safe_dump(policy), "utf-8")
        return findings(capsys, "-f", MANIFEST, MODEL, "--policy", str(path), "--now", SIGNED_AT)

    assert found() == {"evidence/authority"}
    keys = {item["name"]: item["key"] for item in trusting["spec"]["evidence"]["authorities"]}
    for authority in policy["spec"]["evidence"]["authorities"]:
        authority["key"] = keys[authority["name"]]
    assert found() == set()


def test_no_private_key_lies_among_the_examples() -> None:
    """A key that anyone can read signs for anyone."""
    files = [path for path in (ROOT / "examples").rglob("*") if path.is_file() and "keys" not in path.parts]
    assert len(files) > 50
    assert [path for path in files if b"PRIVATE KEY" in path.read_bytes()] == []


def test_the_api_server_admits_it(gate: Gate) -> None:
    """The committed files, in the order in which the page says to apply them, without a warning."""
    known = gate.webhook.knows("compliancepolicies")
    space, policy = (
        yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8")) for name in ("namespace", "policy")
    )
    home = space["metadata"]["name"]
    # The runbook's test uses it too, and no namespace ends on an API server alone.
    assert gate.rest("POST", "/api/v1/namespaces", space).status in (201, 409)
    assert gate.rest("POST", collection("CompliancePolicy"), policy).status == 201
    gate.webhook.wait_until_it_knows("compliancepolicies", known + 1)
    documents = [yaml.safe_load(Path(path).read_text("utf-8")) for path in (MANIFEST, MODEL)]
    for document in documents:
        reply = gate.rest("POST", collection(document["kind"], home), document)
        assert (reply.status, reply.warnings) == (201, ()), reply
    for document in reversed(documents):
        gate.rest("DELETE", f"{collection(document['kind'], home)}/{document['metadata']['name']}")
    gate.rest("DELETE", f"{collection('CompliancePolicy')}/{policy['metadata']['name']}")
