"""A verdict in words: the refusal that kubectl and GitOps tools show, and warnings.

Flux and Argo CD cut a message after about 200 characters in their status lines, so those name the
failed rules and the first remediation. Each remediation is stated once, and a field of the evidence is
named with its manifest: the user who is refused has written another object. The API server cuts a
warning after 256 characters and drops all of them past 4096 in total; its conventions ask for at most
120 characters of ASCII.
"""

from collections.abc import Iterable
from typing import Final

from actgate.api.compliance_policy import Enforcement
from actgate.api.quoting import ascii_only, cut
from actgate.decision.verdict import Finding, Verdict

HEADLINE: Final = 200
"""Characters of a refusal that tools show in one line."""
RULES_NAMED: Final = 110
"""Characters of it that rule ids may take, so that the first remediation is seen too."""
MOST_LINES: Final = 64
"""Findings that a refusal spells out; a manifest can hold thousands of groups that are too small."""
WARNING: Final = 120
"""Longest warning, in ASCII characters."""
MOST_WARNINGS: Final = 32
"""More warnings than these would come near the API server's limit of 4096 characters."""


def refusal(verdict: Verdict) -> str:
    """Return the message of a refusal: a headline, then one line per finding that denies."""
    denying = [item for item in verdict.findings if item.effect is Enforcement.DENY]
    rules = _named(tuple(dict.fromkeys(item.rule for item in denying)))
    headline = f"{rules}: {denying[0].remediation}" if denying else "refused"
    lines = [cut(headline, HEADLINE)]
    stated = {denying[0].remediation} if denying and lines[0] == headline else set()
    for item in denying[:MOST_LINES]:
        lines.append(line(item, remediation=item.remediation not in stated))
        stated.add(item.remediation)
    if len(denying) > MOST_LINES:
        lines.append(f"and {len(denying) - MOST_LINES} more findings")
    return "\n".join(lines)


def _named(rules: tuple[str, ...]) -> str:
    """Return as many rule ids as leave room for a fix in the headline, and the number of the others."""
    for count in range(len(rules), 0, -1):
        rest = f" and {len(rules) - count} more" if count < len(rules) else ""
        if len(text := ", ".join(rules[:count]) + rest) <= RULES_NAMED or count == 1:
            return text
    return ""


def line(finding: Finding, *, remediation: bool = True) -> str:
    """Return one finding as one line: rule, manifest, field, what was found, how to fix it, basis."""
    manifest = f"compliancemanifest/{finding.about} " if finding.about is not None else ""
    fix = f"; fix: {finding.remediation}" if remediation else ""
    return ascii_only(f"[{finding.rule}] {manifest}{finding.path}: {finding.message}{fix} ({finding.basis})")


def warnings(findings: Iterable[Finding]) -> list[str]:
    """Return findings as warnings, each at most 120 characters of ASCII."""
    texts = [_warning(item) for item in findings]
    if len(texts) <= MOST_WARNINGS:
        return texts
    return [*texts[: MOST_WARNINGS - 1], f"actgate: {len(texts) - MOST_WARNINGS + 1} more findings"]


def _warning(finding: Finding) -> str:
    """Return rule, field and message; where they are too long together, without the field."""
    whole = f"{finding.rule}: {finding.path}: {finding.message}"
    return cut(whole if len(whole) <= WARNING else f"{finding.rule}: {finding.message}", WARNING)
