"""Keys, manifests and policies for the tests of ``attest``, ``approve`` and ``verify``."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from actgate.api.names import API_VERSION
from tests.cli.support import Json, actgate, policy, write
from tests.support.attested import APPROVAL, BIAS_AUDIT, COMPLIANCE_MANIFEST, Party, evidence


@cache
def party(name: str) -> Party:
    """Return a party, with the same key in every test."""
    return Party(name)


def key_file(folder: Path, name: str) -> str:
    """Write the private key of a party, as openssl does, and return its path."""
    key = party(name).key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    file = folder / f"{name}.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(file)


def unsigned(**changed: Any) -> Json:  # noqa: ANN401 - fields of a spec
    """Return a manifest that names its model by digest, and whose measurement has its counts."""
    return {
        "apiVersion": API_VERSION,
        "kind": "ComplianceManifest",
        "metadata": {"name": "credit-v2"},
        "spec": evidence(**changed),
    }


def three_parties(**changed: Any) -> Json:  # noqa: ANN401 - fields of the evidence policy
    """Return a policy that asks for a whole manifest, an audit by another party, and an approval."""
    training, risk, office = (party(name) for name in ("training", "risk", "office"))
    authorities = [training.authority(), risk.authority(BIAS_AUDIT), office.authority(APPROVAL)]
    require = [
        {"predicateType": COMPLIANCE_MANIFEST, "authorities": ["training"]},
        {"predicateType": BIAS_AUDIT, "authorities": ["risk"], "distinctFrom": ["training"]},
        {"predicateType": APPROVAL, "authorities": ["office"]},
    ]
    level = {"HighRisk": "Attested"}
    asked = {"authorities": authorities, "require": require, "level": level, **changed}
    return policy("high-risk", evidence=asked)


def signed_by_three(folder: Path) -> Path:
    """Sign a manifest by the command line, as training, model risk and the compliance office do."""
    file = write(folder / "signed.yaml", unsigned())
    out = ("--output-file", str(file))
    for arguments in (
        ("attest", str(file), "--key", key_file(folder, "training"), *out),
        ("attest", str(file), "--key", key_file(folder, "risk"), "--type", "bias-audit", *out),
        (
            *("approve", str(file), "--key", key_file(folder, "office"), "--role", "Compliance office"),
            *("--by", "J. Doe", "--of", "bias-audit", *out),
        ),
    ):
        done = actgate(*arguments)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return file


def loaded(file: Path) -> Json:
    """Return the object in a YAML file."""
    found: Json = yaml.safe_load(file.read_text("utf-8"))
    return found
