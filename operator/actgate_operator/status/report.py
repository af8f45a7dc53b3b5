"""The whole status of a ModelDeployment or a manifest, ready to be applied, and whether it is a new one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from actgate.api.compliance_manifest import (
    MOST_ATTESTATIONS,
    ComplianceManifestStatus,
    ReportedAppraisal,
    ReportedAttestation,
)
from actgate.api.inference_log import LogMode
from actgate.api.model_deployment import MOST_NOT_UPLOADED, ReportedFinding
from actgate.api.quoting import cut
from actgate.api.times import timestamp
from actgate.decision import Finding
from actgate.decision.attestation import Assessment
from actgate.decision.data import RULESET
from actgate.decision.decide import Appraisal
from actgate.kube.objects import Object
from actgate_operator.status.conditions import REFERENCE, Condition, conditions
from actgate_operator.status.observation import Judgement, Observation, Stop

MOST_FINDINGS: Final = 128
MOST_MANIFEST_FINDINGS: Final = 32
MOST_EXEMPTIONS: Final = 64
_RULES_NAMED: Final = 3
_SHORT: Final = 253
_REASON: Final = 1024
_PATH: Final = 1024
_TEXT: Final = 4096
_MESSAGE: Final = 32768
_REPLICAS: Final = 10_000
"""Bounds of the schema; a rollout may have more pods for a while than a spec may ask for."""

OWN_CONDITIONS: Final = frozenset(
    {
        *("EvidenceAccepted", "WorkloadAvailable", "ScalingActive", "LoggingHealthy"),
        *("Ready", "Reconciling", "Stalled"),
    }
)


def report(observed: Observation, former: Mapping[str, Any], now: datetime) -> Object:
    """Return the status for an observation.

    Args:
        observed: What was observed.
        former: The status as it stands.
        now: The moment of the observation; it stands only where something changed.
    """
    stamp = timestamp(now)
    status: Object = {
        "observedGeneration": observed.generation,
        "conditions": [
            _condition(found, former, observed.generation, stamp) for found in conditions(observed)
        ],
        "replicas": min(observed.rollout.replicas, _REPLICAS) if observed.rollout is not None else 0,
        "readyReplicas": min(observed.rollout.ready, _REPLICAS) if observed.rollout is not None else 0,
    }
    if observed.judgement is not None:
        status["verdict"] = _verdict(observed.judgement, former.get("verdict") or {}, stamp)
    # What is not judged stays held: an unknown verdict is no reason to let more run.
    most = observed.held if observed.judgement is not None else former.get("heldReplicas")
    if most is not None:
        status["heldReplicas"] = most
    if observed.url is not None:
        status["url"] = observed.url
    if observed.selector is not None:
        status["selector"] = observed.selector
    if observed.logging not in (None, LogMode.NONE.value):
        status["logging"] = _logging(observed, former.get("logging") or {}, stamp)
    if observed.stop is not None:
        status["stop"] = _stop(observed.stop, former.get("stop") or {}, stamp)
    return status


def _logging(observed: Observation, former: Mapping[str, Any], stamp: str) -> Object:
    shown: Object = {"mode": observed.logging}
    if observed.recorder is not None:
        shown |= {"recorder": observed.recorder, "recording": min(observed.running.recording, _REPLICAS)}
    if observed.model_port is not None:
        shown["modelPort"] = observed.model_port
    # A pod that has ended is gone a moment later, and what went with it must not go unnoticed.
    listed = {item["pod"]: item for item in former.get("notUploaded") or ()}
    for pod, records in observed.running.unshipped:
        listed.setdefault(pod, {"pod": pod, "records": records, "observedAt": stamp})
    if listed:
        shown["notUploaded"] = list(listed.values())[-MOST_NOT_UPLOADED:]
    return shown


def _stop(stop: Stop, former: Mapping[str, Any], stamp: str) -> Object:
    """Return what is stated of a stop; it began when it was observed first."""
    stated = {name: text for name, text in (("by", stop.by), ("reason", stop.reason)) if text}
    return {"observedAt": former.get("observedAt", stamp), **stated}


def status_of_manifest(generation: int, appraisal: Appraisal) -> Object:
    """Return the status that says what a manifest is worth; the same one for the same appraisal."""
    findings = appraisal.findings
    omitted = len(findings) - MOST_MANIFEST_FINDINGS
    # A part of a second would end it too late.
    until = appraisal.until.replace(microsecond=0) if appraisal.until is not None else None
    status = ComplianceManifestStatus(
        observed_generation=generation,
        verdict=ReportedAppraisal(
            outcome=appraisal.outcome.value,
            reason=_reason(findings),
            policies=[policy.name for policy in appraisal.policies[:64]],
            ruleset=RULESET,
            valid_until=until,
            findings=[ReportedFinding(**reported(item)) for item in findings[:MOST_MANIFEST_FINDINGS]]
            or None,
            omitted_findings=omitted if omitted > 0 else None,
        ),
        attestations=[_attestation(item) for item in appraisal.attestations[:MOST_ATTESTATIONS]] or None,
    )
    shown: Object = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    return shown


def _attestation(found: Assessment) -> ReportedAttestation:
    """Return what was found of an attestation, within the bounds of the schema: the words are foreign."""
    return ReportedAttestation(
        name=_short(found.name) or "unnamed",
        predicate_type=_short(found.predicate_type),
        authority=_short(found.authority),
        signer=_short(found.signer),
        signed_no_later_than=found.signed_no_later_than,
        payload_digest=found.payload_digest,
        result=found.result.value,
        reason=cut(found.reason, _REASON) if found.reason else None,
    )


def _short(text: str | None) -> str | None:
    return cut(text, _SHORT) if text else None


def is_same(status: Mapping[str, Any], former: Mapping[str, Any]) -> bool:
    """Return whether a status says nothing that the former one does not; others' conditions apart."""
    mine = [item for item in former.get("conditions") or () if item.get("type") in OWN_CONDITIONS]
    return {**former, "conditions": _by_type(mine)} == {
        **status,
        "conditions": _by_type(status["conditions"]),
    }


