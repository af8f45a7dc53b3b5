"""Logging rules: the use of a model is recorded, for long enough, in the right place, and no more of it.

Law and house policy are kept apart. Regulation (EU) 2024/1689 asks that high-risk systems record events
automatically (Art. 12) and that providers and deployers keep these logs for six months at least (Art. 19(1),
26(6)). It does not say how safely a record is written, in which country a log is kept, that it shows
tampering, or what of a payload it may hold: that is house policy here, and data protection law elsewhere.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from actgate.api.compliance_policy import Tier
from actgate.api.durations import format_seconds, parse_duration
from actgate.api.inference_log import SIX_MONTHS, LogMode, MaxPayload, RequiredDurability
from actgate.api.quoting import quoted
from actgate.decision.logged import Logged
from actgate.decision.manifest import Region
from actgate.decision.policies import Policy
from actgate.decision.regions import locate
from actgate.decision.rules.rule import HOUSE_POLICY, Rule
from actgate.decision.subject import MODEL_DEPLOYMENT, Subject
from actgate.decision.verdict import Finding

ENABLED: Final = Rule(
    "logging/enabled",
    "AI Act Art. 12",
    requirement="Where the policy requires it, the use of the model is logged: spec.logging of a "
    "ModelDeployment, or the annotation actgate.dev/logging of pods, states another mode than None.",
    rationale="Art. 12(1): high-risk AI systems allow for the automatic recording of events over their "
    "lifetime. The Act asks for logs; that a log shows tampering is not asked for.",
    remediation="Set spec.logging with mode Recorder, by which the operator puts a recorder before the "
    "model's port, or the mode that says who else writes the log.",
)
RETENTION: Final = Rule(
    "logging/retention",
    "AI Act Art. 19(1), 26(6)",
    requirement="The log is kept for six months at least, which are 184 days (4416h), and for as long as the "
    "policy asks.",
    rationale="Providers (Art. 19(1)) and deployers (Art. 26(6)) keep logs that are under their control for "
    "at least six months. More than that is house policy, or a duty of other law.",
    remediation="State a retention of 4416h or more, and keep the log in fact for that long.",
)
REGION: Final = Rule(
    "logging/region",
    HOUSE_POLICY,
    requirement="Where the policy names countries for logs, the region of the log's storage is stated, "
    "known, unambiguous and in one of them. A volume of the cluster is where the model's placement is.",
    rationale="A log is about persons, and the organisation keeps it within chosen countries. The Act does "
    "not say where logs are kept.",
    remediation="Keep the log in an allowed country, and state provider and region code in "
    "spec.logging.storage.region.",
)
DURABILITY: Final = Rule(
    "logging/durability",
    HOUSE_POLICY,
    requirement="A record survives what the policy says before the answer that it is about is released: the "
    "end of a process (Process), or of the node (Node).",
    rationale="A log that loses records without notice shows nothing about the use that matters most, the "
    "one before a failure. The Act does not say how safely a record is written.",
    remediation="Use mode Recorder with the durability that the policy asks for. Gateways, and loggers that "
    "send records after the answer, are at most once.",
)
PAYLOAD: Final = Rule(
    "logging/payload",
    HOUSE_POLICY,
    requirement="The log holds no more of requests and answers than the policy allows: nothing, or keyed "
    "digests.",
    rationale="Whole payloads are personal data that is kept for months. Art. 12 does not ask for them.",
    remediation="Set payload to None, and name the few fields that are needed in spec.logging.fields.",
)
RULES: Final = (ENABLED, RETENTION, REGION, DURABILITY, PAYLOAD)

_SIX_MONTHS: Final = parse_duration(SIX_MONTHS)
_DURABILITY: Final = {value: rank for rank, value in enumerate(RequiredDurability)}
_PAYLOAD: Final = {value: rank for rank, value in enumerate(MaxPayload)}


def findings(subject: Subject, tiers: set[Tier], policy: Policy) -> Iterator[Finding]:
    """Yield what the log of a subject's use lacks under a policy, for models of these tiers."""
    asked = policy.spec.logging
    # A manifest judged by itself is not used; only a deployment is.
    if tiers.isdisjoint(asked.required_for) or subject.kind == "ComplianceManifest":
        return
    logged = subject.logging
    if logged is None or logged.problem is not None or logged.mode is LogMode.NONE:
        yield _disabled(subject, logged, policy)
        return
    if logged.mode is LogMode.RECORDER and not _has_recorder(subject, policy):
        yield _unrecorded(subject, logged, policy)
    yield from _retention(logged, policy)
    if asked.countries:
        yield from _regions(subject, logged, policy)
    if _DURABILITY[logged.durability] < _DURABILITY[asked.durability]:
        yield DURABILITY.finding(
            policy.spec.enforcement,
            f"{logged.path}.durability",
            f"Invalid value: {quoted(logged.durability)}: must be {_at_least(asked.durability)} "
            f"(policy {policy.name}), and mode {logged.mode} is {logged.durability}",
            f"use mode Recorder with durability {asked.durability}",
        )
    if _PAYLOAD[logged.payload] > _PAYLOAD[asked.max_payload]:
        yield PAYLOAD.finding(
            policy.spec.enforcement,
            f"{logged.path}.payload",
            f"Invalid value: {quoted(logged.payload)}: must be {_at_most(asked.max_payload)} "
            f"(policy {policy.name})",
            f"log no more of payloads than {asked.max_payload}",
        )


