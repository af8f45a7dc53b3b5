"""``actgate verify``: who signed evidence, what that is worth, and whether the model is the one.

A manifest is judged as ``check`` judges it, with its attestations shown one by one. An envelope by itself is
held against the authorities of the policies alone: there is no manifest that it could contradict.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from actgate import documents, manifests
from actgate.api.compliance_policy import AssuranceLevel, EvidenceLevels, Tier
from actgate.api.predicates import short_name
from actgate.api.quoting import printable, quoted
from actgate.api.times import timestamp
from actgate.cli import evidence
from actgate.cli.check import Report, judge
from actgate.cli.evidence import GivenEnvelope, GivenManifest
from actgate.cli.exits import Exit, UnusableError
from actgate.cli.inventory import EXEMPTION, NAMESPACE, take
from actgate.cli.report import machine, plain
from actgate.decision import Manifest, Policy, authorities
from actgate.decision.attestation import Assessment, Attestation, Result
from actgate.decision.decide import appraise
from actgate.decision.policies import BASELINE, applicable
from actgate.decision.rules import assurance, contradiction
from actgate.documents import Document
from actgate.pipeline.model_digest import ModelDigest

SCHEMA: Final = "actgate.dev/verify/v1"
_NAME: Final = "envelope"
_NO_POLICY: Final = "nothing to judge: no policy says whose signature counts; give one with --policy"
_NOT_LINKED: Final = (
    "this is not judged on the manifest: --object takes one object that serves a model and links it"
)
_UNSELECTED: Final = (
    "no policy that was given selects namespace {}, so that the built-in baseline applies; name another with "
    "--namespace, or give a Namespace with the labels that the policy selects"
)


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found of a manifest or an envelope."""

    source: str
    attestations: tuple[tuple[Attestation, Assessment], ...]
    now: datetime
    level: AssuranceLevel | None = None
    """The assurance level that a manifest reaches; None for an envelope."""
    report: Report | None = None
    """The verdict on a manifest; None for an envelope."""
    model: tuple[str, ...] | None = None
    """In what the model differs from the one that the manifest is about; None where it was not given."""
    trusting: bool = True
    """Whether a policy names anyone whose signature counts."""
    policies: tuple[Policy, ...] = ()
    """The policies by which a manifest was judged; the baseline where none applies."""
    unselected: str | None = None
    """The manifest's namespace where policies were given and none of them selects it."""

    @property
    def exit(self) -> Exit:
        """The exit code that this means."""
        if self.report is not None:
            return max(self.report.exit, Exit.DENIED if self.model else Exit.PASSED)
        if not self.trusting:
            return Exit.NOTHING
        accepted = all(found.result is Result.ACCEPTED for _, found in self.attestations)
        return Exit.PASSED if accepted else Exit.DENIED

    @property
    def remarks(self) -> list[str]:
        """Sentences for standard error."""
        if self.unselected is not None:
            return [_UNSELECTED.format(quoted(self.unselected))]
        return [] if self.report is not None or self.trusting else [_NO_POLICY]


def verified(
    given: GivenManifest | GivenEnvelope,
    policies: Iterable[Document],
    namespace: str,
    now: datetime,
    model: str | None,
    ignore: Collection[str],
    objects: Collection[Document] = (),
) -> Verified:
    """Verify a manifest or an envelope under policies, at a moment.

    Args:
        given: What to verify.
        policies: Documents of CompliancePolicies, of Namespaces by whose labels they select, and of
            Exemptions.
        namespace: Namespace of a manifest that states none.
        now: The moment as of which signatures, certificates and evidence are judged.
        model: Path of the model, whose digests are to be those of the manifest.
        ignore: Paths in the model's directory that do not belong to it.
        objects: The object that is judged on the manifest, which it links; without one the manifest is
            judged by itself.

    Raises:
        UnusableError: Something of it cannot be used.
    """
    beside: list[Document] = []
    rules: list[Document] = []
    for document in policies:
        (beside if _is_beside(document) else rules).append(document)
    if isinstance(given, GivenEnvelope):
        if model is not None:
            raise UnusableError("--model goes with a manifest, which says how its digest is taken")
        return _envelope(given, tuple(take([], rules, namespace).policies), now)
    differing = None if model is None else tuple(_differing(given, model, ignore))
    inventory = take([given.document, *objects, *beside], rules, namespace)
    report = judge(inventory, now)
    if objects and any(one.document is given.document or not one.evidence for one in report.judged):
        place = next(iter(objects)).place()
        raise UnusableError(f"{place}: {_NOT_LINKED}")
    (found,) = inventory.evidence.values()
    manifest = found.manifest
    chosen = applicable(inventory.policies, report.judged[0].subject.namespace_labels)
    appraisal = appraise(manifest, chosen, now)
    pairs = tuple(zip(manifest.attestations, appraisal.attestations, strict=True))
    level = min(
        (_reached(manifest, appraisal.tier, policy, now) for policy in chosen), key=list(AssuranceLevel).index
    )
    trusting = any(policy.spec.evidence.authorities for policy in chosen)
    unselected = manifest.namespace if inventory.policies and chosen == (BASELINE,) else None
    return Verified(given.document.source, pairs, now, level, report, differing, trusting, chosen, unselected)


def _is_beside(document: Document) -> bool:
    return isinstance(document.value, dict) and document.value.get("kind") in (NAMESPACE, EXEMPTION)


def _envelope(given: GivenEnvelope, policies: tuple[Policy, ...], now: datetime) -> Verified:
    (fact,) = manifests.verifier_for(policies).read([{"name": _NAME, **given.item}], {})
    fact = replace(fact, mismatch=None)  # There is no spec that it could differ from.
    trusting = any(policy.spec.evidence.authorities for policy in policies)
    assessment = _assessed(fact, policies, now, trusting=trusting)
    return Verified(given.document.source, ((fact, assessment),), now, trusting=trusting)


