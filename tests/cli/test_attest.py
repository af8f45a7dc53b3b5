import base64
import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from actgate.api.compliance_manifest import ComplianceManifest
from actgate.cli.signing_arguments import TYPES
from tests.cli.signing import key_file, loaded, party, signed_by_three, unsigned
from tests.cli.support import PROGRAM, Json, actgate, pipeline_file, write
from tests.support.attested import COMPLIANCE_MANIFEST, MODEL, attestation, covered, envelope, statement


def predicate_of(item: Json) -> Json:
    """Return what an attestation says."""
    found: Json = json.loads(base64.b64decode(item["envelope"]["payload"]))["predicate"]
    return found


def test_the_manifest_is_written_with_its_signed_statement(tmp_path: Path) -> None:
    """To standard output as YAML; what was signed is all of spec, and the object is still a valid one."""
    file = write(tmp_path / "m.yaml", unsigned())
    done = actgate("attest", str(file), "--key", key_file(tmp_path, "training"))
    written = yaml.safe_load(done.stdout)
    assert done.returncode == 0
    ComplianceManifest.model_validate(written)
    (item,) = written["spec"].pop("attestations")
    assert written == unsigned()
    assert (item["name"], predicate_of(item)) == ("compliance-manifest", unsigned()["spec"])


def test_standard_error_has_the_policy_that_trusts_the_signer(tmp_path: Path) -> None:
    """YAML that goes under spec of a CompliancePolicy as it is, and the digest of the payload."""
    file = write(tmp_path / "m.yaml", unsigned())
    done = actgate("attest", str(file), "--key", key_file(tmp_path, "training"))
    first, _, fragment = done.stderr.partition("\n")
    assert first.startswith("payload sha256:")
    printed = yaml.safe_load(fragment[fragment.index("evidence:") :])
    assert printed == {"evidence": {"authorities": [party("training").authority(COMPLIANCE_MANIFEST)]}}
    trusting = tmp_path / "policy.yaml"
    metadata = {"apiVersion": "actgate.dev/v1alpha1", "kind": "CompliancePolicy", "metadata": {"name": "p"}}
    write(trusting, {**metadata, "spec": printed})
    signed = tmp_path / "s.yaml"
    signed.write_text(done.stdout)
    assert "signed for training" in actgate("verify", str(signed), "--policy", str(trusting)).stdout


def test_three_parties_sign_one_after_the_other(tmp_path: Path) -> None:
    """In place, each beside the others; the approval is about the audit's payload."""
    items = loaded(signed_by_three(tmp_path))["spec"]["attestations"]
    assert [item["name"] for item in items] == ["compliance-manifest", "bias-audit", "approval"]
    assert predicate_of(items[1]).keys() == {"bias"}
    approval = predicate_of(items[2])
    payload = base64.b64decode(items[1]["envelope"]["payload"])
    found = attestation_digest(payload)
    assert approval == {
        "approves": {"digest": found},
        "role": "Compliance office",
        "by": "J. Doe",
        "at": approval["at"],
    }


def attestation_digest(payload: bytes) -> str:
    """Return the digest of a payload."""
    import hashlib

    return f"sha256:{hashlib.sha256(payload).hexdigest()}"


def test_the_file_of_a_pipeline_is_converted_and_takes_the_digests_of_the_model(tmp_path: Path) -> None:
    """It has no place for them; what else it does not prove is a warning, as in manifest convert."""
    file = write(tmp_path / "v0.json", pipeline_file())
    model = tmp_path / "model"
    model.mkdir()
    (model / "weights").write_bytes(b"1")
    key = key_file(tmp_path, "training")
    done = actgate("attest", str(file), "--key", key, "--model", str(model), "-o", "json")
    spec = json.loads(done.stdout)["spec"]
    digest = actgate("model", "digest", str(model), "-o", "json").stdout
    assert {**spec["model"], **json.loads(digest)} == spec["model"]
    assert "warning: spec.bias[0].groups: " in done.stderr
    assert "spec.model.digest" not in done.stderr
    refused = actgate("attest", str(file), "--key", key)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "spec.model.digest: Required value: " in refused.stderr


