"""``actgate card``: files in, one document out, or one sentence and exit code 2."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.signing import loaded, signed_by_three, three_parties, unsigned
from tests.cli.support import Json, actgate, bias, manifest, pipeline_file, policy, write

AT = "2026-11-27T00:00:00Z"
FORMATS = ("hf", "html", "cyclonedx", "openlineage", "annex-iv")


def made(file: Path, *arguments: str) -> str:
    """Return what the command writes, which must go well."""
    done = actgate("card", str(file), *arguments)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def refused(*arguments: str) -> str:
    """Return the sentences of a command that cannot be carried out."""
    done = actgate("card", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


@pytest.mark.parametrize("wanted", FORMATS)
def test_each_format_is_written_to_standard_output_and_to_a_file(wanted: str, tmp_path: Path) -> None:
    """The same bytes, and nothing else beside them."""
    file, out = write(tmp_path / "manifest.yaml", manifest()), tmp_path / "out.md"
    text = made(file, "--format", wanted)
    assert made(file, "--format", wanted, "--output-file", str(out)) == ""
    assert out.read_text("utf-8") == text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.yaml", "out.md"]


def test_without_a_policy_a_document_says_that_signatures_were_not_verified(tmp_path: Path) -> None:
    """Even where the manifest has some: they are claims until a policy says whose count."""
    text = made(signed_by_three(tmp_path), "--format", "annex-iv")
    assert "> Signatures not verified: no policy was given." in text
    assert "Attested," not in text
    assert "signed for" not in text
    assert "| bias-audit | bias-audit | not verified | none | not verified |" in text


def test_a_policy_without_authorities_verifies_no_signature(tmp_path: Path) -> None:
    """A policy was given, and still no key could count."""
    given = write(tmp_path / "policy.yaml", policy("lenient"))
    text = made(signed_by_three(tmp_path), "--format", "hf", "--policy", str(given), "--at", AT)
    assert "Signatures not verified: the policies that apply (lenient) name no authority" in text


def test_verified_signatures_stand_beside_the_values_that_they_cover(tmp_path: Path) -> None:
    """Who signed, for which field, under which policy and as of when."""
    file, given = signed_by_three(tmp_path), write(tmp_path / "policy.yaml", three_parties())
    text = made(file, "--format", "annex-iv", "--policy", str(given), "--at", AT)
    assert "Signatures were verified under the policy high-risk, as of 2026-11-27T00:00:00Z." in text
    assert "The manifest reaches the level Attested." in text
    assert "Policy high-risk, SHA-256 of what it sets: `sha256:" in text
    assert "spec.bias[0].value, Attested, signed for training, risk" in text
    assert "spec.model.name, Attested, signed for training" in text
    assert "Approval approval, signed: accepted, signed for office." in text


def test_what_was_changed_after_signing_is_contradictory_evidence(tmp_path: Path) -> None:
    """The signed bytes and the file say different things: with and without a policy."""
    file, given = signed_by_three(tmp_path), write(tmp_path / "policy.yaml", three_parties())
    value = loaded(file)
    value["spec"]["humanOversight"]["role"] = "Intern"
    forged = write(tmp_path / "forged.yaml", value)
    for arguments in ((), ("--policy", str(given), "--at", AT)):
        text = made(forged, "--format", "annex-iv", *arguments)
        assert "> Contradictory evidence: spec.humanOversight.role" in text
        assert "(evidence contradictory)" in text
        assert "spec.humanOversight.role, Declared" in text


def test_findings_of_the_given_policies_are_listed(tmp_path: Path) -> None:
    """A limit of the house is a finding under its policy, and no contradiction."""
    file = write(tmp_path / "manifest.yaml", manifest(bias=[bias(0.04)]))
    given = write(tmp_path / "policy.yaml", policy("strict", bias={"maxDifference": 0.02}))
    text = made(file, "--format", "hf", "--policy", str(given), "--at", AT)
    assert "| bias/limit | house policy | Deny |" in text
    assert "Contradictory evidence" not in text
    assert "bias/limit" not in made(file, "--format", "hf")


def test_the_file_of_a_training_pipeline_has_a_card_too(tmp_path: Path) -> None:
    """v0 is accepted for ever."""
    file = write(tmp_path / "model_compliance_manifest.json", pipeline_file())
    text = made(file, "--format", "hf")
    assert text.startswith("---\nmodel_name: CreditRiskScorer")
    assert "the stated value is a claim" in text


def test_html_where_the_file_is_called_so(tmp_path: Path) -> None:
    """Technical documentation is read in a browser, or kept in Git."""
    file, out = write(tmp_path / "manifest.yaml", manifest()), tmp_path / "annex.HTML"
    made(file, "--format", "annex-iv", "--output-file", str(out))
    assert out.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert made(file, "--format", "annex-iv").startswith("# Technical documentation by Annex IV: ")


def test_a_run_folder_has_manifest_and_calibration_and_takes_the_document(tmp_path: Path) -> None:
    """Each step of a pipeline reads and writes its own files there."""
    write(tmp_path / "manifest.yaml", manifest())
    curve = {"bins": [{"low": 0.0, "high": 1.0, "count": 10, "positives": 5}]}
    write(tmp_path / "evaluation.json", {"calibration": [curve]})
    done = actgate("card", "--run-dir", str(tmp_path), "--format", "hf")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    text = (tmp_path / "card" / "README.md").read_text("utf-8")
    assert "all persons. From evaluation.json of the run." in text
    digest = hashlib.sha256((tmp_path / "evaluation.json").read_bytes()).hexdigest()
    assert f"| evaluation.json | `sha256:{digest}` |" in text
    assert actgate("card", "--run-dir", str(tmp_path), "--format", "cyclonedx").returncode == 0
    assert json.loads((tmp_path / "card" / "bom.cdx.json").read_text("utf-8"))["bomFormat"] == "CycloneDX"


def test_owners_and_the_previous_version_come_from_files(tmp_path: Path) -> None:
    """Open items have the names of the house, and the changes are listed."""
    file = write(tmp_path / "manifest.yaml", manifest())
    before = manifest(model={"name": "CreditRiskScorer", "version": "1"})
    previous = write(tmp_path / "previous.yaml", before)
    owners = write(tmp_path / "owners.yaml", {"roles": {"risk": "Model risk desk"}})
    text = made(file, "--format", "annex-iv", "--owners", str(owners), "--previous", str(previous))
    assert "| spec.model.version | 1 | 2 |" in text
    assert "Owner: Model risk desk" in text


def test_a_manifest_that_cannot_be_read_gives_no_card(tmp_path: Path) -> None:
    """One sentence per field, with the place, and no file."""
    out = tmp_path / "card.html"
    broken: list[tuple[Json | str, str]] = [
        (manifest(bias=[bias(0.03) | {"value": "low"}]), 'spec.bias[0].value: Invalid value: "low"'),
        (manifest(model={"name": "x" * 10_000}), "must be text of at most 253 characters"),
        ("{not yaml", "manifest.yaml"),
        ("a: 1\n---\nb: 2\n", "holds 2 documents, and exactly one is expected"),
        ("kind: Service\n", "expected a ComplianceManifest"),
    ]
    for value, words in broken:
        file = tmp_path / "manifest.yaml"
        if isinstance(value, str):
            file.write_text(value)
        else:
            write(file, value)
        error = refused(str(file), "--format", "html", "--output-file", str(out))
        assert error.startswith("error: ")
        assert words in error
        assert error.count("\n") == 1
        assert not out.exists()


def test_other_bad_input_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """Nothing is written, and each sentence says what to do."""
    file = str(write(tmp_path / "manifest.yaml", manifest()))
    wrong = str(write(tmp_path / "wrong.yaml", {"roles": {"boss": "A"}}))
    empty = tmp_path / "run"
    empty.mkdir()
    cases = [
        (("--format", "hf"), "name the manifest, or with --run-dir the folder that has it"),
        (("--run-dir", str(empty), "--format", "hf"), "manifest.yaml does not exist"),
        ((file, "--format", "pdf"), "invalid choice: 'pdf'"),
        ((file, "--format", "hf", "--owners", wrong), 'roles.boss: Unsupported value: "boss"'),
        ((file, "--format", "hf", "--previous", wrong), "expected a ComplianceManifest"),
        (
            (file, "--format", "hf", "--policy", file),
            "--policy takes a CompliancePolicy, not ComplianceManifest",
        ),
        ((file, "--format", "hf", "--output-file", str(tmp_path / "no" / "card.md")), "cannot be written"),
    ]
    for arguments, words in cases:
        assert words in refused(*arguments)
    (empty / "evaluation.json").write_text('{"calibration": [{"bins": 3}]}')
    assert "calibration[0].bins: Invalid value: 3" in refused(file, "--run-dir", str(empty), "--format", "hf")
    assert not (empty / "card").exists()


def test_an_event_needs_a_time_of_the_evidence(tmp_path: Path) -> None:
    """The clock of the command is no time of the training."""
    file = write(tmp_path / "manifest.yaml", manifest(training=None))
    assert "spec.training.finishedAt: Required value" in refused(str(file), "--format", "openlineage")


_WITHOUT = """\
import sys
for name in ("duckdb", "jinja2", "numpy", "rich", "sqlalchemy"):
    sys.modules[name] = None
