"""What a verified chain of owners lends to a subject, under the policies that apply.

It lends the link to the evidence, the identity of the model and how its use is logged, where the subject
states none itself. It
exempts nothing by itself: who can create a pod could write the same link on it. A link or a model that the
subject states and that is another one than that of its owner is a finding.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from actgate.api.compliance_policy import Enforcement, InjectedContainer
from actgate.api.quoting import quoted
from actgate.decision.policies import Policy
from actgate.decision.rules.link import MANIFEST, MODEL
from actgate.decision.subject import Added, Lent, Owner, Subject
from actgate.decision.verdict import Finding

_LONGEST_ALONE: Final = 200


def resolved(subject: Subject, policies: tuple[Policy, ...]) -> Subject:
    """Return a subject with what is lent to it, or standing alone where a policy does not agree.

    Args:
        subject: What is asked about.
        policies: All that apply: what a pod runs besides its template must be injected by each of them.
    """
    lent = subject.lent
    if lent is None:
        return subject
    for added in lent.added:
        if not all(_injected(added, policy.spec.injected_containers) for policy in policies):
            return replace(
                subject,
                lent=None,
                template_since=None,
                alone=f"{added.path} is neither in the template of its owner nor an injected container",
            )
    injected = {added.path for added in lent.added}
    links = subject.links or lent.links
    model = subject.model or lent.model
    return replace(
        subject,
        owner=lent.owner if lent.compared else None,
        links=links,
        model=model,
        reference_path=subject.reference_path if subject.links else lent.reference_path,
        model_path=subject.model_path if subject.model is not None else lent.model_path,
        logging=subject.logging or lent.logging,
        logging_path=subject.logging_path if subject.logging is not None else lent.logging_path,
        images=tuple(one for one in subject.images if one[0] not in injected),
    )


def _injected(added: Added, known: list[InjectedContainer]) -> bool:
    return any(one.name == added.name and _is_image(added.image, one.image) for one in known)


def _is_image(image: str, wanted: str) -> bool:
    """Return whether an image is the wanted one by digest, or of the wanted repository."""
    if "@" in wanted:
        return image.rpartition("@")[2] == wanted.rpartition("@")[2]
    repository = image.partition("@")[0]
    head, slash, last = repository.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}" == wanted


def findings(asked: Subject, effect: Enforcement) -> Iterator[Finding]:
    """Yield where a subject states another link or model than the owner that answers for it.

    Args:
        asked: The subject by itself, before ``resolved``.
        effect: The effect of the policy.
    """
    lent = asked.lent
    if lent is None:
        return
    if asked.links and lent.links:
        own = {link.manifest for link in asked.links}
        theirs = sorted({link.manifest for link in lent.links})
        if own != set(theirs):
            yield MANIFEST.finding(
                effect,
                asked.reference_path,
                f"Invalid value: {quoted(', '.join(sorted(own)), 80)}: must be "
                f"{quoted(', '.join(theirs), 80)}, the link of {named(lent.owner)}, which owns the "
                f"{asked.kind}",
                f"link one manifest in {lent.reference_path} of {named(lent.owner)}",
            )
    if asked.model is not None and lent.model is not None:
        for part in ("name", "version", "digest"):
            ours, others = getattr(asked.model, part), getattr(lent.model, part)
            if ours is not None and others is not None and ours != others:
                yield MODEL.finding(
                    effect,
                    asked.model_path,
                    f"Invalid value: {quoted(ours, 80)}: must be {quoted(others, 80)}, the model {part} of "
                    f"{named(lent.owner)}, which owns the {asked.kind}",
                    f"name one model in {lent.model_path} of {named(lent.owner)}",
                )


def placed(found: Iterator[Finding], asked: Subject, subject: Subject) -> Iterator[Finding]:
    """Yield findings about links and models so that they name the object in which the user writes them.

    Args:
        found: What was found about the subject.
        asked: The subject by itself.
        subject: The same one, as ``resolved`` returns it.
    """
    lent = subject.lent
    if lent is None:
        if not subject.alone:
            yield from found
            return
        for finding in found:
            if finding.path == subject.reference_path and not subject.links:
                why = f"; it stands alone, since {subject.alone[:_LONGEST_ALONE]}"
                finding = replace(finding, message=finding.message + why)
            yield finding
        return
    theirs = {lent.reference_path} if not asked.links else set()
    if asked.model is None:
        theirs.add(lent.model_path)
    logs = () if asked.logging is not None else (lent.logging_path, *_log_path(lent))
    owner = named(lent.owner)
    for finding in found:
        if finding.about is None and (finding.path in theirs or _is_of_log(finding, logs)):
            finding = replace(
                finding,
                message=f"{finding.message} (of {owner}, which owns the {subject.kind})",
                remediation=f"in {owner}, {finding.remediation}",
            )
        yield finding


def _log_path(lent: Lent) -> tuple[str, ...]:
    return (lent.logging.path,) if lent.logging is not None else ()


def _is_of_log(finding: Finding, paths: tuple[str, ...]) -> bool:
    """Return whether a finding is about the log, at one of these fields or below it."""
    return finding.rule.startswith("logging/") and finding.path.startswith(paths) if paths else False


def named(owner: Owner) -> str:
    """Return an owner in words."""
    return f"{owner.kind} {quoted(owner.name)}"
