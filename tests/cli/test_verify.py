import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.attestations import pki
from tests.cli.signing import key_file, loaded, party, signed_by_three, three_parties, unsigned
from tests.cli.support import Json, actgate, model, namespace, pipeline_file, policy, report, write
from tests.support.attested import (
    BIAS_AUDIT,
    COMPLIANCE_MANIFEST,
    Party,
    covered,
    envelope,
    payload_digest,
    signed,
    statement,
)

AT = "2026-11-23T12:00:00Z"


def verified(file: Path, *policies: Json, arguments: tuple[str, ...] = ()) -> tuple[int, Json]:
    """Verify a file under policies, and return the exit code and the JSON report."""
    given = ("--policy", str(write(file.parent / "policies.yaml", *policies))) if policies else ()
    done = actgate("verify", str(file), *given, "--at", AT, "-o", "json", *arguments)
    return done.returncode, json.loads(done.stdout)


def results(found: Json) -> list[tuple[str, str, str | None]]:
    """Return name, result and authority of each attestation."""
    return [(one["name"], one["result"], one["authority"]) for one in found["attestations"]]


def test_what_three_parties_signed_is_accepted(tmp_path: Path) -> None:
    """Each signature for its authority, the level reached, and the verdict that check gives."""
    file = signed_by_three(tmp_path)
    code, found = verified(file, three_parties())
    assert (code, found["level"]) == (0, "Attested")
    assert results(found) == [
        ("compliance-manifest", "Accepted", "training"),
        ("bias-audit", "Accepted", "risk"),
        ("approval", "Accepted", "office"),
    ]
    assert found["attestations"][0]["signers"][0]["anchor"] == party("training").anchor
    assert found["check"]["verdicts"][0]["outcome"] == "Warn"
    checked = report(tmp_path, loaded(file), three_parties())
    ours, theirs = (
        [(one["rule"], one["effect"], one["path"]) for one in each["verdicts"][0]["findings"]]
        for each in (found["check"], checked)
    )
    assert ours == theirs


def test_the_text_has_a_line_for_each_attestation_then_level_and_verdict(tmp_path: Path) -> None:
    """For people: who signed what for whom, by fingerprint and payload digest."""
    file = signed_by_three(tmp_path)
    rules = write(tmp_path / "p.yaml", three_parties())
    done = actgate("verify", str(file), "--policy", str(rules), "--at", AT)
    lines = done.stdout.splitlines()
    digest = payload_digest(loaded(file)["spec"]["attestations"][0])
    assert lines[0] == (
        f"Accepted compliance-manifest (compliance-manifest), payload {digest}, signed for training"
    )
    assert lines[1] == f"  signature by ECDSA P-256 key {party('training').anchor}"
    assert lines[6] == "level Attested"
    assert lines[7].startswith("WARN ComplianceManifest default/credit-v2 ")


def test_without_a_policy_signatures_are_listed_and_the_baseline_applies(tmp_path: Path) -> None:
    """No party is trusted, so nothing is accepted; the fingerprint says which key claims to have signed."""
    code, found = verified(signed_by_three(tmp_path))
    assert (code, found["level"]) == (0, "Recomputable")
    assert {one["result"] for one in found["attestations"]} == {"Ignored"}
    assert party("training").anchor in found["attestations"][0]["unverified"][0]


def test_what_is_not_signed_as_the_policy_asks_is_refused(tmp_path: Path) -> None:
    """Unsigned, by an unknown key, by one party for two, edited, and withdrawn: exit code 1."""
    rules = three_parties()
    spec = unsigned()["spec"]
    stranger = signed(spec, Party("stranger"))
    alone = signed(spec, party("training"))
    edited = {**alone, "bias": [{**alone["bias"][0], "value": 0.01}]}
    withdrawn = three_parties(withdrawn=[payload_digest(alone["attestations"][0])])
    for given, asked, rule in (
        (spec, rules, "evidence/signers"),
        (stranger, rules, "evidence/authority"),
        (alone, rules, "evidence/signers"),
        (edited, rules, "evidence/mismatch"),
        (alone, withdrawn, "evidence/withdrawn"),
    ):
        code, found = verified(write(tmp_path / "m.yaml", {**unsigned(), "spec": given}), asked)
        (verdict,) = found["check"]["verdicts"]
        assert (code, verdict["outcome"]) == (1, "Fail")
        assert rule in {one["rule"] for one in verdict["findings"]}


