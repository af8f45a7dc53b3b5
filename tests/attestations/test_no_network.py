"""No network while verifying, ever: each kind of signature is verified where no socket can be opened."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attestations import pki
from tests.support.attested import (
    Party,
    covered,
    ed25519_key,
    evidence,
    p384,
    rsa_pss,
    signed,
    trusting,
)

pytestmark = pytest.mark.system

_FORBIDDEN = """
import sys

def refuse(event, arguments):
    if event.startswith(("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn")):
        raise RuntimeError(f"{event} while verifying")

sys.addaudithook(refuse)
try:
    __import__("socket").socket()
except RuntimeError:
    pass
else:
    raise SystemExit("the hook does not hold")
"""
_VERIFY = """
import json
from actgate.api.compliance_policy import CompliancePolicySpec
from actgate.attestations import Anchors, Verifier

given = json.load(sys.stdin)
policy = CompliancePolicySpec.model_validate({"evidence": given["policy"]})
facts = Verifier(Anchors.of([policy])).read(given["attestations"], given["spec"])
print(json.dumps([[fact.name, len(fact.signers), fact.unreadable is None] for fact in facts]))
"""


def test_verification_opens_no_socket_and_starts_no_process() -> None:
    """Not for a certificate that says where its issuer and its revocation list are, nor for a bundle."""
    keyed = [Party("p256"), Party("p384", p384()), Party("ed25519", ed25519_key()), Party("rsa", rsa_pss())]
    root = pki.root()
    member, certificate = pki.signer(root, pki.leaf(addresses=True))
    spec = signed(evidence(), *keyed, name="keys")
    spec = signed(spec, member, name="chain")
    spec["attestations"][-1]["chain"] = pki.chain(certificate)
    bundle = (Path(__file__).parent / "vectors/oms-elliptic-key.sigstore.json").read_text("utf-8")
    spec["attestations"].append({"name": "bundle", "bundle": bundle})
    given = {
        "policy": trusting(*keyed, pki.trusting_roots(root)),
        "attestations": spec["attestations"],
        "spec": covered(spec),
    }
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", _FORBIDDEN + _VERIFY],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [["keys", 4, True], ["chain", 1, True], ["bundle", 0, True]]


@pytest.mark.parametrize(("attested", "loaded"), [(False, False), (True, True)])
def test_cryptography_is_imported_for_authorities_alone(attested: bool, loaded: bool) -> None:
    """It takes 20 MB and a third of the start of ``actgate check``; most manifests have no attestations."""
    party = Party("training")
    spec = signed(evidence(), party) if attested else evidence()
    given = {
        "policy": trusting(party) if attested else {},
        "attestations": spec.get("attestations", []),
        "spec": covered(spec),
    }
    script = "import sys" + _VERIFY + "print('cryptography' in sys.modules)"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == str(loaded)
