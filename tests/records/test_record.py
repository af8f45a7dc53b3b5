"""Each form of a decision: names and values that auditors, dashboards and alerts rely on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import orjson
import pytest

from actgate.api.canonical import canonical_of_json, sha256
from actgate.decision import BASELINE, Manifest, Verdict
from actgate.decision.attestation import Assessment, Attestation, Result
from actgate.decision.data import RULESET
from actgate.records.chain import decision_fields
from actgate.records.record import (
    ALLOWED,
    Caller,
    DecisionRecord,
    Outcome,
    RecordedObject,
    audit_annotations,
    digest_of_object,
    log_fields,
    metric_labels,
    span_attributes,
)
from tests.decision.build import ASKING, judge, measured, policy
from tests.records.build import START, recorded

VERDICTLESS = [Outcome.WARN, Outcome.MALFORMED, Outcome.UNAVAILABLE, Outcome.ERROR]


def stored(uid: str, version: str) -> Manifest:
    """Return an unfair manifest as the API server has it."""
    return replace(measured(value=-0.2), uid=uid, resource_version=version)


MANIFEST = stored("uid-1", "42")
VERDICT: Verdict = judge(MANIFEST)
REFUSED = recorded(Outcome.FAIL, verdict=VERDICT, manifests=(MANIFEST,), cache_age=12.34)


def test_audit_annotations_say_what_was_judged_on_what() -> None:
    """Outcome, rules, policies, ruleset, the manifest's identity and the age of the cache; all strings."""
    assert audit_annotations(REFUSED) == {
        "review-uid": "u",
        "outcome": "Fail",
        "rules": "bias/limit=Deny, bias/claim=Deny",
        "policies": "baseline",
        "ruleset": VERDICT.ruleset,
        "cache-age": "12.3s",
        "manifest-uid": "uid-1",
        "manifest-resource-version": "42",
        "manifest-digest": MANIFEST.digest,
    }


def test_several_manifests_stand_in_the_order_of_their_links() -> None:
    """The same keys, with an item for each; the decision log has a list besides."""
    other = replace(stored("uid-2", "7"), digest=None)
    record = REFUSED._replace(manifests=(MANIFEST, other))
    audit = audit_annotations(record)
    assert audit["manifest-uid"] == "uid-1, uid-2"
    assert audit["manifest-resource-version"] == "42, 7"
    assert audit["manifest-digest"] == f"{MANIFEST.digest}, "
    assert audit.keys() == audit_annotations(REFUSED).keys()
    assert span_attributes(record)["actgate.manifest.digest"] == f"{MANIFEST.digest}, "
    line = decision_fields(record)
    assert line["manifest"] == line["manifests"][0]
    assert [manifest["uid"] for manifest in line["manifests"]] == ["uid-1", "uid-2"]
    assert "manifests" not in decision_fields(REFUSED)


ACCEPTED = Assessment(
    "training",
    "https://actgate.dev/attestation/compliance-manifest/v1alpha1",
    f"sha256:{'5' * 64}",
    Result.ACCEPTED,
    authority="ml-platform",
    signer="spiffe://bank.example/ml, office=forged",
)
ATTESTED = replace(MANIFEST, attestations=(Attestation("training"),), created_at=START)


def attested(*found: Assessment) -> DecisionRecord:
    """Return the record of a refusal on a manifest with attestations, of which these were judged."""
    verdict = replace(VERDICT, attestations=tuple((MANIFEST.name, item) for item in found))
    return REFUSED._replace(verdict=verdict, manifests=(ATTESTED,))


def test_accepted_attestations_stand_with_signer_and_payload() -> None:
    """In every form; a name out of a certificate cannot be taken for another item."""
    record = attested(ACCEPTED)
    signer = "spiffe://bank.example/ml%2C%20office=forged"
    said = f"{MANIFEST.name}/training=ml-platform {signer} sha256:{'5' * 64}"
    assert audit_annotations(record)["attestations"] == said
    assert span_attributes(record)["actgate.attestations"] == said
    line = decision_fields(record)["manifest"]
    assert line["created_at"] == "2026-11-23T12:00:00Z"
    assert line["attestations"] == [
        {
            "name": "training",
            "predicate_type": ACCEPTED.predicate_type,
            "authority": "ml-platform",
            "signer": ACCEPTED.signer,
            "payload_digest": ACCEPTED.payload_digest,
        }
    ]


def test_without_attestations_no_form_mentions_them() -> None:
    """A declared manifest's records are what they were."""
    assert "attestations" not in audit_annotations(REFUSED)
    assert "actgate.attestations" not in span_attributes(REFUSED)
    assert decision_fields(REFUSED)["manifest"].keys() == {"name", "uid", "resource_version", "digest"}


def test_what_attestations_may_take_is_bounded() -> None:
    """Eight of them with long names of signers, of several manifests, are counted where they do not fit."""
    many = [replace(ACCEPTED, name=f"{number:063d}", signer="ü" * 9000) for number in range(8)]
    audit = audit_annotations(attested(*many))["attestations"]
    assert len(audit) < 5000
    assert audit.isascii()
    assert audit.endswith(" more")
    signers = [found["signer"] for found in decision_fields(attested(*many))["manifest"]["attestations"]]
    assert signers == ["ü" * 253] * 8


