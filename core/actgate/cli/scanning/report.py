"""The result of a scan as JSON: its shape, which ``docs/scan.md`` describes.

The shape is a promise: within a ``format`` fields are added, never renamed or removed.
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from actgate.api.times import timestamp
from actgate.cli.scanning.result import Result
from actgate.decision import Finding, Outcome
from actgate.decision.data import RULESET
from actgate.decision.subject import Subject
from actgate.scan.candidates import Tier
from actgate.scan.judging import Judged, Outside
from actgate.scan.summary import RuleCount


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class Named(_Part):
    """An object of the cluster."""

    group: str = Field(description="API group; empty for the core group")
    kind: str = Field(description="its kind")
    namespace: str = Field(description="its namespace")
    name: str = Field(description="its name")


class ShownSignal(_Part):
    """A signal of a model server."""

    id: str = Field(description="rule of docs/detection.md that it matches, such as image/vllm")
    path: str = Field(description="the field that shows it")
    value: str = Field(description="what it holds, cut to 200 characters")


class ShownModel(_Part):
    """A model by its name."""

    name: str = Field(description="its name")
    version: str | None = Field(description="its version, where it is stated")
    digest: str | None = Field(description="its SHA-256 digest, where it is stated")


class ShownReference(_Part):
    """What an object loads as a model."""

    path: str = Field(description="the field")
    value: str = Field(description="a URI, or the name of a model")


class ShownLink(_Part):
    """A link to evidence."""

    manifest: str = Field(description="name of the ComplianceManifest")
    model: str | None = Field(description="the model that it is about, where the link says so")
    digest: str | None = Field(description="canonical digest of the manifest; null where there is none")


class ShownExemption(_Part):
    """An Exemption that accepts a finding."""

    name: str = Field(description="name of the Exemption")
    not_after: str = Field(description="its end")


class ShownFinding(_Part):
    """One reason."""

    rule: str = Field(description="rule of docs/rules.md, such as bias/limit")
    basis: str = Field(description="a provision of the AI Act, `house policy`, or `actgate`")
    effect: str = Field(description="Deny, Warn, Audit, or Exempted")
    exemption: str | None = Field(description="the Exemption that accepts it")
    manifest: str | None = Field(description="the manifest that has the field; null for the object itself")
    path: str = Field(description="the field")
    message: str = Field(description="what was found, and what was expected")
    remediation: str = Field(description="how to fix it")


class ShownVerdict(_Part):
    """One object that was judged."""

    object: Named = Field(description="the object")
    uid: str = Field(description="its uid")
    tier: Tier = Field(description="why it is judged: Declared, Strong or Likely")
    outcome: Outcome = Field(description="Pass, Warn or Fail")
    valid_until: str | None = Field(description="when time alone can change the verdict; null if never")
    policies: list[str] = Field(
        description="policies that applied; `baseline` where none selects the namespace"
    )
    links: list[ShownLink] = Field(description="the evidence that it links")
    link_at: str = Field(description="where a user links evidence")
    model: ShownModel | None = Field(description="the model that it names by itself")
    references: list[ShownReference] = Field(description="what it loads as a model: URIs and names")
    images: list[ShownReference] = Field(description="every image that it states")
    signals: list[ShownSignal] = Field(description="by what it looks like a model server")
    unstated: list[str] = Field(description="fields whose value another object holds: not stated here")
    exemptions: list[ShownExemption] = Field(description="Exemptions that accept a finding")
    findings: list[ShownFinding] = Field(description="every reason, the strongest effect first")


class ShownOutside(Named):
    """An object that serves a model where the gate does not look."""

    tier: Tier = Field(description="why it would be judged")
    why: str = Field(description="what takes its namespace out of the gate")


class ShownMissed(_Part):
    """What could not be read."""

    resource: str = Field(description="such as inferenceservices.serving.kserve.io")
    reason: str = Field(description="the API server's words")
    means: str = Field(description="what is not known for that reason")


class ShownController(_Part):
    """A kind without a row that controls what was judged."""

    group: str = Field(description="its API group")
    kind: str = Field(description="its kind")
    objects: int = Field(description="how many objects it controls")


class ShownRule(_Part):
    """How many objects a rule has findings about, each counted by its strongest one."""

    denied: int = Field(description="with a finding that denies")
    warned: int = Field(description="with a warning")
    audited: int = Field(description="with a finding that is only recorded")
    exempted: int = Field(description="with a finding that an Exemption accepts")


class ShownSummary(_Part):
    """Counts."""

    judged: int = Field(description="objects that were judged")
    passed: int = Field(description="with the outcome Pass")
    warned: int = Field(description="with the outcome Warn")
    refused: int = Field(description="with the outcome Fail")
    unjudged: int = Field(description="objects whose evidence could not be read")
    outside: int = Field(description="objects in namespaces that the gate does not see")
    weak: int = Field(description="objects with weak signals alone")
    tiers: dict[str, int] = Field(description="judged objects by tier")
    rules: dict[str, ShownRule] = Field(description="by rule, the ones that deny most often first")
    next_change: str | None = Field(description="when time alone first changes a verdict; null if never")


class ShownCluster(_Part):
    """What was scanned."""

    server: str = Field(description="address of the API server")
    context: str | None = Field(description="context of the kubeconfig, where one was named")
    uid: str | None = Field(description="uid of the namespace kube-system; null where it was not read")
    namespace: str | None = Field(description="the namespace that was scanned; null for all")


class ScanReport(_Part):
    """The report of `actgate scan -o json`."""

    format: Literal["actgate.scan/1"] = Field("actgate.scan/1", description="this format")
    ruleset: str = Field(description="version of the rules and facts")
    evaluated_at: str = Field(description="the moment that was asked about")
    cluster: ShownCluster = Field(description="what was scanned")
    complete: bool = Field(description="whether everything was read; else nothing is proven")
    summary: ShownSummary = Field(description="counts")
    verdicts: list[ShownVerdict] = Field(description="each object, by namespace, kind and name")
    unjudged: list[Named] = Field(description="objects whose evidence could not be read")
    outside: list[ShownOutside] = Field(description="what serves models where the gate does not look")
    missed: list[ShownMissed] = Field(description="what could not be read")
    controllers: list[ShownController] = Field(description="kinds without a row that control what was judged")
    read: dict[str, int] = Field(description="objects that were read, by resource")
    absent: list[str] = Field(description="resources that actgate knows, and the cluster does not serve")


def render(result: Result) -> str:
    """Return the report as one JSON object."""
    return report(result).model_dump_json(by_alias=True, indent=2) + "\n"


def report(result: Result) -> ScanReport:
    """Return the report."""
    return ScanReport(
        ruleset=RULESET,
        evaluated_at=timestamp(result.now, "auto"),
        cluster=ShownCluster(
            server=result.server,
            context=result.context,
            uid=result.cluster_uid,
            namespace=result.namespace,
        ),
        complete=result.complete,
        summary=_summary(result),
        verdicts=[_verdict(one) for one in result.judged],
        unjudged=[Named(**_named(subject)) for subject in result.unjudged],
        outside=[_outside(one) for one in result.outside],
        missed=[ShownMissed(resource=one.what, reason=one.reason, means=one.means) for one in result.missed],
        controllers=[
            ShownController(group=group, kind=kind, objects=number)
            for (group, kind), number in result.controllers.items()
        ],
        read=dict(result.read),
        absent=list(result.absent),
    )


def _summary(result: Result) -> ShownSummary:
    counts = result.summary
    return ShownSummary(
        judged=counts.judged,
        passed=counts.outcomes[Outcome.PASS],
        warned=counts.outcomes[Outcome.WARN],
        refused=counts.outcomes[Outcome.FAIL],
        unjudged=len(result.unjudged),
        outside=len(result.outside),
        weak=result.weak,
        tiers={tier.value: number for tier, number in counts.tiers.items()},
        rules={rule: _rule(count) for rule, count in counts.rules.items()},
        next_change=_moment(counts.next_change),
    )


def _rule(count: RuleCount) -> ShownRule:
    return ShownRule(denied=count.denied, warned=count.warned, audited=count.audited, exempted=count.exempted)


def _verdict(one: Judged) -> ShownVerdict:
    subject, verdict = one.subject, one.verdict
    digests = dict(verdict.manifest_digests)
    model, detection = subject.model, subject.detection
    return ShownVerdict(
        object=Named(**_named(subject)),
        uid=one.candidate.uid,
        tier=one.tier,
        outcome=verdict.outcome,
        valid_until=_moment(verdict.valid_until),
        policies=list(verdict.policies),
        links=[
            ShownLink(manifest=link.manifest, model=link.model, digest=digests.get(link.manifest))
            for link in subject.links
        ],
        link_at=subject.reference_path,
        model=ShownModel(name=model.name, version=model.version, digest=model.digest) if model else None,
        references=[ShownReference(path=item.path, value=item.value) for item in subject.references],
        images=[ShownReference(path=path, value=image) for path, image in subject.images],
        signals=[
            ShownSignal(id=item.id, path=item.path, value=item.value)
            for item in (detection.signals if detection else ())
        ],
        unstated=list(subject.unstated),
        exemptions=[
            ShownExemption(name=name, not_after=timestamp(end, "auto")) for name, end in verdict.exemptions
        ],
        findings=[_finding(finding) for finding in verdict.findings],
    )


def _finding(finding: Finding) -> ShownFinding:
    return ShownFinding(
        rule=finding.rule,
        basis=finding.basis,
        effect=finding.reported_effect,
        exemption=finding.exemption,
        manifest=finding.about,
        path=finding.path,
        message=finding.message,
        remediation=finding.remediation,
    )


def _outside(one: Outside) -> ShownOutside:
    return ShownOutside(**_named(one.subject), tier=one.tier, why=one.why)


def _named(subject: Subject) -> dict[str, str]:
    return {
        "group": subject.group,
        "kind": subject.kind,
        "namespace": subject.namespace,
        "name": subject.name,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment, "auto")
