"""What the policies that apply make of each attestation: for status, records and the command line.

No decision rests on this: it sums up in a word what the rules find.
"""

from datetime import datetime

from actgate.api.compliance_policy import Authority, Tier
from actgate.decision import authorities
from actgate.decision.attestation import Assessment, Attestation, Result
from actgate.decision.manifest import Manifest
from actgate.decision.policies import Policy
from actgate.decision.rules import assurance, attestation, contradiction


def assess(
    manifest: Manifest, tier: Tier, policies: tuple[Policy, ...], now: datetime
) -> tuple[Assessment, ...]:
    """Return an assessment of each attestation, in the manifest's order.

    Accepted: an authority of one of the policies may attest it, and nothing contradicts it. Refused: it
    contradicts the manifest, or a policy asks for it and accepts none of its signatures. Ignored: no policy
    asks for it.
    """
    return tuple(_assess(index, manifest, tier, policies, now) for index in range(len(manifest.attestations)))


def _assess(
    index: int, manifest: Manifest, tier: Tier, policies: tuple[Policy, ...], now: datetime
) -> Assessment:
    item = manifest.attestations[index]
    accepted = _accepted(item, manifest, policies, now)
    reason = _contradiction(index, manifest, policies)
    if reason is None and accepted is None:
        reason = _objection(index, manifest, tier, policies, now)
    signer = accepted.signer if accepted is not None else next(iter(item.signers), None)
    result = Result.REFUSED if reason is not None else Result.ACCEPTED if accepted else Result.IGNORED
    return Assessment(
        name=item.name,
        predicate_type=item.predicate_type,
        payload_digest=item.payload_digest,
        result=result,
        authority=accepted.authority.name if accepted is not None else None,
        signer=signer.name if signer is not None else None,
        signed_no_later_than=authorities.trusted_time(item, manifest),
        reason=reason,
    )


def _accepted(
    item: Attestation, manifest: Manifest, policies: tuple[Policy, ...], now: datetime
) -> authorities.Accepted | None:
    """Return a signature that counts; one for an authority that a policy requires, where there is one."""
    for policy in policies:
        everyone: list[Authority] = [
            *attestation.required_of(item.predicate_type, policy),
            *policy.spec.evidence.authorities,
        ]
        for found in authorities.accepted(item, manifest, everyone, policy, now):
            return found
    return None


def _contradiction(index: int, manifest: Manifest, policies: tuple[Policy, ...]) -> str | None:
    found = (one for policy in policies for one in contradiction.of_attestation(index, manifest, policy))
    return next((one.message for one in found), None)


def _objection(
    index: int, manifest: Manifest, tier: Tier, policies: tuple[Policy, ...], now: datetime
) -> str | None:
    for policy in policies:
        wanted = assurance.asked(manifest.attestations[index], manifest, tier, policy)
        if wanted is not None:
            for finding in attestation.objections(index, manifest, wanted, policy, now):
                return finding.message
    return None
