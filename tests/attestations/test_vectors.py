"""Envelopes that other tools made; ``vectors/README.md`` says which, with their licences."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from actgate.api.predicates import BIAS_AUDIT, MODEL_SIGNATURE
from actgate.attestations import keys
from actgate.attestations.envelope import pae
from actgate.decision.attestation import Attestation
from tests.attestations.build import authority, read_one
from tests.support.attested import MODEL, Json, evidence

VECTORS = Path(__file__).parent / "vectors"


def vector(name: str) -> str:
    return (VECTORS / name).read_text("utf-8")


@pytest.mark.parametrize("key", ["cosign-p256", "cosign-p384"])
def test_a_bundle_of_cosign_is_verified(key: str) -> None:
    item = {"name": "audit", "bundle": vector(f"{key}.sigstore.json")}
    _is_the_audit(read_item(item, key))


def test_an_envelope_of_cosign_is_verified() -> None:
    """It has no key id at all, its statement is of type v0.1, and its JSON is not compact."""
    item = {"name": "audit", "envelope": json.loads(vector("cosign-p256.dsse.json"))}
    _is_the_audit(read_item(item, "cosign-p256"))


def test_a_signature_of_a_model_is_verified_and_covers_nothing() -> None:
    """OpenSSF Model Signing: a bundle with the SHA-256 of the PEM as the hint."""
    item = {"name": "model", "bundle": vector("oms-elliptic-key.sigstore.json")}
    found = read_item(item, "oms-elliptic-key")
    assert found.predicate_type == MODEL_SIGNATURE
    assert found.subjects == {"sha256:92745110b1ab4368471cbe31664e10174e954b113a3df333db860317b2c6dec4"}
    assert len(found.signers) == 1
    assert (found.unreadable, found.mismatch, found.invalid) == (None, None, None)


def test_the_vector_of_the_specification_is_verified() -> None:
    """DSSE 1.0, protocol.md, "Test Vectors" (https://github.com/secure-systems-lab/dsse, Apache-2.0).

    Its signature is r and s side by side; ours, as those of every other tool here, are DER.
    """
    x = 46950820868899156662930047687818585632848591499744589407958293238635476079160
    y = 5640078356564379163099075877009565129882514886557779369047442380624545832820
    signature = base64.b64decode(
        "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="
    )
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    message = pae("http://example.com/HelloWorld", b"hello world")
    assert message == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    key = keys.wrap(ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key())
    assert key.verifies(encode_dss_signature(r, s), message)
    assert not key.verifies(signature, message)


@pytest.mark.system
@pytest.mark.skipif(shutil.which("cosign") is None, reason="cosign is not installed")
def test_the_cosign_that_is_installed_makes_what_is_verified(tmp_path: Path) -> None:
    _cosign(tmp_path, "generate-key-pair")
    (tmp_path / "model").write_bytes(b"the bytes of a model")
    (tmp_path / "predicate.json").write_text(json.dumps({"bias": evidence()["bias"]}), "utf-8")
    signing = ("attest-blob", "--key=cosign.key", "--predicate=predicate.json", f"--type={BIAS_AUDIT}")
    offline = ("--use-signing-config=false", "--tlog-upload=false", "--yes")
    _cosign(tmp_path, *signing, *offline, "--bundle=bundle.json", "model")
    item = {"name": "audit", "bundle": (tmp_path / "bundle.json").read_text("utf-8")}
    _is_the_audit(read_one(item, evidence(), authority((tmp_path / "cosign.pub").read_text("utf-8"))))


def read_item(item: Json, key: str) -> Attestation:
    return read_one(item, evidence(), authority(vector(f"{key}.pub")))


def _is_the_audit(found: Attestation) -> None:
    assert found.predicate_type == BIAS_AUDIT
    assert found.subjects == {MODEL}
    assert len(found.signers) == 1
    assert (found.unreadable, found.mismatch, found.invalid, found.unverified) == (None, None, None, ())


def _cosign(folder: Path, *arguments: str) -> None:
    environment = {**os.environ, "COSIGN_PASSWORD": ""}
    subprocess.run(["cosign", *arguments], cwd=folder, env=environment, check=True, timeout=60)  # noqa: S603, S607