def test_what_contradicts_its_signatures_is_not_attested(tmp_path: Path) -> None:
    """A valid signature over something else than spec says nothing for spec."""
    alone = signed(unsigned()["spec"], party("training"))
    edited = {**alone, "riskCategory": "LimitedRisk"}
    levels = [
        verified(write(tmp_path / "m.yaml", {**unsigned(), "spec": spec}), three_parties())[1]["level"]
        for spec in (alone, edited)
    ]
    assert levels == ["Attested", "Recomputable"]


def test_a_key_counts_at_the_moment_that_is_asked_about(tmp_path: Path) -> None:
    """A file proves no time, so that --at is the time of its signatures."""
    file = write(tmp_path / "m.yaml", {**unsigned(), "spec": signed(unsigned()["spec"], party("training"))})
    period = {"start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"}
    authority = party("training").authority(validFor=period)
    rules = write(tmp_path / "p.yaml", policy("p", evidence={"authorities": [authority]}))
    shown = {
        moment: actgate("verify", str(file), "--policy", str(rules), "--at", moment).stdout.split()[0]
        for moment in ("2026-10-31T23:59:59Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
    }
    assert [*shown.values()] == ["Ignored", "Accepted", "Ignored"]


def test_a_certificate_counts_while_it_is_valid_and_under_its_root(tmp_path: Path) -> None:
    """Signed with --chain; the policy is the one that attest prints."""
    root = pki.root()
    who, leaf = pki.signer(root, pki.leaf(end=pki.year(2027)))
    assert isinstance(who.key, ec.EllipticCurvePrivateKey)
    pem = who.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "k.pem").write_bytes(pem)
    (tmp_path / "chain.pem").write_text(pki.chain(leaf, root))
    file, signed_file = write(tmp_path / "m.yaml", unsigned()), tmp_path / "s.yaml"
    arguments = ("--key", "k.pem", "--chain", "chain.pem", "--output-file", str(signed_file))
    done = actgate("attest", str(file), *arguments, cwd=tmp_path)
    trusted = yaml.safe_load(done.stderr[done.stderr.index("evidence:") :])
    asked = {"predicateType": COMPLIANCE_MANIFEST, "authorities": ["k"]}
    trusted["evidence"] |= {"require": [asked]}
    rules = str(write(tmp_path / "p.yaml", policy("p", **trusted)))
    for moment, code, words in (
        ("2026-12-31T23:59:59Z", 0, "Accepted compliance-manifest"),
        ("2027-01-01T00:00:01Z", 1, "with a certificate that expired"),
    ):
        done = actgate("verify", str(signed_file), "--policy", rules, "--at", moment)
        assert (done.returncode, words in done.stdout) == (code, True), done.stdout
        assert pki.SPIFFE in done.stdout


@pytest.mark.parametrize(
    "path",
    [
        ("spec", "attestations"),
        ("spec", "attestations", 0),
        ("spec", "attestations", 0, "name"),
        ("spec", "attestations", 0, "envelope"),
        ("spec", "attestations", 0, "envelope", "payload"),
        ("spec", "attestations", 0, "envelope", "signatures"),
        ("spec", "attestations", 0, "envelope", "signatures", 0),
        ("spec", "model"),
        ("spec", "model", "digest"),
        ("spec", "bias"),
        ("metadata",),
    ],
)
def test_no_shape_of_evidence_is_a_traceback(tmp_path: Path, path: tuple[str | int, ...]) -> None:
    """What is wrong is a finding or a sentence, whichever command reads it."""
    key, rules = key_file(tmp_path, "training"), str(write(tmp_path / "p.yaml", three_parties()))
    sign = ("--key", key, "--name", "another")
    shapes: tuple[Any, ...] = (None, {}, "x", 7, [{}])
    for wrong in shapes:
        manifest = {**unsigned(), "spec": signed(unsigned()["spec"], party("training"))}
        around: Any = manifest
        for step in path[:-1]:
            around = around[step]
        around[path[-1]] = wrong
        file = str(write(tmp_path / "m.json", manifest))
        for arguments in (
            ("verify", file, "--policy", rules, "--at", AT),
            ("attest", file, *sign),
            ("approve", file, *sign, "--role", "Office", "--by", "J. Doe"),
        ):
            done = actgate(*arguments)
            assert done.returncode in {0, 1, 2}
            assert done.returncode != 2 or done.stderr.startswith("error: ")