def _disabled(subject: Subject, logged: Logged | None, policy: Policy) -> Finding:
    if logged is not None and logged.problem is not None:
        problem = logged.problem
        return ENABLED.finding(policy.spec.enforcement, problem.path, problem.message, problem.remediation)
    if logged is not None:
        return ENABLED.finding(
            policy.spec.enforcement,
            f"{logged.path}.mode",
            f"Unsupported value: {quoted(LogMode.NONE)}: the use of the model must be logged "
            f"(policy {policy.name})",
            "set mode Recorder, or the one that says who writes the log",
        )
    return ENABLED.finding(
        policy.spec.enforcement,
        subject.logging_path,
        f"Required value: the use of the model must be logged (policy {policy.name})",
        f"set {subject.logging_path} with mode Recorder, or the one that says who writes the log",
    )


def _has_recorder(subject: Subject, policy: Policy) -> bool:
    """Return whether pods that state a recorder have one; those of a ModelDeployment are yet to be made."""
    if subject.kind == MODEL_DEPLOYMENT:
        return True
    trusted = policy.recorders
    return any(not trusted or image.rpartition("@")[2] in trusted for _, image in subject.recorders)


def _unrecorded(subject: Subject, logged: Logged, policy: Policy) -> Finding:
    trusted = " of an image of logging.recorderImages" if policy.recorders else ""
    return ENABLED.finding(
        policy.spec.enforcement,
        logged.path,
        f"Invalid value: {quoted(LogMode.RECORDER)}: the pods of the {subject.kind} must have the sidecar "
        f"actgate-recorder{trusted} (policy {policy.name})",
        "let a ModelDeployment run the model, or list the image of the recorder in logging.recorderImages "
        "of the policy",
    )


def _retention(logged: Logged, policy: Policy) -> Iterator[Finding]:
    wanted = max(policy.min_log_retention, _SIX_MONTHS)
    path = f"{logged.path}.retention"
    if logged.retention is None:
        yield RETENTION.finding(
            policy.spec.enforcement,
            path,
            f"Required value: how long the log is kept must be stated, {_hours(wanted)} at least",
            "state the retention of the log",
        )
    elif logged.retention < wanted:
        by_law = logged.retention < _SIX_MONTHS
        why = "six months" if by_law else f"policy {policy.name}"
        least = _SIX_MONTHS if by_law else wanted
        found = RETENTION.finding(
            policy.spec.enforcement,
            path,
            f"Invalid value: {quoted(logged.stated_retention)}: must be >= {_hours(least)} ({why})",
            f"keep the log for {_hours(wanted)} or more",
        )
        yield found if by_law else replace(found, basis=HOUSE_POLICY)


def _hours(length: timedelta) -> str:
    return format_seconds(length.total_seconds())


def _regions(subject: Subject, logged: Logged, policy: Policy) -> Iterator[Finding]:
    path = f"{logged.path}.storage.region"
    if logged.region is not None:
        yield from _region(path, logged.region, policy)
        return
    places = subject.placement if logged.stays_with_pods else None
    if not places:
        yield REGION.finding(
            policy.spec.enforcement,
            path,
            f"Required value: where the log is kept must be stated (policy {policy.name})",
            f"state provider and region code in {path}",
        )
    for at, region in places or ():
        yield from _region(at, region, policy)


def _region(path: str, region: Region, policy: Policy) -> Iterator[Finding]:
    places = locate(region.code, region.provider)
    allowed = ", ".join(policy.spec.logging.countries)
    if not places:
        yield REGION.finding(
            policy.spec.enforcement,
            path,
            f"Invalid value: {quoted(region.code)}: region not found"
            + (f" at provider {quoted(region.provider)}" if region.provider is not None else ""),
            "state provider and region code as the provider writes them, such as aws and eu-west-3",
        )
    elif any(place.country not in policy.log_countries for place in places):
        found = " or ".join(
            dict.fromkeys(f"{place.town}, {place.country} ({place.provider})" for place in places)
        )
        yield REGION.finding(
            policy.spec.enforcement,
            path,
            f"Invalid value: {quoted(region.code)}: logs must be kept in an allowed country ({allowed}), "
            f"is {found}",
            f"keep the log in an allowed country ({allowed}), and state the provider beside the region",
        )


def _at_least(durability: RequiredDurability) -> str:
    stronger = [value for value, rank in _DURABILITY.items() if rank >= _DURABILITY[durability]]
    return " or ".join(stronger)


def _at_most(payload: MaxPayload) -> str:
    return " or ".join(value for value, rank in _PAYLOAD.items() if rank <= _PAYLOAD[payload])
