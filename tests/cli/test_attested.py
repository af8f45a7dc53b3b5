"""``actgate check`` on signed evidence: verified offline, with the keys of the policies of the input."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import Json, check, manifest, model, policy, write
from tests.support.attested import MODEL, Party, evidence, signed, trusting

TRAINING, STRANGER = Party("training"), Party("stranger")
DEPLOYMENT = model(model={"name": "CreditRiskScorer", "version": "2", "digest": MODEL})


def attested(*parties: Party, **changed: object) -> Json:
    """Return a manifest that these parties signed, and of which some fields were changed afterwards."""
    return {**manifest(), "spec": {**signed(evidence(), *parties), **changed}}


TRUSTING = policy("house", evidence=trusting(TRAINING))


@pytest.mark.parametrize("documents", [(TRUSTING, attested(TRAINING)), (attested(TRAINING), TRUSTING)])
def test_a_signature_counts_wherever_the_policy_stands(tmp_path: Path, documents: tuple[Json, ...]) -> None:
    """In the same file before or behind the manifest; with --policy as well."""
    assert check(tmp_path, DEPLOYMENT, *documents).returncode == 0


def test_a_signature_counts_under_a_policy_of_its_own_file(tmp_path: Path) -> None:
    """As the pipeline has it: the evidence here, the policy of the house there."""
    house = write(tmp_path / "house.yaml", TRUSTING)
    done = check(tmp_path, DEPLOYMENT, attested(TRAINING), arguments=("--policy", str(house)))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("evidence_of", "rule"),
    [
        (attested(STRANGER), "evidence/authority"),
        ({**manifest(), "spec": evidence()}, "evidence/signers"),
        (attested(TRAINING, riskCategory="MinimalRisk"), "evidence/mismatch"),
    ],
)
def test_what_an_untrusted_party_signed_is_refused(tmp_path: Path, evidence_of: Json, rule: str) -> None:
    """Each with the rule that says why."""
    done = check(tmp_path, DEPLOYMENT, TRUSTING, evidence_of)
    assert done.returncode == 1
    assert rule in done.stdout


def test_the_time_of_a_file_proves_nothing(tmp_path: Path) -> None:
    """A key that was revoked signs no file, whatever creation time that states."""
    revoked = TRAINING.authority(revoked={"at": "2026-11-10T00:00:00Z", "reason": "Rotated"})
    older = attested(TRAINING)
    older["metadata"]["creationTimestamp"] = "2026-11-02T10:00:00Z"
    done = check(tmp_path, DEPLOYMENT, policy("house", evidence=trusting(revoked)), older)
    assert done.returncode == 1
    assert "evidence/authority" in done.stdout