def condition_of(status: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a condition by its type; empty where there is none."""
    found = (item for item in status.get("conditions") or () if item.get("type") == name)
    return next(found, {})


def message_of(status: Mapping[str, Any], condition: Mapping[str, Any]) -> str:
    """Return the text of a condition, where it stands in another one from there."""
    message = str(condition.get("message", ""))
    home = condition_of(status, message.removeprefix(REFERENCE))
    return str(home["message"]) if home and message.startswith(REFERENCE) else message


def reported(finding: Finding) -> Object:
    """Return a finding as statuses hold it, of models and of manifests (``ReportedFinding``)."""
    return {
        "rule": finding.rule,
        "basis": finding.basis,
        "path": finding.path[:_PATH],
        "message": finding.message[:_TEXT],
        "remediation": finding.remediation[:_TEXT],
        "effect": finding.reported_effect,
        **({"exemption": finding.exemption} if finding.exemption is not None else {}),
    }


def _by_type(items: list[Any]) -> dict[str, Any]:
    return {item["type"]: item for item in items}


def _condition(found: Condition, former: Mapping[str, Any], generation: int, stamp: str) -> Object:
    known = condition_of(former, found.type)
    changed = known.get("status") != found.status
    return {
        "type": found.type,
        "status": found.status,
        "reason": found.reason,
        "message": found.message[:_MESSAGE],
        "lastTransitionTime": stamp if changed else known["lastTransitionTime"],
        "observedGeneration": generation,
    }


def _verdict(judgement: Judgement, former: Mapping[str, Any], stamp: str) -> Object:
    """Return the verdict; ``evaluatedAt`` is the moment at which it last became another one."""
    verdict = judgement.verdict
    shown: Object = {
        "outcome": verdict.outcome.value,
        "manifest": _manifest(judgement),
        "policies": list(verdict.policies[:64]),
        "ruleset": verdict.ruleset,
    }
    if verdict.valid_until is not None:
        shown["validUntil"] = timestamp(verdict.valid_until)
    if verdict.exemptions:
        shown["exemptions"] = [
            {"name": name, "notAfter": timestamp(end)} for name, end in verdict.exemptions[:MOST_EXEMPTIONS]
        ]
    if verdict.findings:
        # The strongest come first, so that what is left out is what matters least.
        shown["findings"] = [reported(item) for item in verdict.findings[:MOST_FINDINGS]]
    since = former.get("evaluatedAt")
    same = since is not None and shown == {
        key: value for key, value in former.items() if key != "evaluatedAt"
    }
    return {**shown, "evaluatedAt": since if same else stamp}


def _manifest(judgement: Judgement) -> Object:
    shown: Object = {"name": judgement.manifest_name}
    if judgement.manifest is not None:
        if judgement.manifest.uid:
            shown["uid"] = judgement.manifest.uid
        if judgement.manifest.digest:
            shown["digest"] = judgement.manifest.digest
    return shown


def _reason(findings: tuple[Finding, ...]) -> str | None:
    """Return the rules of the strongest findings on one line."""
    rules = list(dict.fromkeys(item.rule for item in findings if item.effect is findings[0].effect))
    more = len(rules) - _RULES_NAMED
    return ", ".join(rules[:_RULES_NAMED]) + (f" and {more} more" if more > 0 else "") or None
