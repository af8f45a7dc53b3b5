"""How far a document is proven: signatures, level, findings and contradictions, in words."""

from collections.abc import Iterator
from typing import Final

from actgate.api.predicates import APPROVAL, short_name
from actgate.api.quoting import counted
from actgate.api.times import timestamp
from actgate.decision.attestation import Assessment, Result
from actgate.pipeline.card.content import Block, Inline, Paragraph, Section, Table, Words
from actgate.pipeline.card.evidence import Evidence, Verification
from actgate.pipeline.card.statements import NOT_STATED

LEVELS: Final = Words(
    "Declared: a value as it is stated. Recomputable: the counts behind it are stated, and the value, its "
    "interval and the outcome were recomputed from them. Attested: also covered by an accepted signature."
)
CLAIMS: Final = Words(
    "This document says which evidence is present, missing or contradictory. It is not a statement that a "
    "legal requirement is met."
)


def verified(found: Verification) -> Inline:
    """Return in one sentence whether signatures were verified, and under which policies."""
    if not found.policies:
        return Words("Signatures not verified: no policy was given.")
    names = _names(found)
    if not found.trusting:
        none = " name no authority whose signature counts."
        return (Words("Signatures not verified: the policies that apply ("), *names, Words(f"){none}"))
    moment = "" if found.at is None else f", as of {timestamp(found.at)}"
    level = "" if found.level is None else f" The manifest reaches the level {found.level.value}."
    return (Words("Signatures were verified under the policy "), *names, Words(f"{moment}.{level}"))


def section(found: Evidence) -> Section:
    """Return the section about proof."""
    return Section(
        Words("How far this is proven"),
        (
            Paragraph(verified(found.verification), "" if found.verification.trusting else "note"),
            *_policies(found.verification),
            Paragraph(LEVELS),
            *attestations(found),
            *contradictions(found),
            *findings(found),
            Paragraph(CLAIMS),
        ),
    )


def _policies(verification: Verification) -> Iterator[Paragraph]:
    """Say which version of a policy it was: a name alone may mean another one tomorrow."""
    for policy in verification.policies:
        if policy.digest is not None:
            yield Paragraph(
                (
                    Words("Policy "),
                    policy.name,
                    Words(", SHA-256 of what it sets: "),
                    policy.digest,
                    Words("."),
                )
            )


def attestations(found: Evidence) -> tuple[Block, ...]:
    """Return what was found of each attestation."""
    assessed = found.verification.attestations
    if not assessed:
        if found.spec.attestations:
            return (
                Paragraph(Words("The manifest has signed statements; nothing was verified of them."), "note"),
            )
        return (Paragraph(Words("The manifest has no signed statements."), "note"),)
    header = ("Attestation", "Attests", "Result", "Authority", "Signed by", "SHA-256 of the payload")
    trusting = found.verification.trusting
    rows = tuple(_row(one, trusting=trusting) for one in assessed)
    return (Table(tuple(map(Words, header)), rows),)


def approvals(found: Evidence) -> tuple[Block, ...]:
    """Return the signed approvals, and whether they are accepted."""
    return tuple(
        Paragraph((Words("Approval "), one.name, Words(", signed: "), *_result(one, found.verification)))
        for one in found.verification.attestations
        if one.predicate_type == APPROVAL
    )


def _result(one: Assessment, verification: Verification) -> tuple[str, ...]:
    if not verification.trusting:
        return (Words("not verified."),)
    if one.result is not Result.ACCEPTED or one.authority is None:
        return (Words(f"{one.result.value.lower()}."),)
    return (Words("accepted, signed for "), one.authority, Words("."))


def contradictions(found: Evidence) -> tuple[Block, ...]:
    """Return where the evidence contradicts itself."""
    return tuple(
        Paragraph(
            (Words("Contradictory evidence: "), finding.path, Words(": "), finding.message),
            "bad",
        )
        for finding in found.contradictions
    )


def findings(found: Evidence) -> tuple[Block, ...]:
    """Return what the given policies find."""
    if not found.verification.policies:
        return ()
    names = _names(found.verification)
    if not found.findings:
        return (Paragraph((Words("No findings under the policy "), *names, Words("."))),)
    header = ("Rule", "Basis", "Effect", "Field", "Finding")
    rows = tuple(
        (Words(one.rule), Words(one.basis), Words(one.reported_effect), one.path, one.message)
        for one in found.findings
    )
    count = counted(len(rows), "finding")
    return (Table(tuple(map(Words, header)), rows, caption=(Words(f"{count} under the policy "), *names)),)


def _names(found: Verification) -> tuple[str, ...]:
    return tuple(_separated([policy.name for policy in found.policies]))


def _separated(names: list[str]) -> Iterator[str]:
    for index, name in enumerate(names):
        if index:
            yield Words(", ")
        yield name


def _row(one: Assessment, *, trusting: bool) -> tuple[Inline, ...]:
    result: Inline = Words(
        "not verified" if one.result is Result.IGNORED and not trusting else one.result.value
    )
    if one.reason is not None:
        result = (*((result,) if isinstance(result, str) else result), Words(": "), one.reason)
    return (
        one.name,
        Words("unreadable") if one.predicate_type is None else short_name(one.predicate_type),
        result,
        one.authority or Words("none"),
        (one.signer or Words("not known")) if trusting else Words("not verified"),
        one.payload_digest or NOT_STATED,
    )
