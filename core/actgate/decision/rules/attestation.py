"""Who has to sign what: the attestations that a policy requires are there, and trusted parties signed them.

A statement that contradicts the manifest counts here all the same: ``contradiction`` refuses it, under the
same policy and with the same effect, and one cause is one finding.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from actgate.api.compliance_policy import AttestationRequirement, Authority
from actgate.api.predicates import short_name
from actgate.api.quoting import quoted
from actgate.decision import authorities
from actgate.decision.attestation import Signer
from actgate.decision.manifest import Manifest
from actgate.decision.policies import Policy
from actgate.decision.rules.rule import HOUSE_POLICY, Rule
from actgate.decision.verdict import Finding

SIGNATURE: Final = Rule(
    "evidence/signature",
    HOUSE_POLICY,
    requirement="The signatures of an attestation that the policy asks for are valid for its payload.",
    rationale="An invalid signature is one over other bytes: the payload was changed after signing.",
    remediation="Attach the envelope as the signer wrote it, or have it signed again.",
)
AUTHORITY: Final = Rule(
    "evidence/authority",
    HOUSE_POLICY,
    requirement="An attestation that the policy asks for is signed by an authority that the policy names for "
    "it, that may attest its type, and that counted at the time of the signature.",
    rationale="A valid signature shows who signed. Whether that party may speak for this is up to the "
    "organisation.",
    remediation="Have a trusted authority sign: actgate explain --policy FILE prints who would have to sign "
    "what.",
)
SIGNERS: Final = Rule(
    "evidence/signers",
    HOUSE_POLICY,
    requirement="Each attestation that the policy requires is there, signed by at least minSigners different "
    "parties, none of which is a party of an authority under distinctFrom.",
    rationale="Separation of duties: who trains a model does not audit it. A party counts once, under "
    "however many key ids, envelopes or authorities it appears.",
    remediation="Have another party sign: actgate explain --policy FILE prints who would have to sign what.",
)
RULES: Final = (SIGNATURE, AUTHORITY, SIGNERS)
_PATH: Final = "spec.attestations"
_EXPLAIN: Final = "have it signed: actgate explain --policy FILE prints who would have to sign what"


def findings(manifest: Manifest, policy: Policy, now: datetime) -> Iterator[Finding]:
    """Yield what a policy requires to be attested, and does not find."""
    for requirement in policy.spec.evidence.require:
        yield from _Required(requirement, manifest, policy, now).findings()


def required_of(predicate_type: str | None, policy: Policy) -> list[Authority]:
    """Return the authorities that a policy names for statements of a type; none where it requires none."""
    names = {
        name
        for requirement in policy.spec.evidence.require
        if requirement.predicate_type == predicate_type
        for name in requirement.authorities
    }
    return _named(names, policy)


def objections(
    index: int, manifest: Manifest, wanted: Sequence[Authority], policy: Policy, now: datetime
) -> Iterator[Finding]:
    """Yield why an attestation counts as signed by none of the wanted authorities, if it does not.

    Of one that cannot be read, nothing: it has a finding of its own.
    """
    item, path = manifest.attestations[index], manifest.path(_PATH, index)
    if item.unreadable is not None or authorities.accepted(item, manifest, wanted, policy, now):
        return
    effect, called = policy.spec.enforcement, quoted(item.name)
    if item.invalid is not None:
        attach = "attach the envelope as the signer wrote it, or have it signed again"
        yield SIGNATURE.finding(effect, path, f"Invalid value: {called}: {item.invalid}", attach)
        if not item.signers:
            return
    found = authorities.seen(item, manifest, wanted, policy, now)
    what, who = short_name(item.predicate_type or ""), _listed([authority.name for authority in wanted])
    message = f"Invalid value: {called}: {found}: {what} must be signed by {who} (policy {policy.name})"
    yield AUTHORITY.finding(effect, path, message, _EXPLAIN)


class _Required:
    """One requirement of a policy, held against the attestations of a manifest."""

    def __init__(
        self, requirement: AttestationRequirement, manifest: Manifest, policy: Policy, now: datetime
    ) -> None:
        self.requirement, self.manifest, self.policy, self.now = requirement, manifest, policy, now
        self.wanted = _named(requirement.authorities, policy)
        self.candidates = [
            index
            for index, item in enumerate(manifest.attestations)
            if item.predicate_type == requirement.predicate_type
        ]
        self.excluded = {
            signer.party: owner.name
            for owner in _named(requirement.distinct_from, policy)
            for item in manifest.attestations
            for signer in item.signers
            if authorities.belongs(signer, owner, policy)
        }
        """Parties that do not count, and an authority for which each stands."""

    def findings(self) -> Iterator[Finding]:
        """Yield why it is not met, if it is not."""
        readable = authorities.readable(self.policy)
        unknown = [name for name in self.requirement.distinct_from if name not in readable]
        if unknown:
            yield self._too_few(f"any signer may be a party of authority {unknown[0]}, which cannot be read")
            return
        signed = [(index, signer) for index in self.candidates for signer in self._signers(index)]
        counting = {signer.party for _, signer in signed} - self.excluded.keys()
        if len(counting) >= self.requirement.min_signers:
            return
        explained = [
            finding
            for index in self.candidates
            for finding in objections(index, self.manifest, self.wanted, self.policy, self.now)
        ]
        explained += [
            self._excluded(index, signer) for index, signer in signed if signer.party in self.excluded
        ]
        yield from explained
        if not explained or self.requirement.min_signers > 1:
            yield self._too_few(self._count(len(counting)))

    def _signers(self, index: int) -> list[Signer]:
        """Return the signers of an attestation that count for one of the wanted authorities, each once."""
        item = self.manifest.attestations[index]
        found = authorities.accepted(item, self.manifest, self.wanted, self.policy, self.now)
        return list(dict.fromkeys(one.signer for one in found))

    def _excluded(self, index: int, signer: Signer) -> Finding:
        name = quoted(self.manifest.attestations[index].name)
        found = f"signed by {authorities.shown(signer)}, a party of {self.excluded[signer.party]} too"
        what, who = short_name(self.requirement.predicate_type), _listed(self.requirement.distinct_from)
        return SIGNERS.finding(
            self.policy.spec.enforcement,
            self.manifest.path(_PATH, index),
            f"Invalid value: {name}: {found}: {what} must be signed by another party than {who} "
            f"(policy {self.policy.name})",
            "have another party sign it",
        )

    def _count(self, number: int) -> str | None:
        if not self.candidates:
            return None
        return "1 party signed it" if number == 1 else f"{number} parties signed it"

    def _too_few(self, found: str | None) -> Finding:
        """Return that nothing is there, or what was found instead of enough parties."""
        number, who = self.requirement.min_signers, _listed(self.requirement.authorities)
        what = short_name(self.requirement.predicate_type)
        parties = who if number == 1 else f"at least {number} different parties of {who}"
        start = "Required value" if found is None else f"Invalid value: {found}"
        return SIGNERS.finding(
            self.policy.spec.enforcement,
            _PATH,
            f"{start}: {what} must be signed by {parties} (policy {self.policy.name})",
            _EXPLAIN,
        )


def _named(names: Sequence[str] | set[str], policy: Policy) -> list[Authority]:
    return [authority for authority in policy.spec.evidence.authorities if authority.name in names]


def _listed(names: Sequence[str]) -> str:
    return " or ".join(names) if names else "an authority that may attest it, of which the policy has none"
