"""``actgate explain --policy``: who would have to sign what."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from actgate.api.predicates import APPROVAL
from tests.attestations.pki import pem, root
from tests.cli.support import actgate, policy, write
from tests.support.attested import BIAS_AUDIT, COMPLIANCE_MANIFEST, Party, required, trusting

TRAINING, RISK, OFFICE = Party("ml-platform"), Party("model-risk"), Party("risk-office")
TYPES = (BIAS_AUDIT, APPROVAL)


def explained(folder: Path, **evidence: object) -> str:
    """Return what the command prints of a policy that asks this of evidence."""
    file = write(folder / "policy.yaml", policy("high-risk", evidence=evidence))
    done = actgate("explain", "--policy", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_policy_says_who_has_to_sign_what(tmp_path: Path) -> None:
    """Each level, requirement and authority, with full fingerprints to compare a key with."""
    evidence = trusting(
        TRAINING,
        RISK.authority(*TYPES, validFor={"start": "2026-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z"}),
        OFFICE.authority(*TYPES, revoked={"at": "2026-11-01T00:00:00Z", "reason": "Rotated"}),
        level={"HighRisk": "Attested", "LimitedRisk": "Recomputable"},
        require=[
            required(BIAS_AUDIT, RISK, distinctFrom=["ml-platform"]),
            required(APPROVAL, RISK, OFFICE, minSigners=2),
        ],
        withdrawn=[f"sha256:{'0' * 64}"],
    )
    assert (
        explained(tmp_path, **evidence)
        == f"""\
policy high-risk (Deny)

Assurance level:
  HighRisk      Attested: counts for every bias measurement, and compliance-manifest signed by ml-platform
  LimitedRisk   Recomputable: counts for every bias measurement
  MinimalRisk   Declared

Required attestations, in every tier:
  bias-audit, signed by model-risk
    and by no party of ml-platform
  approval, signed by at least 2 different parties of model-risk or risk-office

Authorities:
  ml-platform
    key          {TRAINING.anchor}
    may attest   compliance-manifest
  model-risk
    key          {RISK.anchor}
    may attest   bias-audit, approval
    counts       from 2026-01-01T00:00:00Z until before 2027-01-01T00:00:00Z
  risk-office
    key          {OFFICE.anchor}
    may attest   bias-audit, approval
    revoked      2026-11-01T00:00:00Z (Rotated): only what a trusted time shows to be older counts

Withdrawn payloads and manifests:
  sha256:{"0" * 64}
"""
    )


def test_a_policy_that_asks_for_no_signature_says_so(tmp_path: Path) -> None:
    """The baseline's demands are readable too."""
    text = explained(tmp_path)
    assert text.count("Declared\n") == 3
    assert text.count("  none\n") == 2


def test_a_requirement_that_cannot_be_met_is_called_one(tmp_path: Path) -> None:
    """Too few keys, one key under two names, an authority that may not attest it, a level without one."""
    also = {**Party("also", RISK.key).authority(BIAS_AUDIT)}
    evidence = trusting(
        RISK.authority(BIAS_AUDIT),
        also,
        level={"HighRisk": "Attested"},
        require=[
            required(BIAS_AUDIT, RISK, Party("also"), minSigners=2),
            required(BIAS_AUDIT, RISK, distinctFrom=["also"]),
            required(COMPLIANCE_MANIFEST, RISK),
        ],
    )
    text = explained(tmp_path, **evidence)
    assert [line.strip() for line in text.splitlines() if "cannot" in line] == [
        "HighRisk      Attested: cannot be reached: no authority may attest compliance-manifest",
        "cannot be met: they are 1 party, and 2 must sign",
        "cannot be met: they are 0 parties, and 1 must sign",
        "cannot be met: none of them may attest compliance-manifest",
    ]


def test_certificates_are_recognised_by_root_and_names(tmp_path: Path) -> None:
    """Whose certificates count is what people compare; and whether they suffice is not known beforehand."""
    ca = root()
    certificate = {
        "roots": pem(ca.certificate),
        "identities": [{"uri": "spiffe://bank.example/risk"}, {"emailRegExp": "[a-z]+@bank[.]example"}],
    }
    authority = {"name": "model-risk", "certificate": certificate, "mayAttest": [BIAS_AUDIT]}
    require = [{"predicateType": BIAS_AUDIT, "authorities": ["model-risk"], "minSigners": 2}]
    text = explained(tmp_path, authorities=[authority], require=require)
    digest = hashlib.sha256(ca.certificate.public_bytes(Encoding.DER)).hexdigest()
    assert (
        f"""\
  model-risk
    root         sha256:{digest}
    certificate  uri spiffe://bank.example/risk
    certificate  emailRegExp [a-z]+@bank[.]example
    may attest   bias-audit
"""
        in text
    )
    assert "cannot" not in text


def test_an_authority_that_cannot_be_read_is_unusable_input(tmp_path: Path) -> None:
    """A policy file that no party could sign for is an error before it reaches a cluster; `check` agrees."""
    broken = {**RISK.authority(), "key": {"data": "-----BEGIN PUBLIC KEY-----"}}
    file = write(tmp_path / "policy.yaml", policy("high-risk", evidence=trusting(broken)))
    for command in (("explain",), ("check", "-f", str(file))):
        done = actgate(*command, "--policy", str(file)) if command[0] == "explain" else actgate(*command)
        assert done.returncode == 2
        assert f"{file}:" in done.stderr
        assert "spec.evidence.authorities[0].key.data: Invalid value" in done.stderr


def test_a_name_that_leads_nowhere_is_unusable_input(tmp_path: Path) -> None:
    """The sentence names the field."""
    evidence = trusting(RISK, require=[required(BIAS_AUDIT, Party("modelrisk"))])
    file = write(tmp_path / "policy.yaml", policy("high-risk", evidence=evidence))
    done = actgate("explain", "--policy", str(file))
    assert done.returncode == 2
    assert 'spec.evidence.require[0].authorities[0]: Invalid value: "modelrisk"' in done.stderr


def test_a_rule_and_a_policy_are_explained_together(tmp_path: Path) -> None:
    """First the rule, then the policy; several policies one after the other."""
    file = write(tmp_path / "policy.yaml", policy("a"), policy("b"))
    text = actgate("explain", "evidence/signers", "--policy", str(file)).stdout
    places = [
        text.index(words)
        for words in ("evidence/signers (house policy)", "policy a (Deny)", "policy b (Deny)")
    ]
    assert places == sorted(places)


def test_what_holds_no_policy_is_nothing_to_explain(tmp_path: Path) -> None:
    """An empty file is exit code 3, and another object unusable input."""
    empty = tmp_path / "empty.yaml"
    empty.write_text("")
    done = actgate("explain", "--policy", str(empty))
    assert (done.returncode, done.stdout) == (3, "")
    assert "hold no CompliancePolicy" in done.stderr
    other = write(tmp_path / "other.yaml", {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}})
    assert actgate("explain", "--policy", str(other)).returncode == 2
