import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from actgate import EUAIActGovernanceLogger
from actgate.manifests import EvidenceError, read_document, verifier_for
from actgate.manifests.policies import read_policy
from actgate.pipeline.model_digest import of_model
from tests.cli.support import policy
from tests.support.attested import Party

Json = dict[str, Any]


@pytest.fixture
def party(tmp_path: Path) -> Party:
    """Return a party whose key is in the file key.pem."""
    made = Party("training")
    write_key(tmp_path, made)
    return made


def write_key(folder: Path, party: Party, sealed: KeySerializationEncryption | None = None) -> Path:
    """Write the key of a party."""
    assert isinstance(party.key, ec.EllipticCurvePrivateKey)
    file = folder / "key.pem"
    file.write_bytes(party.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed or NoEncryption()))
    return file


def stated(folder: Path) -> EUAIActGovernanceLogger:
    """Return a logger with a bias check and a model."""
    logger = EUAIActGovernanceLogger(
        "CreditRiskScorer-v2", "HIGH_RISK", human_oversight=True, training_regions="aws eu-west-3"
    )
    logger.log_bias_check(0.03)
    (folder / "model.bin").write_bytes(b"weights")
    return logger


def test_the_signed_manifest_is_written_beside_the_file_of_the_pipeline(tmp_path: Path, party: Party) -> None:
    """v0 stays as it is, to the byte; both state the same end of training."""
    logger, v0 = stated(tmp_path), tmp_path / "model_compliance_manifest.json"
    logger.export_compliance_manifest(v0)
    before = v0.read_bytes()
    logger.log_model(path=tmp_path / "model.bin")
    digest = logger.attest(tmp_path / "key.pem")
    assert v0.read_bytes() == before
    signed = yaml.safe_load((tmp_path / "model_compliance_manifest.signed.yaml").read_text("utf-8"))
    trusting = read_policy(policy("p", evidence={"authorities": [party.authority()]}))
    manifest = read_document(signed, verifier=verifier_for([trusting]))
    (fact,) = manifest.attestations
    assert (manifest.problems, fact.mismatch, fact.payload_digest) == ((), None, digest)
    assert [one.anchor for one in fact.signers] == [party.anchor]
    assert read_document(json.loads(before)).finished_at == manifest.finished_at


@pytest.mark.usefixtures("party")
def test_a_file_can_be_named_and_is_json_where_its_name_says_so(tmp_path: Path) -> None:
    """Without an export before; the attestation has the name that was given."""
    logger, file = stated(tmp_path), tmp_path / "signed.json"
    logger.log_model(path=tmp_path / "model.bin", version="2")
    logger.attest(tmp_path / "key.pem", file, name="ml-platform")
    spec = json.loads(file.read_text("utf-8"))["spec"]
    found = of_model(tmp_path / "model.bin")
    assert (spec["model"]["digest"], spec["model"]["digestDomain"]) == (found.digest, "file")
    assert [item["name"] for item in spec["attestations"]] == ["ml-platform"]


@pytest.mark.usefixtures("party")
def test_what_was_assumed_is_not_signed(tmp_path: Path) -> None:
    """v0 holds defaults where nothing was declared; a signature over them would be a false statement."""
    logger = EUAIActGovernanceLogger("CreditRiskScorer-v2", "HIGH_RISK")
    logger.log_bias_check(0.03)
    logger.log_model(digest=f"sha256:{'a' * 64}")
    logger.attest(tmp_path / "key.pem", tmp_path / "signed.json")
    spec = json.loads((tmp_path / "signed.json").read_text("utf-8"))["spec"]
    assert "humanOversight" not in spec
    assert "regions" not in spec["training"]


def test_the_password_is_given_or_in_the_environment(
    tmp_path: Path, party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on the command line, but that nothing is asked."""
    key = write_key(tmp_path, party, BestAvailableEncryption(b"secret"))
    logger, file = stated(tmp_path), tmp_path / "signed.yaml"
    logger.log_model(path=tmp_path / "model.bin")
    monkeypatch.delenv("ACTGATE_KEY_PASSWORD", raising=False)
    with pytest.raises(EvidenceError, match=r"key\.pem is encrypted: set ACTGATE_KEY_PASSWORD"):
        logger.attest(key, file)
    with pytest.raises(EvidenceError, match=r"key\.pem cannot be decrypted: the password is wrong"):
        logger.attest(key, file, password="wrong")
    assert not file.exists()
    logger.attest(key, file, password="secret")
    file.unlink()
    monkeypatch.setenv("ACTGATE_KEY_PASSWORD", "secret")
    logger.attest(key, file)
    assert file.exists()


def test_what_cannot_be_signed_is_refused_and_nothing_is_written(tmp_path: Path, party: Party) -> None:
    """Each by its sentence."""
    key, file = tmp_path / "key.pem", tmp_path / "signed.yaml"
    (tmp_path / "public.pem").write_text(party.pem)
    empty = EUAIActGovernanceLogger("CreditRiskScorer-v2", "HIGH_RISK", human_oversight=True)
    with pytest.raises(EvidenceError, match="no bias check was recorded"):
        empty.attest(key, file)
    logger = stated(tmp_path)
    with pytest.raises(EvidenceError, match=r"spec\.model\.digest: Required value"):
        logger.attest(key, file)
    logger.log_model(path=tmp_path / "model.bin")
    with pytest.raises(EvidenceError, match="filepath: Required value"):
        logger.attest(key)
    with pytest.raises(EvidenceError, match=r"public\.pem is a public key"):
        logger.attest(tmp_path / "public.pem", file)
    with pytest.raises(EvidenceError, match="name: "):
        logger.attest(key, file, name="No Label")
    with pytest.raises(OSError, match="No such file"):
        logger.attest(tmp_path / "absent.pem", file)
    with pytest.raises(EvidenceError, match=r"public\.pem must be certificates in PEM"):
        logger.attest(key, file, chain=tmp_path / "public.pem")
    assert not file.exists()
    with pytest.raises(EvidenceError, match="digest: Forbidden: must be absent beside path"):
        logger.log_model(path=tmp_path / "model.bin", digest=f"sha256:{'a' * 64}")
    with pytest.raises(EvidenceError, match="absent cannot be read"):
        logger.log_model(path=tmp_path / "absent")