def test_the_model_is_held_against_the_digests_of_the_manifest(tmp_path: Path) -> None:
    """The same files, another content, and another name, which the digest alone does not show."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "tok.txt").write_bytes(b"1")
    digests = json.loads(actgate("model", "digest", str(folder), "-o", "json").stdout)
    file = write(tmp_path / "m.yaml", unsigned(model={"name": "m", **digests}))
    same = verified(file, arguments=("--model", str(folder)))
    assert (same[0], same[1]["model"]) == (0, {"matches": True, "differences": []})
    (folder / "tok.txt").rename(folder / "other.txt")
    code, found = verified(file, arguments=("--model", str(folder)))
    (difference,) = found["model"]["differences"]
    assert (code, difference.split(":")[0]) == (1, "spec.model.resourcesDigest")
    (folder / "other.txt").write_bytes(b"2")
    done = actgate("verify", str(file), "--model", str(folder), "--at", AT)
    assert (done.returncode, "spec.model.digest: Invalid value: " in done.stdout) == (1, True)


def test_a_model_signature_in_the_manifest_names_the_file_that_differs(tmp_path: Path) -> None:
    """Its list of files is what digests do not have; as OpenSSF Model Signing writes it."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / name).write_bytes(name.encode())
    listed = json.loads(actgate("model", "digest", str(folder), "-o", "json", "--list").stdout)
    resources = [
        {"name": one["name"], "algorithm": "sha256", "digest": one["digest"].removeprefix("sha256:")}
        for one in listed.pop("resources")
    ]
    kind = "https://model_signing/signature/v1.0"
    payload = statement(kind, {"resources": resources}, listed["digest"])
    item = {"name": "oms", "envelope": envelope(payload, party("training"))}
    file = write(tmp_path / "m.yaml", unsigned(model={"name": "m", **listed}, attestations=[item]))
    (folder / "a").write_bytes(b"changed")
    (folder / "b").unlink()
    (folder / "d").write_bytes(b"new")
    _, found = verified(file, arguments=("--model", str(folder)))
    assert found["model"]["differences"][2:] == [
        "file a differs (attestation oms)",
        "file b is missing (attestation oms)",
        "file d is new (attestation oms)",
    ]


def test_an_envelope_by_itself_is_held_against_the_authorities(tmp_path: Path) -> None:
    """Accepted, by a party that may not attest it, unknown, withdrawn, unreadable, and without a policy."""
    spec = unsigned()["spec"]
    payload = statement(COMPLIANCE_MANIFEST, covered(spec))
    by_training, by_stranger = (envelope(payload, who) for who in (party("training"), Party("stranger")))
    digest = payload_digest({"envelope": by_training})
    for given, rules, code, words in (
        (by_training, (three_parties(),), 0, "signed for training"),
        (envelope(payload, party("risk")), (three_parties(),), 1, "risk, which may not attest"),
        (by_stranger, (three_parties(),), 1, "which no authority of policy high-risk trusts"),
        (by_training, (three_parties(withdrawn=[digest]),), 1, f"payload {digest} is withdrawn"),
        ({**by_training, "payloadType": "text/plain"}, (three_parties(),), 1, "envelope.payloadType: "),
        (by_training, (policy("other"),), 3, "Ignored envelope"),
        (by_training, (), 3, "Ignored envelope"),
    ):
        file = write(tmp_path / "a.dsse.json", given)
        arguments = ("--policy", str(write(tmp_path / "p.yaml", *rules))) if rules else ()
        done = actgate("verify", str(file), *arguments, "--at", AT)
        assert (done.returncode, words in done.stdout) == (code, True), done.stdout
        assert ("error: nothing to judge" in done.stderr) is (code == 3)


