"""One case for each sentence that a rule can say, and the sentences of all of them, kept in ``words.txt``.

People search for these words, tools parse some, and documents quote them. Where a change is meant, rewrite
the file with ``python -m tests.decision.words``, and read the diff.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from actgate.api.compliance_manifest import Metric, RiskCategory
from actgate.api.inference_log import LogMode, MaxPayload, RequiredDurability
from actgate.api.predicates import APPROVAL, BIAS_AUDIT
from actgate.decision import Link, Manifest, Policy, Subject
from actgate.decision.attestation import Attestation, PlannedMeasurement, PlannedTest
from actgate.decision.logged import Logged
from actgate.decision.manifest import (
    Classification,
    Evaluated,
    GroupCount,
    Measurement,
    ModelIdentity,
    Oversight,
    Problem,
    Region,
)
from actgate.decision.subject import Detection, ModelReference, Signal, SignalTier
from actgate.decision.verdict import line
from tests.decision.build import (
    ASKING,
    FAIR,
    LONDON,
    MODEL,
    NOW,
    PARIS,
    counted,
    judge,
    manifest,
    policy,
    subject,
)
from tests.decision.signing import (
    COUNTED,
    DAY,
    OFFICE,
    RISK,
    STRANGER,
    TRAINING,
    approval,
    audit,
    authority,
    certificate,
    issued,
    plan,
    requires,
    sha,
    signed,
    trusting,
    whole,
)

FILE: Final = Path(__file__).with_name("words.txt")
DIFFERENCE: Final = Metric.DEMOGRAPHIC_PARITY_DIFFERENCE
RATIO: Final = Metric.DEMOGRAPHIC_PARITY_RATIO
IMPACT: Final = Metric.DISPARATE_IMPACT
OPPORTUNITY: Final = Metric.EQUAL_OPPORTUNITY_DIFFERENCE
ODDS: Final = Metric.EQUALIZED_ODDS_DIFFERENCE
IMAGE: Final = f"registry.example/server@{sha('image')}"
HOUSE: Final = policy()
Case = tuple[Manifest | None, Subject, tuple[Policy, ...]]


def bias(*measurements: Measurement, under: Policy = HOUSE) -> Case:
    """Return a case of measurements."""
    return manifest(bias=measurements), ASKING, (under,)


def rates(metric: Metric, value: float, *found: float, **changes: Any) -> Measurement:  # noqa: ANN401
    """Return a measurement of groups of a thousand persons with these selection rates."""
    stated = tuple(GroupCount(chr(ord("a") + place), 1000, rate) for place, rate in enumerate(found))
    return Measurement(metric, value, groups=stated, **changes)


def evidence(*policies: Policy, **changes: Any) -> Case:  # noqa: ANN401 - fields of a manifest
    """Return a case of evidence."""
    return manifest(**changes), ASKING, policies


def asking(*policies: Policy, evidence: Manifest | None = None, **changes: Any) -> Case:  # noqa: ANN401
    """Return a case of a subject."""
    return evidence or manifest(), subject(**changes), policies


def attested(under: Policy, *items: Attestation, **changes: Any) -> Case:  # noqa: ANN401
    """Return a case of signed evidence."""
    return signed(*items, **changes), ASKING, (under,)


def of_bias() -> Iterator[tuple[str, Case]]:
    """Yield what measurements can be refused for."""
    certain = policy(bias={"confidence": 0.95})
    yield "no measurement", bias()
    yield "no measurement of an attribute", bias(FAIR, under=policy(bias={"attributes": ["age", "gender"]}))
    yield "a difference over the limit", bias(replace(FAIR, value=0.3, compliant=None))
    yield "a negative difference", bias(replace(FAIR, value=-0.3, compliant=None, attribute=None))
    yield "a ratio below the limit", bias(Measurement(RATIO, 0.7, groups=FAIR.groups, threshold=0.9))
    yield "a ratio the other way up", bias(Measurement(IMPACT, 1.5, groups=FAIR.groups))
    yield "a difference rounded into the limit", bias(counted(DIFFERENCE, 0.05, (1000, 400), (1000, 453)))
    yield "a ratio rounded into the limit", bias(counted(RATIO, 0.8, (1000, 400), (1000, 318)))
    yield (
        "a difference by its rates",
        bias(rates(Metric.STATISTICAL_PARITY_DIFFERENCE, 0.04, 0.40, 0.44, 0.49)),
    )
    yield "a ratio by its rates", bias(rates(IMPACT, 0.9, 0.50, 0.45, 0.3))
    yield (
        "an inconclusive difference",
        bias(counted(DIFFERENCE, 0.03, (1000, 400), (1000, 430)), under=certain),
    )
    yield "an inconclusive ratio", bias(counted(RATIO, 0.86, (100, 50), (100, 43)), under=certain)
    yield "an inconclusive excess", bias(counted(DIFFERENCE, 0.06, (1000, 400), (1000, 460)), under=certain)
    yield "no counts for a confidence", bias(FAIR, under=certain)
    yield (
        "no counts of positives for a confidence",
        bias(replace(FAIR, metric=OPPORTUNITY), replace(FAIR, metric=ODDS), under=certain),
    )
    yield "a claim that does not hold", bias(replace(FAIR, value=0.3))
    yield "a claim to fail", bias(replace(FAIR, compliant=False))
    yield (
        "a claim that the counts refute",
        bias(replace(counted(DIFFERENCE, 0.05, (1000, 400), (1000, 453)), compliant=True)),
    )
    yield "one group", bias(replace(FAIR, groups=FAIR.groups[:1]))
    yield "an empty group", bias(replace(FAIR, groups=(*FAIR.groups, GroupCount("other", 0))))
    yield (
        "groups without cases",
        bias(counted(ODDS, 0.0, (1000, 0, 0, 100), (1000, 1000, 100, 0), (1000, 500, 50, 50))),
    )
    yield "no groups", evidence(bias=(replace(FAIR, groups=()),))
    large = policy(bias={"minGroupCount": 5000})
    yield "groups that are too small", bias(FAIR, under=large)
    yield "no groups for a minimum", bias(replace(FAIR, groups=()), under=large)


def of_counts() -> Iterator[tuple[str, Case]]:
    """Yield how a measurement can contradict itself."""
    pair = counted(DIFFERENCE, 0.03, (1000, 400), (1000, 430))
    one, two = pair.groups
    yield "another value than the counts", bias(replace(pair, value=0.04))
    yield "a value of no rates", bias(rates(DIFFERENCE, 0.01, 0.40, 0.44))
    yield "a value of no two groups", bias(rates(IMPACT, 0.5, 0.50, 0.45, 0.40))
    yield "a directed value of no rates", bias(rates(Metric.STATISTICAL_PARITY_DIFFERENCE, 0.01, 0.4, 0.44))
    yield "a value of no rates of three", bias(rates(DIFFERENCE, 0.01, 0.40, 0.42, 0.44))
    yield "a group twice", bias(replace(pair, groups=(one, two, replace(two, name="B "))))
    yield "an unknown reference", bias(replace(pair, reference_group="z"))
    three = counted(IMPACT, 1.0, (900, 90), (900, 90), (900, 90))
    yield "no reference", bias(three)
    yield "a ratio to nothing", bias(counted(IMPACT, 1.0, (900, 0), (900, 0)))
    yield "a ratio of rates of nothing", bias(rates(RATIO, 1.0, 0.0, 0.0))
    yield (
        "a rate of no count",
        bias(replace(FAIR, groups=(GroupCount("a", 3, 0.4), GroupCount("b", 3, 0.33)))),
    )
    yield (
        "a rate of another count",
        bias(replace(pair, groups=(replace(one, selection_rate=0.5), two))),
    )
    parts = GroupCount("a", 100, None, 50, 40, 30, 20)
    for name, changes in (
        ("more selected than persons", {"selected": 101, "true_positives": None, "false_positives": None}),
        ("more positives than persons", {"positives": 101, "true_positives": None, "false_positives": None}),
        ("more true positives than positives", {"true_positives": 41, "selected": None}),
        ("more false positives than negatives", {"false_positives": 61, "selected": None}),
        ("parts of another sum", {"false_positives": 10}),
        ("a negative count", {"selected": -1, "true_positives": None, "false_positives": None}),
    ):
        fields: dict[str, Any] = changes
        yield name, bias(replace(pair, groups=(replace(parts, **fields), two), value=0.0))
    yield "two values for one attribute", bias(FAIR, replace(FAIR, value=0.04))
    plain = replace(FAIR, attribute=None, groups=())
    yield "two values without an attribute", bias(plain, replace(plain, value=0.04))
    yield (
        "values out of range",
        bias(
            replace(FAIR, value=2.0, threshold=2.0),
            Measurement(RATIO, -0.5, groups=FAIR.groups),
            replace(FAIR, value=float("nan"), attribute="age", compliant=None),
        ),
    )
    yield "what cannot be read", evidence(problems=(Problem("spec.x", "Invalid value: 1", "remove it"),))


def of_evidence() -> Iterator[tuple[str, Case]]:
    """Yield what dates, oversight, regions and categories can be refused for."""
    yield "expired", evidence(not_after=NOW - DAY)
    yield "not valid yet", evidence(not_before=NOW + DAY)
    yield (
        "dated in the future",
        evidence(finished_at=NOW + DAY, records=(("spec.approvals[0].at", NOW + 2 * DAY),)),
    )
    yield "too old", evidence(finished_at=NOW - timedelta(days=1000))
    yield "undated", evidence(finished_at=None)
    yield "no oversight", evidence(oversight=None)
    yield "oversight off", evidence(oversight=Oversight(enabled=False))
    yield "a bare true", evidence(oversight=Oversight(enabled=True))
    fields = policy(humanOversight={"fields": ["role", "stop"]})
    yield "fields of oversight", evidence(fields, oversight=Oversight(enabled=True))
    yield "no region", evidence(training_regions=())
    yield (
        "regions that are not allowed",
        evidence(training_regions=(LONDON, PARIS, Region("europe-west6", "gcp"))),
    )
    yield "an ambiguous region", evidence(training_regions=(Region("eu-west-1"),))
    yield "unknown regions", evidence(training_regions=(Region("eu-wset-3"), Region("nowhere", "aws")))
    yield (
        "a statement with remarks",
        evidence(
            training_regions=(
                replace(PARIS, statement="eu-west-3 or wherever, not here, perhaps, maybe, someday"),
            )
        ),
    )
    yield (
        "a statement of other places",
        evidence(
            training_regions=(
                replace(PARIS, statement="Paris and London"),
                replace(PARIS, statement="Paris, Frankfurt"),
            )
        ),
    )
    serving = policy(residency={"serving": "Require"})
    yield "no placement", asking(serving, placement=None)
    yield "a placement elsewhere", asking(placement=(("spec.placement.regions[0]", LONDON),))
    yield "prohibited", evidence(risk_category=RiskCategory.PROHIBITED)
    yield "a prohibited basis", evidence(classification=Classification("5.1.c", None, False))
    yield "no category", evidence(risk_category=None)
    yield "an unknown category", evidence(risk_category=None, stated_category="HIGHEST")
    for name, category, stated in (
        ("an unknown basis", RiskCategory.HIGH_RISK, Classification("III.9.z")),
        ("Annex III below high risk", RiskCategory.MINIMAL_RISK, Classification("III.5.b")),
        ("Annex III with profiling", RiskCategory.LIMITED_RISK, Classification("III.5.b", True, True)),
        ("Annex III without reasons", RiskCategory.LIMITED_RISK, Classification("III.5.b", False, False)),
        ("Annex I below high risk", RiskCategory.MINIMAL_RISK, Classification("I")),
    ):
        yield name, evidence(risk_category=category, classification=stated)


def of_links() -> Iterator[tuple[str, Case]]:
    """Yield how a subject and its evidence can fail to belong together."""
    digests = policy(evidence={"requireDigest": True})
    nameless = replace(MODEL, digest=None)
    yield "no link", asking(links=())
    yield "a link to nothing", asking(links=(Link("absent"),))
    yield "a link to nothing in a dry run", asking(links=(Link("absent"),), dry_run=True)
    yield "no model", asking(model=None)
    yield "no model on either side", asking(model=None, evidence=manifest(model=None))
    yield "a manifest without a model", evidence(model=None)
    yield "another model", evidence(model=ModelIdentity("Other", "3", sha("other")))
    yield "no digest", asking(model=nameless, evidence=manifest(model=nameless))
    yield (
        "no digest where one is asked for",
        asking(digests, model=nameless, evidence=manifest(model=nameless)),
    )
    yield "an image without a digest", evidence(images=(IMAGE,))
    yield (
        "another image",
        asking(images=(("spec.server.image", f"x@{sha('y')}"),), evidence=manifest(images=(IMAGE,))),
    )
    several = (Link("credit-risk-scorer-v2", "CreditRiskScorer"), Link("other", "Other"))
    yield "several links", asking(links=several, evidence=manifest(images=(IMAGE,), model=None))
    yield (
        "a model that no link is about",
        asking(links=(Link("credit-risk-scorer-v2", "Another"),), kind="Deployment"),
    )


def of_detection() -> Iterator[tuple[str, Case]]:
    """Yield what is said of what serves a model by its signals, and of what it loads."""
    image = Signal("image/vllm", "spec.template.spec.containers[0].image", "mirror.example/vllm-openai:1")
    flag = Signal("args/model", "spec.template.spec.containers[0].args[0]", "--model=acme/scorer")
    strict = policy(detection={"strong": "Deny", "likely": "Warn", "weak": "Audit"})
    link = "spec.template.metadata.annotations[actgate.dev/compliance-manifest]"
    bare: dict[str, Any] = {"kind": "Deployment", "links": (), "model": None, "reference_path": link}
    bare["declared"] = False
    for tier, signals in (
        (SignalTier.STRONG, (image,)),
        (SignalTier.LIKELY, (flag, replace(flag, id="gpu/extended"))),
        (SignalTier.WEAK, (flag, image, flag, image, flag)),
    ):
        yield f"undeclared, {tier} signals", asking(strict, detection=Detection(tier, signals), **bare)
    loaded: dict[str, Any] = {
        "references": (ModelReference("spec.predictor.model.storageUri", "s3://models/other"),)
    }
    yield (
        "loads what the evidence does not list",
        asking(evidence=manifest(uris=("s3://models/a",)), **loaded),
    )
    yield "loads what no evidence could list", asking(**loaded)
    yield "uris are required", asking(policy(evidence={"requireUris": True}), **loaded)
    yield "a value that another object holds", asking(unstated=("spec.predictor.model.runtime",))


def of_attestations() -> Iterator[tuple[str, Case]]:
    """Yield what is wrong with signed evidence, or missing of it."""
    yield from _of_contradictions()
    training, risk = authority("training"), authority("model-risk", BIAS_AUDIT)
    every = trusting(training, risk, level={"HighRisk": "Attested"})
    yield "nothing is attested", attested(every, bias=(FAIR,))
    yield "a signature of no one", attested(every, whole())
    yield "a signature of a stranger", attested(every, whole(STRANGER, unverified=("key id x",)))
    yield "a claimed signature", attested(every, whole(unverified=('key id "x"',)))
    yield "an invalid signature", attested(every, whole(invalid="the signature is wrong"))
    yield "an authority that may not attest it", attested(every, whole(RISK))
    audits = trusting(training, risk, require=[requires(BIAS_AUDIT, "model-risk", distinctFrom=["training"])])
    yield "no audit", attested(audits)
    yield "an audit of a stranger", attested(audits, audit(STRANGER))
    yield "an audit by another authority", attested(audits, audit(TRAINING))
    both = trusting(
        authority("training"),
        {**authority("model-risk", BIAS_AUDIT)},
        anchors={"training": frozenset({RISK.anchor}), "model-risk": frozenset({RISK.anchor})},
        require=[requires(BIAS_AUDIT, "model-risk", distinctFrom=["training"])],
    )
    yield "an audit by the party that trained", attested(both, whole(RISK), audit(RISK))
    two = trusting(
        authority("risk-office", APPROVAL), require=[requires(APPROVAL, "risk-office", minSigners=2)]
    )
    yield "one signer of two", attested(two, audit(RISK), approval(OFFICE))
    yield "no signer of two", attested(two)
    blind = trusting(
        training,
        risk,
        anchors={"model-risk": frozenset({RISK.anchor})},
        require=[requires(BIAS_AUDIT, "model-risk", distinctFrom=["training"])],
    )
    yield "an authority that cannot be read", attested(blind, audit(RISK))
    for name, more in (
        ("before its time", {"validFor": {"start": "2027-01-01T00:00:00Z"}}),
        ("after its time", {"validFor": {"end": "2026-01-01T00:00:00Z"}}),
        ("revoked", {"revoked": {"at": "2026-01-01T00:00:00Z", "reason": "Compromised"}}),
    ):
        due = trusting(
            authority("model-risk", BIAS_AUDIT, **more), require=[requires(BIAS_AUDIT, "model-risk")]
        )
        yield f"a signer {name}", attested(due, audit(RISK))
        yield f"a signer {name}, and no trusted time", attested(due, audit(RISK), created_at=None)
    named = trusting(
        authority("model-risk", BIAS_AUDIT, certificate=issued({"uri": "spiffe://bank.example/risk"})),
        require=[requires(BIAS_AUDIT, "model-risk")],
    )
    for name, signer in (
        ("another identity", certificate("uri:spiffe://bank.example/training")),
        ("another root", certificate("uri:spiffe://bank.example/risk", root=sha("another"))),
        ("a certificate to come", certificate("uri:spiffe://bank.example/risk", not_before=NOW)),
        ("a certificate of the past", certificate("uri:spiffe://bank.example/risk", not_after=NOW - 2 * DAY)),
    ):
        yield name, attested(named, audit(signer))


def _of_contradictions() -> Iterator[tuple[str, Case]]:
    unread = Problem("envelope.payload", "Invalid value: must be a statement", "sign it again")
    edited = Problem("spec.x", "Invalid value: 1: the signed payload has 2", "restore it")
    fixed, test = (
        PlannedMeasurement("gender", str(DIFFERENCE), 0.05),
        PlannedTest("accuracy", "f1", ">=", 0.7),
    )
    met = Evaluated("accuracy", "f1", True, ">=", 0.7)
    yield "an unreadable attestation", attested(HOUSE, Attestation("x", unreadable=unread))
    yield "an edited manifest", attested(HOUSE, whole(RISK, mismatch=edited))
    yield "another subject", attested(HOUSE, audit(RISK, subjects=frozenset({sha("other")})))
    yield "no subject", attested(HOUSE, audit(RISK, subjects=frozenset()))
    yield "a subject, and no model", attested(HOUSE, audit(RISK), model=None)
    yield "an approval of nothing", attested(HOUSE, approval(OFFICE))
    gone = trusting(withdrawn=[sha("audit"), str(manifest().digest)])
    yield "withdrawn", attested(gone, audit(RISK))
    planned = plan(fixed, tests=(test,))
    yield (
        "not as planned",
        attested(
            HOUSE,
            planned,
            bias=(replace(COUNTED, threshold=0.04),),
            evaluations=(replace(met, threshold=0.6, comparator="<="),),
        ),
    )
    yield "without what was planned", attested(HOUSE, planned, bias=(replace(COUNTED, attribute="age"),))
    yield (
        "without the planned limits",
        attested(
            HOUSE,
            planned,
            bias=(replace(COUNTED, threshold=None),),
            evaluations=(replace(met, threshold=None, comparator=None),),
        ),
    )
    yield (
        "not planned",
        attested(
            HOUSE,
            plan(replace(fixed, threshold=None)),
            bias=(COUNTED, replace(COUNTED, attribute=None, plan_digest=sha("plan"))),
            evaluations=(replace(met, metric=None, plan_digest=sha("plan")),),
        ),
    )
    yield (
        "a plan that is not there",
        attested(
            HOUSE,
            bias=(replace(COUNTED, plan_digest=sha("plan")),),
            evaluations=(replace(met, plan_digest=sha("plan")),),
        ),
    )


def of_logs() -> Iterator[tuple[str, Case]]:
    """Yield what the log of a model's use can lack."""
    log = Logged(
        LogMode.RECORDER,
        "spec.logging",
        RequiredDurability.PROCESS,
        MaxPayload.NONE,
        timedelta(hours=8760),
        "8760h",
        PARIS,
    )
    asked = {"requiredFor": ["HighRisk"], "countries": ["EU"], "durability": "Node", "maxPayload": "None"}
    plain, strict = policy(logging={"requiredFor": ["HighRisk"]}), policy(logging=asked)
    yield "no log", asking(plain)
    yield "no log of a workload", asking(plain, kind="Deployment", logging_path="x")
    yield "a log switched off", asking(plain, logging=replace(log, mode=LogMode.NONE))
    unread = Problem("spec.logging.mode", "Invalid value: 1: must be a mode", "write a mode")
    yield "a log that cannot be read", asking(plain, logging=replace(log, problem=unread))
    yield "a recorder that is not there", asking(plain, kind="Deployment", logging=log)
    trusted = policy(logging={"requiredFor": ["HighRisk"], "recorderImages": [IMAGE]})
    yield (
        "a recorder that is not trusted",
        asking(trusted, kind="Deployment", logging=log, recorders=(("x", f"x@{sha('y')}"),)),
    )
    yield "an unstated retention", asking(plain, logging=replace(log, retention=None))
    short = replace(log, retention=timedelta(hours=4415), stated_retention="4415h")
    yield "a retention below the law", asking(plain, logging=short)
    longer = policy(logging={"requiredFor": ["HighRisk"], "minRetention": "17520h"})
    yield "a retention below the policy", asking(longer, logging=log)
    yield "a log in no country", asking(strict, logging=replace(log, region=None))
    yield "a log in another country", asking(strict, logging=replace(log, region=LONDON))
    yield "a log in an ambiguous region", asking(strict, logging=replace(log, region=Region("eu-west-1")))
    for name, region in (("a region", Region("nowhere")), ("a provider's region", Region("x", "aws"))):
        yield f"a log in {name} that is unknown", asking(strict, logging=replace(log, region=region))
    volume = replace(log, region=None, stays_with_pods=True)
    yield "a volume elsewhere", asking(strict, placement=(("x", LONDON),), logging=volume)
    digests = replace(log, payload=MaxPayload.DIGEST)
    yield "digests of payloads", asking(strict, logging=digests)


def cases() -> dict[str, Case]:
    """Return every case, by its name."""
    found: dict[str, Case] = {}
    for part in (of_bias, of_counts, of_evidence, of_links, of_detection, of_attestations, of_logs):
        for name, case in part():
            assert name not in found, name
            found[name] = case
    return found


def said() -> str:
    """Return what is found in each case, a line for each finding."""
    blocks = []
    for name, (given, asked, policies) in cases().items():
        verdict = judge(given, asked, *policies)
        lines = (f"{finding.effect} {line(finding)}" for finding in verdict.findings)
        blocks.append("\n".join([f"# {name}: {verdict.outcome}", *lines]))
    return "\n\n".join(blocks) + "\n"


if __name__ == "__main__":
    FILE.write_text(said(), "utf-8")
