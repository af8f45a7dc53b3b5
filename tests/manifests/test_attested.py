"""A manifest with attestations: what is verified with which keys, and what a file may not claim."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from actgate.api.compliance_manifest import DigestDomain
from actgate.decision import Subject, decide
from actgate.manifests import read_document, read_manifest, read_policy, verifier_for
from tests.manifests.build import manifest_object
from tests.manifests.test_policies import policy_object
from tests.support.attested import Party, evidence, payload_digest, signed, trusting

TRAINING, RISK = Party("training"), Party("model-risk")
SPEC = signed(evidence(), TRAINING, RISK)
ATTESTED = {**manifest_object(), "spec": SPEC}
TRUSTED = read_policy(policy_object(evidence=trusting(TRAINING)))

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_signatures_are_verified_with_the_keys_of_the_policies() -> None:
    """And the manifest notes with which, since a key that comes later has not been tried."""
    manifest = read_manifest(ATTESTED, verifier_for([TRUSTED]))
    (found,) = manifest.attestations
    assert (found.name, found.payload_digest) == ("training", payload_digest(SPEC["attestations"][0]))
    assert [signer.anchor for signer in found.signers] == [TRAINING.anchor]
    assert (found.unreadable, found.mismatch, found.invalid) == (None, None, None)
    assert manifest.verified_against == {TRAINING.anchor}


def test_without_a_key_attestations_are_read_and_have_no_signers() -> None:
    """What they say is a fact all the same; nothing is taken for signed."""
    for manifest in (read_manifest(ATTESTED), read_document(ATTESTED)):
        (found,) = manifest.attestations
        assert (found.signers, found.mismatch) == ((), None)
        assert manifest.verified_against == frozenset()


def test_a_document_is_verified_as_an_object_is() -> None:
    """``check`` and the services read alike."""
    verifier = verifier_for([TRUSTED])
    assert read_document(ATTESTED, verifier=verifier) == read_manifest(ATTESTED, verifier)


def test_a_manifest_without_attestations_was_tried_with_no_key() -> None:
    """So that no new key ever makes it out of date."""
    manifest = read_manifest(manifest_object(), verifier_for([TRUSTED]))
    assert (manifest.attestations, manifest.verified_against) == ((), frozenset())


def test_the_payload_is_compared_with_the_spec_without_attestations() -> None:
    """A value that was edited after signing is named."""
    edited = {**SPEC, "riskCategory": "MinimalRisk"}
    (found,) = read_manifest({**manifest_object(), "spec": edited}, verifier_for([TRUSTED])).attestations
    assert found.mismatch is not None
    assert found.mismatch.path == "spec.riskCategory"


@pytest.mark.parametrize("stated", [None, "2026-11-02T10:00:00Z", "yesterday", 7])
def test_only_the_api_server_knows_when_a_manifest_was_created(stated: object) -> None:
    """By that time revoked and expired keys are judged: in a file it is a claim."""
    obj = {**ATTESTED, "metadata": {**ATTESTED["metadata"], "creationTimestamp": stated}}
    assert read_manifest(obj).created_at is None
    assert read_document(obj).created_at is None
    known = datetime(2026, 11, 2, 10, tzinfo=UTC) if stated == "2026-11-02T10:00:00Z" else None
    assert read_manifest(obj, from_api_server=True).created_at == known


@pytest.mark.parametrize("items", [7, "x", {}, [], [7, None, {}], [{"name": 7, "envelope": []}]])
def test_no_shape_of_attestations_raises(items: Any) -> None:  # noqa: ANN401 - any JSON value
    """What is wrong with them is a problem of the manifest, or a fact about an attestation."""
    manifest = read_manifest({**manifest_object(), "spec": {**evidence(), "attestations": items}})
    assert all(found.unreadable for found in manifest.attestations)
    assert bool(manifest.problems) is (items != [])
    verdict = decide(Subject.of_manifest(manifest), [manifest], [], NOW)
    assert verdict.allowed is (items == [])


def test_an_attestation_that_cannot_be_read_is_named_where_it_stands() -> None:
    """The schema cuts such items out; what is found of them keeps the place in the document."""
    good = signed(evidence(), Party("training"))["attestations"][0]
    items = [good, {}, {**good, "name": 7}, {"name": "b"}]
    manifest = read_manifest({**manifest_object(), "spec": {**evidence(), "attestations": items}})
    verdict = decide(Subject.of_manifest(manifest), [manifest], [], NOW)
    found = [finding.path for finding in verdict.findings if finding.rule == "evidence/format"]
    assert found == ["spec.attestations[1]", "spec.attestations[2].name", "spec.attestations[3]"]


def test_the_domain_of_a_digest_is_read() -> None:
    """Equal digests of different domains are of different things."""
    spec = evidence()
    spec["model"]["digestDomain"] = "oms-v1"
    model = read_manifest({**manifest_object(), "spec": spec}).model
    assert model is not None
    assert model.domain is DigestDomain.OMS_V1