def test_another_model_than_the_one_that_the_manifest_names_is_refused(tmp_path: Path) -> None:
    """A statement about it would prove nothing about the manifest."""
    file, model = write(tmp_path / "m.yaml", unsigned()), tmp_path / "model.bin"
    model.write_bytes(b"other")
    done = actgate("attest", str(file), "--key", key_file(tmp_path, "training"), "--model", str(model))
    assert done.returncode == 2
    assert f"spec.model.digest: Invalid value: {MODEL}: " in done.stderr


def test_the_envelope_alone_goes_beside_the_model(tmp_path: Path) -> None:
    """MODEL.actgate/NAME.dsse.json; the folder is made, and the file names the attestation."""
    file = write(tmp_path / "m.yaml", unsigned())
    beside = tmp_path / "model.actgate/audit.dsse.json"
    arguments = ("--type", "bias-audit", "--envelope-only", "--output-file", str(beside))
    done = actgate("attest", str(file), "--key", key_file(tmp_path, "risk"), *arguments)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert json.loads(beside.read_text()).keys() == {"payloadType", "payload", "signatures"}
    added = actgate("attest", str(file), "--envelope", str(beside))
    (item,) = yaml.safe_load(added.stdout)["spec"]["attestations"]
    assert (item["name"], item["envelope"]) == ("audit", json.loads(beside.read_text()))


def test_a_sigstore_bundle_is_added_as_it_is(tmp_path: Path) -> None:
    """As ``cosign attest-blob --bundle`` writes it, around the same envelope."""
    spec = unsigned()["spec"]
    signed = envelope(statement(COMPLIANCE_MANIFEST, covered(spec)), party("training"))
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": ""}, "tlogEntries": []},
        "dsseEnvelope": signed,
    }
    file, given = write(tmp_path / "m.yaml", unsigned()), write(tmp_path / "a.sigstore.json", bundle)
    done = actgate("attest", str(file), "--envelope", str(given), "--name", "training")
    (item,) = yaml.safe_load(done.stdout)["spec"]["attestations"]
    assert (item["name"], json.loads(item["bundle"])) == ("training", bundle)


def test_a_plan_is_signed_from_a_file_and_named_by_its_payload(tmp_path: Path) -> None:
    """The digest on standard error is what measurements put under planDigest."""
    planned = {
        "bias": [{"attribute": "gender", "metric": "demographic_parity_difference", "threshold": 0.05}]
    }
    spec = unsigned()["spec"]
    spec["bias"][0]["threshold"] = 0.05
    file = write(tmp_path / "m.yaml", unsigned(bias=spec["bias"]))
    plan, key = write(tmp_path / "plan.yaml", planned), key_file(tmp_path, "risk")
    arguments = ("--key", key, "--type", "plan", "--predicate", str(plan))
    done = actgate("attest", str(file), *arguments)
    written = yaml.safe_load(done.stdout)
    assert predicate_of(written["spec"]["attestations"][0]) == planned
    digest = done.stderr.splitlines()[0].removeprefix("payload ")
    written["spec"]["bias"][0]["planDigest"] = digest
    again = write(tmp_path / "planned.yaml", written)
    assert actgate("attest", str(again), "--key", key_file(tmp_path, "training")).returncode == 0
    written["spec"]["bias"][0]["threshold"] = 0.5
    moved = actgate("attest", str(write(again, written)), "--key", key)
    assert (moved.returncode, "spec.bias[0].threshold: Invalid value: 0.5" in moved.stderr) == (2, True)