def test_policies_stand_with_their_digests() -> None:
    """The name alone does not say what was asked; the baseline has no object, and so no digest."""
    known = replace(policy("house"), digest=f"sha256:{'7' * 64}")
    verdict = replace(VERDICT, policies=("baseline", "house"))
    line = decision_fields(REFUSED._replace(verdict=verdict, policies=(BASELINE, known)))
    assert line["policies"] == ["baseline", "house"]
    assert line["policy_digests"] == [None, known.digest]


def test_a_verdict_without_evidence_is_audited_without_a_manifest() -> None:
    """Where there is no manifest no identity is made up."""
    audit = audit_annotations(recorded(Outcome.FAIL, verdict=judge(None), cache_age=0.0))
    assert audit["cache-age"] == "0.0s"
    assert not any(key.startswith("manifest-") for key in audit)


@pytest.mark.parametrize("outcome", VERDICTLESS)
def test_without_a_verdict_no_form_claims_one(outcome: Outcome) -> None:
    """Uid and outcome lead to the reason, which stands in the logs; no rule, no policy."""
    record = recorded(outcome, reason="connection refused")
    assert audit_annotations(record) == {"review-uid": "u", "outcome": outcome.value}
    line = decision_fields(record)
    assert (line["rules"], line["policies"], line["ruleset"]) == ([], [], RULESET)
    assert (line["manifest"], line["cache_age_ms"], line["reason"]) == (None, None, "connection refused")
    assert log_fields(record, 0.1)["reason"] == "connection refused"
    assert span_attributes(record)["actgate.rules"] == ""


def test_what_is_not_judged_has_no_annotations() -> None:
    """There is no record of a decision where there was none."""
    assert audit_annotations(recorded(Outcome.NOT_JUDGED)) == {}


def test_each_rule_stands_once_with_its_strongest_effect() -> None:
    """Findings come strongest first, so the first of a rule is its strongest, in every form."""
    policies = policy("a", enforcement="Audit"), policy("b", enforcement="Deny")
    verdict = judge(MANIFEST, ASKING, *policies)
    record = recorded(Outcome.FAIL, verdict=verdict)
    rules = [finding.rule for finding in record.rules]
    assert len(rules) == len(set(rules))
    said = ", ".join(f"{finding.rule}={finding.effect.value}" for finding in record.rules)
    assert "bias/limit=Deny" in said
    assert audit_annotations(record)["rules"] == said
    assert log_fields(record, 0.0)["rules"] == said
    assert span_attributes(record)["actgate.rules"] == said
    assert [f"{rule['rule']}={rule['outcome']}" for rule in decision_fields(record)["rules"]] == [
        *said.split(", ")
    ]


def test_a_log_line_has_what_is_searched_for() -> None:
    """Names are cut where the API server takes no longer ones: anyone may have sent them."""
    caller = Caller(authenticated=True, name="kube-apiserver")
    record = REFUSED._replace(caller=caller, user="x" * 1000)
    assert log_fields(record, 0.0012345) == {
        "uid": "u",
        "user": "x" * 253,
        "operation": "CREATE",
        "kind": "ModelDeployment",
        "namespace": "credit",
        "name": "scorer",
        "dry_run": False,
        "outcome": "Fail",
        "rules": "bias/limit=Deny, bias/claim=Deny",
        "duration_ms": 1.234,
        "cache_age_s": 12.3,
        "authenticated": True,
    }


@pytest.mark.parametrize(
    ("record", "labels"),
    [
        (REFUSED, ("ModelDeployment", "CREATE", "Fail", "false")),
        (recorded(dry_run=True), ("ModelDeployment", "CREATE", "Pass", "true")),
        (
            recorded(Outcome.NOT_JUDGED, object=RecordedObject("", "v1", "Anything", "n", "x")),
            ("other", "CREATE", "NotJudged", "false"),
        ),
    ],
)
def test_a_metric_has_few_labels(record: DecisionRecord, labels: tuple[str, ...]) -> None:
    """A kind that is not ours is another one, so that no caller can make up labels without end."""
    assert metric_labels(record) == labels


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_what_passes_or_is_none_of_our_business_is_allowed(outcome: Outcome) -> None:
    """Unknown is never fine."""
    allowed = outcome in (Outcome.PASS, Outcome.WARN, Outcome.NOT_JUDGED)
    assert (outcome in ALLOWED) is allowed
    assert decision_fields(recorded(outcome))["allowed"] is allowed
    assert span_attributes(recorded(outcome))["actgate.allowed"] is allowed


def test_bookkeeping_does_not_change_the_digest_of_an_object() -> None:
    """managedFields, key order and white space do not count; everything else does."""
    obj = {"kind": "Pod", "metadata": {"name": "a", "managedFields": [{"time": 1}]}, "spec": {"b": 1, "a": 2}}
    bare: dict[str, Any] = {"spec": {"a": 2, "b": 1}, "metadata": {"name": "a"}, "kind": "Pod"}
    digest = digest_of_object(orjson.dumps(obj), obj)
    assert digest == digest_of_object(json.dumps(bare, indent=4).encode(), bare)
    assert digest == (sha256(canonical_of_json(bare)), "canonical")
    bare["spec"]["a"] = 3
    assert digest != digest_of_object(b"", bare)


def test_an_object_without_canonical_form_is_known_by_its_bytes() -> None:
    """What could not be read still has a digest, and the log says of what."""
    assert digest_of_object(b"\xff{", None) == (sha256(b"\xff{"), "bytes")
