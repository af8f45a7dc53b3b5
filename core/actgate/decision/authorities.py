"""Whose signatures a policy trusts, for what and when: pure judging of verified signers.

A signer *belongs* to an authority that has its key, or its root and one of its identities, whatever else
holds. It *counts* for that authority where the authority may attest the statement's type and the time fits.
That time is the moment by which the signature is known to exist; where nothing shows one, the present counts,
and time alone changes the answer.

Patterns of identities are regular expressions of Python's ``re`` and must match the whole name. They come
from an administrator; names beyond 253 characters match none, so that no certificate can make one run long.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from actgate.api.compliance_policy import Authority, CertificateIdentity
from actgate.api.predicates import short_name
from actgate.api.quoting import quoted
from actgate.api.times import timestamp
from actgate.decision.attestation import Attestation, Signer
from actgate.decision.manifest import Manifest
from actgate.decision.policies import Policy

IDENTITY_KINDS: Final = ("uri", "email", "dns")
LONGEST_NAME: Final = 253
"""Characters of a subject alternative name that a pattern is tried on."""
_SHOWN: Final = len("sha256:") + 12
"""Characters of a fingerprint that tell keys apart for people."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A signature that counts, and the authority for which it does."""

    authority: Authority
    signer: Signer


def trusted_time(attestation: Attestation, manifest: Manifest) -> datetime | None:
    """Return the moment by which its signatures are known to exist, set by no signer; None without one."""
    return attestation.signed_by if attestation.signed_by is not None else manifest.created_at


def readable(policy: Policy) -> set[str]:
    """Return the names of the authorities of which every party can be recognised."""
    return {
        authority.name
        for authority in policy.spec.evidence.authorities
        if authority.name in policy.anchors and all(map(is_pattern, patterns(authority)))
    }


def patterns(authority: Authority) -> list[str]:
    """Return the regular expressions among the identities of an authority."""
    listed = authority.certificate.identities if authority.certificate is not None else []
    stated = (getattr(identity, f"{kind}_reg_exp") for identity in listed for kind in IDENTITY_KINDS)
    return [text for text in stated if text is not None]


def belongs(signer: Signer, authority: Authority, policy: Policy) -> bool:
    """Return whether a signer is a party of this authority, at whatever time and for whatever statement."""
    if signer.anchor not in policy.anchors.get(authority.name, ()):
        return False
    if authority.certificate is None:
        return authority.key is not None
    listed = authority.certificate.identities
    return any(matches(identity, kind, name) for identity in listed for kind, name in signer.identities)


def matches(identity: CertificateIdentity, kind: str, name: str) -> bool:
    """Return whether a subject alternative name is the one that an identity asks for.

    Args:
        identity: What the policy lists.
        kind: ``uri``, ``email`` or ``dns``.
        name: The name in the certificate, compared as it is written.
    """
    exact: str | None = getattr(identity, kind)
    text: str | None = getattr(identity, f"{kind}_reg_exp")
    if exact is not None and exact == name:
        return True
    pattern = _compiled(text) if text is not None and len(name) <= LONGEST_NAME else None
    return pattern is not None and pattern.fullmatch(name) is not None


def is_pattern(text: str) -> bool:
    """Return whether a regular expression can be used; one that cannot matches nothing."""
    return _compiled(text) is not None


@lru_cache(maxsize=1024)
def _compiled(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError):
        return None


def objection(
    signer: Signer, authority: Authority, attestation: Attestation, manifest: Manifest, now: datetime
) -> str | None:
    """Return why a signer that belongs to an authority does not count for it, or None where it does."""
    if attestation.predicate_type not in authority.may_attest:
        return f"which may not attest {short_name(attestation.predicate_type or '')}"
    known = trusted_time(attestation, manifest)
    if (revoked := authority.revoked) is not None and (known is None or known >= revoked.at):
        shown = "no trusted time shows" if known is None else f"{timestamp(known)} does not show"
        words = f"revoked at {timestamp(revoked.at)} ({revoked.reason}), and {shown} that it signed before"
        return f"which is {words}"
    at = now if known is None else known
    period = authority.valid_for
    if period is not None and period.start is not None and at < period.start:
        return f"which counts from {timestamp(period.start)} on, and not at {timestamp(at)}"
    if period is not None and period.end is not None and at >= period.end:
        return f"which counts before {timestamp(period.end)}, and not at {timestamp(at)}"
    if signer.not_before is not None and at < signer.not_before:
        return f"with a certificate that is valid from {timestamp(signer.not_before)} on"
    if signer.not_after is not None and at > signer.not_after:
        return f"with a certificate that expired at {timestamp(signer.not_after)}"
    return None


def accepted(
    attestation: Attestation,
    manifest: Manifest,
    wanted: Iterable[Authority],
    policy: Policy,
    now: datetime,
) -> list[Accepted]:
    """Return each signature of an attestation that counts for one of the wanted authorities of a policy."""
    return [
        Accepted(authority, signer)
        for authority in wanted
        for signer in attestation.signers
        if belongs(signer, authority, policy)
        and objection(signer, authority, attestation, manifest, now) is None
    ]


def seen(
    attestation: Attestation, manifest: Manifest, wanted: Sequence[Authority], policy: Policy, now: datetime
) -> str:
    """Return in words who signed an attestation of which no signature counts for the wanted authorities.

    Of several signatures, the one that comes nearest is named.
    """
    others = []
    for signer in attestation.signers:
        owners = [owner for owner in policy.spec.evidence.authorities if belongs(signer, owner, policy)]
        for owner in owners:
            if owner in wanted and (why := objection(signer, owner, attestation, manifest, now)) is not None:
                return f"signed by {shown(signer)} of {owner.name}, {why}"
        others.append(_other(signer, owners, policy))
    if others:
        return min(others)[1]
    claimed = f" ({attestation.unverified[0]})" if attestation.unverified else ""
    return f"signed by an unknown key{claimed}, which no authority of policy {policy.name} trusts"


def _other(signer: Signer, owners: Sequence[Authority], policy: Policy) -> tuple[int, str]:
    who = shown(signer)
    if owners:
        return 0, f"signed by {who} of {owners[0].name}"
    if signer.identities and signer.anchor in policy.trusted:
        return 1, f"signed by {who}, an identity that no authority of policy {policy.name} lists for its root"
    return 2, f"signed by {who}, which no authority of policy {policy.name} trusts"


def shown(signer: Signer) -> str:
    """Return a signer in a few words: the beginning of a key's fingerprint, or the certificate's names."""
    if signer.identities:
        return f"certificate {quoted(signer.name)}"
    return f"key {signer.anchor[:_SHOWN]}.."


def transition_times(manifest: Manifest, policy: Policy) -> Iterator[datetime]:
    """Yield the moments at which time alone changes which signatures count: none where a trusted time is."""
    for attestation in manifest.attestations:
        if trusted_time(attestation, manifest) is not None:
            continue
        for authority in policy.spec.evidence.authorities:
            for signer in attestation.signers:
                if belongs(signer, authority, policy):
                    yield from _borders(signer, authority)


def _borders(signer: Signer, authority: Authority) -> Iterator[datetime]:
    period = authority.valid_for
    if period is not None:
        yield from (border for border in (period.start, period.end) if border is not None)
    if signer.not_before is not None:
        yield signer.not_before
    if signer.not_after is not None:
        with suppress(OverflowError):
            # X.509 includes the end of a validity: the answer changes a tick later.
            yield signer.not_after + datetime.resolution