def _assessed(
    fact: Attestation, policies: tuple[Policy, ...], now: datetime, *, trusting: bool
) -> Assessment:
    """Return what the authorities of policies make of an envelope by itself."""
    alone = Manifest("default", _NAME, None, attestations=(fact,))
    signer = fact.signers[0].name if fact.signers else None
    reason, authority, result = None, None, Result.REFUSED if trusting else Result.IGNORED
    for policy in policies:
        known = policy.spec.evidence.authorities
        for found in authorities.accepted(fact, alone, known, policy, now):
            result, authority, signer = Result.ACCEPTED, found.authority.name, found.signer.name
    if result is Result.REFUSED:
        seen = (
            authorities.seen(fact, alone, known.spec.evidence.authorities, known, now) for known in policies
        )
        reason = fact.invalid or next(seen)
    if any(fact.payload_digest in policy.spec.evidence.withdrawn for policy in policies):
        result, reason = Result.REFUSED, f"payload {fact.payload_digest} is withdrawn"
    if fact.unreadable is not None:
        result, reason = Result.REFUSED, f"{fact.unreadable.path}: {fact.unreadable.message}"
    return Assessment(
        fact.name, fact.predicate_type, fact.payload_digest, result, authority, signer, None, reason
    )


def _reached(manifest: Manifest, tier: Tier, policy: Policy, now: datetime) -> AssuranceLevel:
    """Return the highest level of which a manifest of this tier lacks nothing under a policy."""
    for level in (AssuranceLevel.ATTESTED, AssuranceLevel.RECOMPUTABLE):
        levels = EvidenceLevels(high_risk=level, limited_risk=level, minimal_risk=level)
        asked = policy.spec.evidence.model_copy(update={"level": levels, "require": []})
        asking = replace(policy, spec=policy.spec.model_copy(update={"evidence": asked}))
        contradicted = level is AssuranceLevel.ATTESTED and any(contradiction.findings(manifest, asking))
        if not contradicted and not any(assurance.findings(manifest, tier, asking, now)):
            return level
    return AssuranceLevel.DECLARED


def _differing(given: GivenManifest, path: str, ignore: Collection[str]) -> Iterator[str]:
    """Yield in what a model is not the one that a manifest names, down to the files where it lists them."""
    model = given.value["spec"].get("model")
    stated = model if isinstance(model, dict) else {}
    found = evidence.model_digest(stated, path, ignore)
    differs = False
    for field, digest in (("digest", found.digest), ("resourcesDigest", found.resources_digest)):
        value = stated.get(field)
        if value != digest and (field == "digest" or value is not None):
            differs = True
            yield f"spec.model.{field}: Invalid value: {value}: {path} has {digest or 'none'}"
    if differs:
        yield from _files(given, found)


def _files(given: GivenManifest, found: ModelDigest) -> Iterator[str]:
    """Yield the files that differ from what a model signature in the manifest lists."""
    present = {resource.name: resource.digest for resource in found.resources}
    for name, listed in evidence.signed_files(given):
        for file in sorted({*listed, *present}):
            if listed.get(file) != present.get(file):
                what = "is missing" if file not in present else "is new" if file not in listed else "differs"
                yield f"file {file} {what} (attestation {name})"


def render(found: Verified, output_format: str) -> str:
    """Return what was found as ``text`` or ``json``."""
    if output_format == "json":
        return documents.to_json(_document(found))
    lines = [line for fact, assessment in found.attestations for line in _lines(fact, assessment)]
    if found.level is not None:
        lines.append(
            f"level {found.level}" if found.attestations else f"level {found.level}, no attestations"
        )
    if found.model is not None:
        lines += found.model or ["the model is the one that the manifest names"]
    text = "".join(f"{printable(line)}\n" for line in lines)
    return text if found.report is None else text + plain.render(found.report)


def _lines(fact: Attestation, found: Assessment) -> Iterator[str]:
    kind = short_name(found.predicate_type) if found.predicate_type else "unreadable"
    about = f", payload {found.payload_digest}" if found.payload_digest else ""
    signed = f", signed for {found.authority}" if found.authority else ""
    yield f"{found.result} {found.name} ({kind}){about}{signed}"
    if found.reason:
        yield f"  {found.reason}"
    for signer in fact.signers:
        yield (
            f"  signature by {signer.name} ({signer.anchor})"
            if signer.identities
            else f"  signature by {signer.name}"
        )
    for claim in fact.unverified:
        yield f"  signature that no known key verifies: {claim}"


def _document(found: Verified) -> dict[str, Any]:
    report = {} if found.report is None else {"check": json.loads(machine.render(found.report))}
    level = {} if found.level is None else {"level": found.level.value}
    model = (
        {} if found.model is None else {"model": {"matches": not found.model, "differences": [*found.model]}}
    )
    return {
        "schema": SCHEMA,
        "verifiedAt": timestamp(found.now, "auto"),
        "file": found.source,
        "attestations": [_attestation(*pair) for pair in found.attestations],
        **level,
        **model,
        **report,
    }


def _attestation(fact: Attestation, found: Assessment) -> dict[str, Any]:
    return {
        "name": found.name,
        "predicateType": found.predicate_type,
        "payloadDigest": found.payload_digest,
        "subjects": sorted(fact.subjects),
        "result": found.result.value,
        "authority": found.authority,
        "signers": [
            {
                "name": signer.name,
                "anchor": signer.anchor,
                "identities": [{kind: name} for kind, name in signer.identities],
            }
            for signer in fact.signers
        ],
        "unverified": list(fact.unverified),
        "reason": found.reason,
    }