from actgate.cli.main import main
for wanted in ("hf", "cyclonedx", "openlineage", "annex-iv", "html"):
    code = main(["card", sys.argv[1], "--format", wanted, "--output-file", f"{sys.argv[2]}/{wanted}"])
    print(wanted, code)
"""


@pytest.mark.system
def test_html_without_its_extra_is_one_sentence_and_the_rest_needs_none(tmp_path: Path) -> None:
    """A training image has the base install: Markdown and JSON are written there as well."""
    file = str(write(tmp_path / "manifest.yaml", manifest()))
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", _WITHOUT, file, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout.split() == ["hf", "0", "cyclonedx", "0", "openlineage", "0", "annex-iv", "0"]
    assert done.stderr.count("\n") == 1
    assert "needs pip install 'actgate[pipeline]'" in done.stderr
    assert not (tmp_path / "html").exists()


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    """Of signed evidence as well: what was verified is in it, and not when the command ran."""
    file, given = signed_by_three(tmp_path), write(tmp_path / "policy.yaml", three_parties())
    for wanted in FORMATS:
        arguments = ("--format", wanted, "--policy", str(given))
        assert made(file, *arguments) == made(file, *arguments)


def test_unsigned_evidence_reads_the_same_for_every_caller(tmp_path: Path) -> None:
    """A manifest without attestations says so."""
    text = made(write(tmp_path / "manifest.yaml", unsigned()), "--format", "hf")
    assert "> The manifest has no signed statements." in text