def test_an_approval_by_itself_is_an_envelope_like_another(tmp_path: Path) -> None:
    """There is no manifest that would have to hold what it approves."""
    alone = write(tmp_path / "a.dsse.json", envelope(statement(BIAS_AUDIT, {"bias": []}), party("risk")))
    arguments = ("--key", key_file(tmp_path, "office"), "--role", "Office", "--by", "J. Doe")
    approved = actgate("approve", str(alone), *arguments)
    (tmp_path / "b.dsse.json").write_text(approved.stdout)
    code, found = verified(tmp_path / "b.dsse.json", three_parties())
    assert (code, results(found)) == (0, [("envelope", "Accepted", "office")])


def test_a_policy_that_selects_by_labels_takes_the_namespace_beside_it(tmp_path: Path) -> None:
    """Without it the labels could be anything, as in check."""
    file = signed_by_three(tmp_path)
    rules = three_parties()
    rules["spec"]["namespaceSelector"] = {"matchLabels": {"tier": "prod"}}
    assert verified(file, rules, namespace("default", tier="prod"))[1]["level"] == "Attested"
    assert verified(file, rules, namespace("default", tier="dev"))[1]["check"]["verdicts"][0]["policies"] == [
        "baseline"
    ]
    done = actgate("verify", str(file), "--policy", str(write(tmp_path / "p.yaml", rules)))
    assert (done.returncode, "add its Namespace object" in done.stderr) == (2, True)


def test_policies_that_select_another_namespace_are_said_not_to_apply(tmp_path: Path) -> None:
    """A pass under the baseline, which trusts no signer, must not look like one under the policy."""
    file = signed_by_three(tmp_path)
    rules = three_parties()
    rules["spec"]["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": "prod"}}
    policies = str(write(tmp_path / "p.yaml", rules))
    sentence = 'no policy that was given selects namespace "default"'
    for arguments in (("verify", str(file)), ("pack", str(file), "--output-file", str(tmp_path / "p.zip"))):
        done = actgate(*arguments, "--policy", policies)
        assert sentence in done.stderr, arguments
    assert sentence in actgate("verify", str(tmp_path / "p.zip")).stderr
    assert sentence not in actgate("verify", str(file), "--policy", policies, "--namespace", "prod").stderr


def test_a_file_of_a_pipeline_has_a_verdict_and_no_signatures(tmp_path: Path) -> None:
    """v0 has no place for them."""
    done = actgate("verify", str(write(tmp_path / "v0.json", pipeline_file())), "--at", AT)
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "level Declared, no attestations"


def test_what_cannot_be_verified_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    """As in every command."""
    file = str(write(tmp_path / "m.yaml", unsigned()))
    write(tmp_path / "model.yaml", model())
    write(tmp_path / "a.dsse.json", envelope(b"{}", party("risk")))
    for arguments, sentence in (
        (("model.yaml",), "expected a ComplianceManifest"),
        (("absent",), "absent does not exist"),
        ((file, "--policy", file), "--policy takes a CompliancePolicy"),
        ((file, "--at", "yesterday"), "must be an RFC 3339 time"),
        ((file, "--model", "absent"), "absent cannot be read"),
        (("a.dsse.json", "--model", "."), "--model goes with a manifest"),
    ):
        done = actgate("verify", *arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert sentence in done.stderr
        assert done.stderr.count("\n") == 1, done.stderr


_OFFLINE = """\
import sys
def refuse(event, arguments):
    if event.startswith("socket."):
        raise RuntimeError(f"the network is forbidden: {event}")
sys.addaudithook(refuse)
from actgate.cli.main import main
sys.exit(main())
"""


@pytest.mark.system
@pytest.mark.parametrize("command", ["verify", "check"])
def test_verifying_needs_no_network(tmp_path: Path, command: str) -> None:
    """In a process in which any use of a socket is an error: not one is made, no name is looked up."""
    file, rules = signed_by_three(tmp_path), write(tmp_path / "p.yaml", three_parties())
    named = (str(file),) if command == "verify" else ("-f", str(file))
    arguments = (command, *named, "--policy", str(rules))
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-W", "error", "-c", _OFFLINE, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    probe = "import socket; socket.socket()\n"
    script = _OFFLINE.replace("from actgate", probe + "from actgate")
    broken = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)  # noqa: S603
    assert "the network is forbidden: socket.__new__" in broken.stderr
