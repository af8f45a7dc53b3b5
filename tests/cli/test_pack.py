import hashlib
import json
import os
from pathlib import Path

import pytest

from tests.cli.packing import AT, files_of, packed, run_dir
from tests.cli.signing import key_file, signed_by_three, three_parties, unsigned
from tests.cli.support import Json, actgate, bias, manifest, model, namespace, pipeline_file, policy, write


def test_a_pack_holds_what_the_verdict_rests_on(tmp_path: Path) -> None:
    """Manifest, envelopes, policies with their keys, the run's evidence, the verdict, README and digests."""
    file = packed(tmp_path)
    files = files_of(file)
    assert sorted(files) == [
        "README.md",
        "SHA256SUMS",
        "envelopes/approval.dsse.json",
        "envelopes/bias-audit.dsse.json",
        "envelopes/compliance-manifest.dsse.json",
        "keys/high-risk.office.pem",
        "keys/high-risk.risk.pem",
        "keys/high-risk.training.pem",
        "manifest.yaml",
        "pack.json",
        "policies/high-risk.yaml",
        "run/audit.json",
        "run/card/card.html",
        "run/plan.json",
        "verdict.json",
    ]
    assert files["manifest.yaml"] == (tmp_path / "signed.yaml").read_bytes()
    done = actgate("verify", str(tmp_path / "signed.yaml"), "--policy", str(tmp_path / "policies.yaml"))
    recorded, again = json.loads(files["verdict.json"]), done.stdout
    assert recorded["level"] in again
    assert recorded["verifiedAt"] == AT
    assert files["SHA256SUMS"].decode().splitlines() == [
        f"{hashlib.sha256(files[name]).hexdigest()}  {name}" for name in sorted({*files} - {"SHA256SUMS"})
    ]


def test_the_same_evidence_is_the_same_pack(tmp_path: Path) -> None:
    """Byte for byte, wherever it is packed and however old the files are; its digest is printed."""
    digests: list[str] = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        file = write(folder / "m.yaml", unsigned())
        os.utime(file, (len(digests), 1_000_000_000))
        arguments = ("--run-dir", str(run_dir(folder)), "--at", AT, "--output-file", str(folder / "p.zip"))
        done = actgate("pack", str(file), *arguments)
        digests.append(hashlib.sha256((folder / "p.zip").read_bytes()).hexdigest())
        assert done.stdout.splitlines()[0] == f"sha256:{digests[-1]}  {folder}/p.zip"
    assert digests[0] == digests[1]


def test_the_manifest_of_the_run_is_packed_where_none_is_named(tmp_path: Path) -> None:
    """As ``card`` takes it; without a run there is nothing to take."""
    run = run_dir(tmp_path)
    write(run / "manifest.yaml", unsigned())
    target = ("--output-file", str(tmp_path / "p.zip"))
    assert actgate("pack", "--run-dir", str(run), "--at", AT, *target).returncode == 0
    assert files_of(tmp_path / "p.zip")["manifest.yaml"] == (run / "manifest.yaml").read_bytes()
    assert actgate("register", "--run-dir", str(run), "--to", f"sqlite:{tmp_path}/r.db").returncode == 0
    for command in (("pack", *target), ("register", "--to", f"sqlite:{tmp_path}/r.db")):
        done = actgate(*command)
        assert (done.returncode, "name the manifest, or with --run-dir" in done.stderr) == (2, True)


def test_data_and_models_are_left_out_by_name(tmp_path: Path) -> None:
    """No row leaves the run: a table, and a list of rows in JSON."""
    file = write(tmp_path / "m.yaml", unsigned())
    arguments = ("--run-dir", str(run_dir(tmp_path)), "--at", AT, "--output-file", str(tmp_path / "p.zip"))
    done = actgate("pack", str(file), *arguments)
    assert done.stderr.splitlines() == [
        f"warning: {tmp_path}/run: not packed, since it is not evidence: {name}"
        for name in ("data.csv", "rows.json")
    ]


def test_a_manifest_that_is_denied_is_packed_with_its_verdict(tmp_path: Path) -> None:
    """An auditor wants to see it; the exit code says what the verdict is, when packed and when verified."""
    file = write(tmp_path / "m.yaml", manifest(bias=[bias(0.3)]))
    done = actgate("pack", str(file), "--at", AT, "--output-file", str(tmp_path / "p.zip"))
    assert (done.returncode, "FAIL ComplianceManifest default/credit-v2" in done.stdout) == (1, True)
    again = actgate("verify", str(tmp_path / "p.zip"))
    assert (again.returncode, "INTACT" in again.stdout, "bias/limit" in again.stdout) == (1, True, True)


