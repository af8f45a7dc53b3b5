"""``actgate explain --policy``: who would have to sign what under a policy, and how a signer is recognised.

A requirement that cannot be met is called one, before it refuses every model.
"""

from collections.abc import Iterable, Iterator

from actgate.api.compliance_policy import AssuranceLevel, AttestationRequirement, Authority, Tier
from actgate.api.predicates import COMPLIANCE_MANIFEST, short_name
from actgate.api.quoting import printable
from actgate.api.times import timestamp
from actgate.decision import Policy
from actgate.decision.rules.assurance import required


def explanation(policies: Iterable[Policy]) -> str:
    """Return what each policy asks to be signed, as text for people."""
    return "\n".join("".join(f"{line}\n" for line in _policy(policy)) for policy in policies)


def _policy(policy: Policy) -> Iterator[str]:
    evidence = policy.spec.evidence
    yield f"policy {printable(policy.name)} ({policy.spec.enforcement})"
    yield ""
    yield "Assurance level:"
    for tier in Tier:
        yield f"  {tier.value:12}  {_level(required(tier, policy), tier, policy)}"
    yield ""
    yield "Required attestations, in every tier:"
    for requirement in evidence.require:
        yield from _requirement(requirement, policy)
    if not evidence.require:
        yield "  none"
    yield ""
    yield "Authorities:"
    for authority in evidence.authorities:
        yield from _authority(authority, policy)
    if not evidence.authorities:
        yield "  none"
    if evidence.withdrawn:
        yield ""
        yield "Withdrawn payloads and manifests:"
        yield from (f"  {digest}" for digest in evidence.withdrawn)


def _level(level: AssuranceLevel, tier: Tier, policy: Policy) -> str:
    counts = "counts for every bias measurement" if tier in policy.spec.bias.required_for else "no counts"
    if level is AssuranceLevel.DECLARED:
        return level.value
    if level is AssuranceLevel.RECOMPUTABLE:
        return f"{level.value}: {counts}"
    signers = [one.name for one in policy.spec.evidence.authorities if COMPLIANCE_MANIFEST in one.may_attest]
    what = short_name(COMPLIANCE_MANIFEST)
    if not signers:
        return f"{level.value}: cannot be reached: no authority may attest {what}"
    return f"{level.value}: {counts}, and {what} signed by {' or '.join(signers)}"


def _requirement(requirement: AttestationRequirement, policy: Policy) -> Iterator[str]:
    who = " or ".join(requirement.authorities)
    number = requirement.min_signers
    parties = f"at least {number} different parties of {who}" if number > 1 else who
    yield f"  {short_name(requirement.predicate_type)}, signed by {parties}"
    if requirement.distinct_from:
        yield f"    and by no party of {' or '.join(requirement.distinct_from)}"
    if (why := _unreachable(requirement, policy)) is not None:
        yield f"    cannot be met: {why}"


def _unreachable(requirement: AttestationRequirement, policy: Policy) -> str | None:
    """Return why a requirement cannot be met; None where it may be, or certificates are among its signers."""
    named = [one for one in policy.spec.evidence.authorities if one.name in requirement.authorities]
    able = [one for one in named if requirement.predicate_type in one.may_attest]
    if not able:
        return f"none of them may attest {short_name(requirement.predicate_type)}"
    if any(one.certificate is not None for one in able):
        return None
    excluded = frozenset[str]().union(*(policy.anchors.get(name, ()) for name in requirement.distinct_from))
    keys = frozenset[str]().union(*(policy.anchors.get(one.name, ()) for one in able)) - excluded
    if len(keys) >= requirement.min_signers:
        return None
    parties = "1 party" if len(keys) == 1 else f"{len(keys)} parties"
    return f"they are {parties}, and {requirement.min_signers} must sign"


def _authority(authority: Authority, policy: Policy) -> Iterator[str]:
    anchors = sorted(policy.anchors.get(authority.name, ()))
    yield f"  {authority.name}"
    if authority.certificate is None:
        yield from (f"    key          {anchor}" for anchor in anchors)
    else:
        yield from (f"    root         {anchor}" for anchor in anchors)
        for identity in authority.certificate.identities:
            for field, text in identity.model_dump(by_alias=True, exclude_none=True).items():
                yield f"    certificate  {field} {printable(text)}"
    yield f"    may attest   {', '.join(map(short_name, authority.may_attest))}"
    period = authority.valid_for
    if period is not None:
        start = f"from {timestamp(period.start)} " if period.start is not None else ""
        end = f"until before {timestamp(period.end)}" if period.end is not None else "on"
        yield f"    counts       {start}{end}"
    if authority.revoked is not None:
        at, reason = timestamp(authority.revoked.at), authority.revoked.reason
        yield f"    revoked      {at} ({reason}): only what a trusted time shows to be older counts"