def test_an_encrypted_key_takes_its_password_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be asked, the sentence says how to give it."""
    key = ec.generate_private_key(ec.SECP256R1())
    sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (tmp_path / "k.pem").write_bytes(sealed)
    file = str(write(tmp_path / "m.yaml", unsigned()))
    monkeypatch.delenv("ACTGATE_KEY_PASSWORD", raising=False)
    for password, code, sentence in (
        (None, 2, "k.pem is encrypted: set ACTGATE_KEY_PASSWORD to its password"),
        ("wrong", 2, "k.pem cannot be decrypted: the password is wrong"),
        ("secret", 0, ""),
    ):
        if password is not None:
            monkeypatch.setenv("ACTGATE_KEY_PASSWORD", password)
        done = actgate("attest", file, "--key", "k.pem", cwd=tmp_path)
        assert (done.returncode, sentence in done.stderr) == (code, True)
        assert code == 0 or done.stdout == ""


@pytest.mark.system
@pytest.mark.parametrize(("typed", "code"), [("secret", 0), ("mistyped", 2)])
def test_on_a_terminal_the_password_is_asked_for(tmp_path: Path, typed: str, code: int) -> None:
    """It is not shown, and the result goes where it was sent."""
    key = ec.generate_private_key(ec.SECP256R1())
    sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (tmp_path / "k.pem").write_bytes(sealed)
    file = str(write(tmp_path / "m.yaml", unsigned()))
    ours, theirs = pty.openpty()
    environment = {name: text for name, text in os.environ.items() if name != "ACTGATE_KEY_PASSWORD"}
    with subprocess.Popen(  # noqa: S603 - our own program
        [PROGRAM, "attest", file, "--key", "k.pem"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment,
        start_new_session=True,
        text=True,
    ) as process:
        assert process.stderr is not None
        # What is typed before the prompt is thrown away, as on every terminal.
        prompt = process.stderr.read(len("Password of k.pem: "))
        os.write(ours, f"{typed}\n".encode())
        written, said = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert prompt == "Password of k.pem: "
    assert process.returncode == code
    assert ("payload: " in written) is (code == 0)
    assert ("the password is wrong" in said) is (code == 2)
    assert typed not in said + written


def small_rsa() -> bytes:
    """Return a key that no verifier accepts."""
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - it must be refused
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_what_cannot_sign_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    """Each mistake by its words; nothing is written."""
    file = str(write(tmp_path / "m.yaml", unsigned()))
    key = key_file(tmp_path, "training")
    (tmp_path / "public.pem").write_text(party("training").pem)
    (tmp_path / "small.pem").write_bytes(small_rsa())
    (tmp_path / "text.pem").write_text("no key")
    (tmp_path / "list.yaml").write_text("[1]\n")
    absent = str(tmp_path / "absent/out.yaml")
    for arguments, sentence in (
        ((file, "--key", "public.pem"), "public.pem is a public key: name the private key"),
        ((file, "--key", "small.pem"), "small.pem is RSA of 1024 bits: must be"),
        ((file, "--key", "text.pem"), "text.pem is not a private key in PEM: openssl genpkey"),
        ((file, "--key", "absent.pem"), "absent.pem cannot be read: No such file or directory"),
        ((file, "--key", "."), ". cannot be read: Is a directory"),
        ((file, "--key", key, "--chain", "public.pem"), "public.pem must be certificates in PEM"),
        ((file, "--key", key, "--type", "evaluation"), "spec.evaluations: Required value: there is nothing"),
        ((file, "--key", key, "--type", "plan"), "--type plan needs --predicate FILE"),
        ((file, "--key", key, "--type", "plan", "--predicate", "list.yaml"), "expected an object"),
        ((file, "--key", key, "--name", "A b"), "must be a name of lower-case letters"),
        ((file, "--key", key, "--envelope", "x"), "not allowed with argument"),
        ((file, "--envelope", "x", "--type", "plan"), "--type goes with --key"),
        ((file, "--envelope", file), "this is a manifest, and an envelope is expected"),
        ((file,), "one of the arguments --key --envelope is required"),
        (("text.pem", "--key", key), "expected a ComplianceManifest"),
        (("list.yaml", "--key", key), "expected a ComplianceManifest"),
        ((file, "--key", key, "--output-file", absent), "cannot be written: No such file or directory"),
    ):
        done = actgate("attest", *arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert sentence in done.stderr
        assert done.stderr.count("\n") == 1, done.stderr


def test_a_manifest_that_contradicts_a_statement_is_refused(tmp_path: Path) -> None:
    """One that it has already, or the one that is added: the gate would refuse both."""
    file, key = signed_by_three(tmp_path), key_file(tmp_path, "training")
    edited = loaded(file)
    edited["spec"]["bias"][0]["value"] = 0.01
    done = actgate("attest", str(write(tmp_path / "edited.yaml", edited)), "--key", key, "--name", "again")
    assert (done.returncode, done.stdout) == (2, "")
    assert "spec.bias[0].value: Invalid value: 0.01: the signed payload has 0.03125" in done.stderr
    foreign = envelope(statement(COMPLIANCE_MANIFEST, covered(edited["spec"])), party("training"))
    given = write(tmp_path / "foreign.dsse.json", foreign)
    done = actgate("attest", str(file), "--envelope", str(given))
    assert "the signed payload has 0.01" in done.stderr
    other = envelope(
        statement(COMPLIANCE_MANIFEST, covered(unsigned()["spec"]), f"sha256:{'f' * 64}"), party("risk")
    )
    given = write(tmp_path / "other.dsse.json", other)
    done = actgate("attest", str(file), "--envelope", str(given))
    assert (done.returncode, "is about sha256:ffff" in done.stderr) == (2, True)
    done = actgate("attest", str(file), "--key", key)
    assert 'Duplicate value: "compliance-manifest"' in done.stderr


def test_a_ninth_attestation_and_too_large_payloads_are_refused(tmp_path: Path) -> None:
    """As the API server would, with the limit in the sentence."""
    spec = unsigned()["spec"]
    items = [attestation(f"a{n}", COMPLIANCE_MANIFEST, covered(spec), party("training")) for n in range(8)]
    file = write(tmp_path / "m.yaml", unsigned(attestations=items))
    done = actgate("attest", str(file), "--key", key_file(tmp_path, "risk"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "8" in done.stderr
    plan = {"bias": [], "text": "x" * 60_000}
    file, key = write(tmp_path / "m.yaml", unsigned()), key_file(tmp_path, "risk")
    given = str(write(tmp_path / "plan.json", plan))
    codes = []
    for number in range(3):
        done = actgate(
            *("attest", str(file), "--key", key, "--type", "plan", "--predicate", given),
            *("--name", f"p{number}", "--output-file", str(file)),
        )
        codes.append(done.returncode)
    assert codes == [0, 0, 2]
    assert "163840" in done.stderr


def test_an_approval_needs_one_statement_to_approve(tmp_path: Path) -> None:
    """With several, the user says which; an envelope by itself is approved in an envelope."""
    file, key = signed_by_three(tmp_path), key_file(tmp_path, "office")
    sign = ("--key", key, "--role", "Office", "--by", "J. Doe", "--name", "second")
    done = actgate("approve", str(file), *sign)
    assert (
        done.returncode,
        "exactly one that is not an approval is expected; choose with --of" in done.stderr,
    ) == (2, True)
    done = actgate("approve", str(file), *sign, "--of", "absent")
    assert (done.returncode, 'one named "absent" is expected' in done.stderr) == (2, True)
    payload = statement(COMPLIANCE_MANIFEST, covered(unsigned()["spec"]))
    alone = write(tmp_path / "a.dsse.json", envelope(payload, party("training")))
    done = actgate("approve", str(alone), *sign)
    stated = json.loads(base64.b64decode(json.loads(done.stdout)["payload"]))
    assert stated["predicate"]["approves"] == {"digest": attestation_digest(payload)}
    assert [one["digest"]["sha256"] for one in stated["subject"]] == [MODEL.removeprefix("sha256:")]


def test_every_type_is_a_type_of_statement() -> None:
    """The command line offers our own and provenance, but approvals, which have a command of their own."""
    from actgate.api.predicates import OWN_TYPES

    assert {*TYPES, "approval"} == {*OWN_TYPES, "provenance"}