def test_a_file_of_a_pipeline_and_labels_of_a_namespace_are_packed(tmp_path: Path) -> None:
    """The file as it is, and the labels by which the policy applies; the verdict follows from both."""
    rules = policy("strict", namespaceSelector={"matchLabels": {"tier": "prod"}})
    beside = write(tmp_path / "p.yaml", rules, namespace("team-credit", tier="prod"))
    file = write(tmp_path / "v0.json", pipeline_file())
    target = tmp_path / "p.zip"
    arguments = ("--policy", str(beside), "-n", "team-credit", "--at", AT, "--output-file", str(target))
    assert actgate("pack", str(file), *arguments).returncode == 0
    files = files_of(target)
    assert files["manifest.json"] == file.read_bytes()
    assert {"policies/strict.yaml", "namespaces/team-credit.yaml"} < {*files}
    found = json.loads(actgate("verify", str(target), "-o", "json").stdout)
    (verdict,) = found["verified"]["check"]["verdicts"]
    assert (found["intact"], verdict["policies"]) == (True, ["strict"])


@pytest.mark.parametrize("attestations", [7, [None], [{}], [{"name": "../x", "envelope": {}}]])
def test_attestations_that_cannot_be_read_are_packed_as_they_are(
    tmp_path: Path, attestations: object
) -> None:
    """They stand in the manifest; no file is made of them, and no name of theirs becomes a path."""
    spec: Json = {**unsigned()["spec"], "attestations": attestations}
    file = write(tmp_path / "m.yaml", {**unsigned(), "spec": spec})
    done = actgate("pack", str(file), "--at", AT, "--output-file", str(tmp_path / "p.zip"))
    if done.returncode == 2:
        assert done.stderr.startswith("error: manifest.yaml:")
        return
    assert not [name for name in files_of(tmp_path / "p.zip") if name.startswith("envelopes/")]
    assert "INTACT" in actgate("verify", str(tmp_path / "p.zip")).stdout


def test_what_cannot_be_packed_is_one_sentence_and_no_file(tmp_path: Path) -> None:
    """Secrets, links, and what is no manifest; a pack that was there before stays."""
    file = str(write(tmp_path / "m.yaml", unsigned()))
    (tmp_path / "old.zip").write_text("old")
    for name in ("key", "link", "name"):
        (tmp_path / name).mkdir()
    Path(key_file(tmp_path / "key", "training")).rename(tmp_path / "key/k.yaml")
    (tmp_path / "link/l.json").symlink_to("/etc/hostname")
    (tmp_path / "name/a b.json").write_text("{}")
    for name, sentence in (("key", "private key"), ("link", "holds no links"), ("name", "rename it")):
        run = ("--run-dir", str(tmp_path / name))
        done = actgate("pack", file, *run, "--output-file", str(tmp_path / "old.zip"))
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert sentence in done.stderr
    other = str(write(tmp_path / "model.yaml", model()))
    for arguments, sentence in (
        ((other,), "expected a ComplianceManifest"),
        ((str(tmp_path / "absent"),), "cannot be read"),
        ((file, "--policy", other), "--policy takes a CompliancePolicy, a Namespace or an Exemption"),
        ((file, "--run-dir", str(tmp_path / "absent")), "cannot be read: No such file"),
        ((file, "--output-file", str(tmp_path / "no/p.zip")), "cannot be written"),
    ):
        done = actgate("pack", "--output-file", str(tmp_path / "old.zip"), *arguments)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
        assert sentence in done.stderr
    assert (tmp_path / "old.zip").read_text() == "old"


def test_a_pack_in_the_folder_of_the_run_does_not_hold_itself(tmp_path: Path) -> None:
    """Nor the manifest twice: the same command again writes the same bytes."""
    run, rules = run_dir(tmp_path), write(tmp_path / "p.yaml", three_parties())
    file = signed_by_three(run)
    for key in run.glob("*.pem"):
        key.unlink()
    target = run / "pack.zip"
    arguments = ("--policy", str(rules), "--run-dir", str(run), "--at", AT, "--output-file", str(target))
    contents = []
    for _ in range(2):
        assert actgate("pack", str(file), *arguments).returncode == 0
        contents.append(target.read_bytes())
    assert contents[0] == contents[1]
    assert not {"run/pack.zip", "run/signed.yaml"} & {*files_of(target)}
