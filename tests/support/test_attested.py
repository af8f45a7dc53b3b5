"""The helper that signs evidence for tests, against the words of its specifications."""

from __future__ import annotations

import pytest

from actgate.api.compliance_policy import CompliancePolicySpec
from actgate.manifests import read_manifest
from tests.support.attested import Party, evidence, pae, payload_digest, signed, trusting


def test_the_encoding_that_is_signed_is_that_of_the_specification() -> None:
    """The test vector of the DSSE protocol, version 1.0.0."""
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pae("http://example.com/HelloWorld", b"hello world") == expected
    assert pae("é", b"") == "DSSEv1 2 é 0 ".encode(), "lengths count bytes"


@pytest.mark.parametrize("count", [1, 3])
def test_what_it_makes_is_evidence_without_a_problem(count: int) -> None:
    """A test that expects a refusal would be content with any."""
    parties = [Party(f"party-{number}") for number in range(count)]
    spec = signed(evidence(), *parties)
    (item,) = spec["attestations"]
    assert len(item["envelope"]["signatures"]) == count
    assert payload_digest(item) == payload_digest(signed(evidence(), Party("another"))["attestations"][0])
    metadata = {"name": "evidence", "namespace": "credit"}
    read = read_manifest(
        {
            "apiVersion": "actgate.dev/v1alpha1",
            "kind": "ComplianceManifest",
            "metadata": metadata,
            "spec": spec,
        }
    )
    assert read.problems == ()
    policy = {"evidence": trusting(*parties)}
    CompliancePolicySpec.model_validate(policy, by_alias=True, by_name=False)
