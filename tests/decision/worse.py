"""What makes evidence worse, as functions: none of them may ever help.

Leaving out a digest or a version is not among them: both count only where both sides state them, so
that evidence without them is judged as weaker (a warning, or `requireDigest`) and not as contradicted.
For the same reason measurements that contradict themselves are left as they are: other numbers, or none
at all, may agree where these do not. So are those whose counts say something else than the rounded value
beside them, since the value alone would be believed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from actgate.api.compliance_manifest import Metric, RiskCategory
from actgate.api.predicates import BIAS_AUDIT, KNOWN_TYPES
from actgate.decision import Manifest, groups, metrics
from actgate.decision.attestation import Attestation
from actgate.decision.manifest import GroupCount, Measurement, ModelIdentity, Oversight, Problem, Region
from actgate.decision.rules import counts
from tests.decision.build import LONDON
from tests.decision.signing import STRANGER, sha, statement

Worsening = Callable[[Manifest, datetime], Manifest]

_UNTRUSTED: Final = statement("untrusted", BIAS_AUDIT, STRANGER)
_UNFAIR: Final = Measurement(Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 1.0, threshold=0.0)


def larger_disparity(manifest: Manifest, _: datetime) -> Manifest:
    """Move every value away from fair; a measurement that calls itself failed would become honest."""
    return _each(
        manifest, lambda item: item if item.compliant is False else replace(item, value=_farther(item))
    )


def a_value_that_is_no_number(manifest: Manifest, _: datetime) -> Manifest:
    """Make every value NaN."""
    return _each(manifest, lambda item: replace(item, value=math.nan))


def another_bad_measurement(manifest: Manifest, _: datetime) -> Manifest:
    """Add a measurement beyond its own limit."""
    return replace(manifest, bias=(*manifest.bias, _UNFAIR))


def smaller_groups(manifest: Manifest, _: datetime) -> Manifest:
    """Take persons out of every group."""
    return _each(
        manifest,
        lambda item: replace(
            item, groups=tuple(GroupCount(group.name, group.count // 2) for group in item.groups)
        ),
    )


def no_counts(manifest: Manifest, _: datetime) -> Manifest:
    """Leave out what was counted in the groups, but for their sizes."""
    return _each(
        manifest,
        lambda item: replace(
            item, groups=tuple(GroupCount(group.name, group.count) for group in item.groups)
        ),
    )


def a_tenth_of_the_persons(manifest: Manifest, _: datetime) -> Manifest:
    """Evaluate on fewer persons with the same rates, where that can be divided."""
    return _each(manifest, lambda item: replace(item, groups=tuple(map(_tenth, item.groups))))


def no_groups(manifest: Manifest, _: datetime) -> Manifest:
    """Leave out whom the measurements compared."""
    return _each(manifest, lambda item: replace(item, groups=()))


def no_attributes(manifest: Manifest, _: datetime) -> Manifest:
    """Leave out what the measurements were about."""
    return _each(manifest, lambda item: replace(item, attribute=None))


def no_oversight(manifest: Manifest, _: datetime) -> Manifest:
    """Leave out human oversight."""
    return replace(manifest, oversight=None)


def oversight_off(manifest: Manifest, _: datetime) -> Manifest:
    """Switch human oversight off, and nothing else about it."""
    filled = manifest.oversight.filled if manifest.oversight else frozenset[str]()
    return replace(manifest, oversight=Oversight(enabled=False, filled=filled))


def trained_abroad(manifest: Manifest, _: datetime) -> Manifest:
    """Train in London too, which no policy of these tests allows."""
    return replace(manifest, training_regions=(*manifest.training_regions, LONDON))


def trained_somewhere(manifest: Manifest, _: datetime) -> Manifest:
    """Replace every region by an unknown one."""
    return replace(manifest, training_regions=tuple(Region("nowhere") for _ in manifest.training_regions))


def older(manifest: Manifest, now: datetime) -> Manifest:
    """Date the training back, where it is not in the future."""
    finished = manifest.finished_at
    if finished is None or finished > now or finished < datetime(1, 6, 1, tzinfo=UTC):
        return manifest
    return replace(manifest, finished_at=finished - timedelta(days=100))


def undated(manifest: Manifest, _: datetime) -> Manifest:
    """Leave out when training ended."""
    return replace(manifest, finished_at=None)


def expired(manifest: Manifest, now: datetime) -> Manifest:
    """Let the evidence end at this moment, or leave its earlier end."""
    ends = now if manifest.not_after is None else min(now, manifest.not_after)
    return replace(manifest, not_after=ends)


def a_problem(manifest: Manifest, _: datetime) -> Manifest:
    """Add a field that cannot be read."""
    return replace(manifest, problems=(*manifest.problems, Problem("spec.x", "is wrong", "fix it")))


def no_category(manifest: Manifest, _: datetime) -> Manifest:
    """Leave out the risk category, unless the evidence admits a prohibited practice."""
    if manifest.risk_category is RiskCategory.PROHIBITED:
        return manifest
    return replace(manifest, risk_category=None)


def prohibited(manifest: Manifest, _: datetime) -> Manifest:
    """Admit a prohibited practice."""
    return replace(manifest, risk_category=RiskCategory.PROHIBITED)


def another_model(manifest: Manifest, _: datetime) -> Manifest:
    """Speak of another model."""
    return replace(manifest, model=ModelIdentity("SomethingElse"))


def no_model(manifest: Manifest, _: datetime) -> Manifest:
    """Speak of no model."""
    return replace(manifest, model=None)


def other_images(manifest: Manifest, _: datetime) -> Manifest:
    """Bind to an image that is not among those bound so far."""
    return replace(manifest, images=(f"registry.example/server@sha256:{'e' * 64}",))


def edited_after_signing(manifest: Manifest, _: datetime) -> Manifest:
    """Let each statement that is read say something else than the manifest."""
    changed = Problem("spec.x", "Invalid value: 1: the signed payload has 2", "restore it")
    return _attested(manifest, lambda item: replace(item, mismatch=changed))


def unreadable_envelopes(manifest: Manifest, _: datetime) -> Manifest:
    """Leave of each attestation what a reader has that does not understand it."""
    fault = Problem("envelope", "Invalid value: must be a DSSE envelope", "sign it again")
    return _attested(
        manifest, lambda item: Attestation(item.name, None, item.payload_digest, unreadable=fault)
    )


def about_another_artefact(manifest: Manifest, _: datetime) -> Manifest:
    """Let each statement be about something else."""
    return _attested(manifest, lambda item: replace(item, subjects=frozenset({f"sha256:{'e' * 64}"})))


def no_signatures(manifest: Manifest, _: datetime) -> Manifest:
    """Take off every signature."""
    return _attested(manifest, lambda item: replace(item, signers=(), unverified=()))


def fewer_signatures(manifest: Manifest, _: datetime) -> Manifest:
    """Take off the last signature of each attestation."""
    return _attested(manifest, lambda item: replace(item, signers=item.signers[:-1]))


def one_party(manifest: Manifest, _: datetime) -> Manifest:
    """Let all signatures be by one party, whatever keys and names it has."""
    return _attested(
        manifest,
        lambda item: replace(item, signers=tuple(replace(signer, party="one") for signer in item.signers)),
    )


def one_more_attestation(manifest: Manifest, _: datetime) -> Manifest:
    """Add a statement that no policy trusts, and that no approval and no measurement speaks of."""
    return replace(manifest, attestations=(*manifest.attestations, _UNTRUSTED))


def one_attestation_less(manifest: Manifest, _: datetime) -> Manifest:
    """Drop a statement, unless it contradicts the manifest: to drop such a one is how that is fixed."""
    sound = [item for item in manifest.attestations if _contradicts_nothing(item, manifest)]
    return replace(
        manifest, attestations=tuple(item for item in manifest.attestations if item not in sound[:1])
    )


LESS_SIGNED: Final[tuple[Worsening, ...]] = (
    edited_after_signing,
    unreadable_envelopes,
    about_another_artefact,
    no_signatures,
    fewer_signatures,
    one_party,
    one_more_attestation,
    one_attestation_less,
)
WORSENINGS: Final[tuple[Worsening, ...]] = (
    larger_disparity,
    a_value_that_is_no_number,
    another_bad_measurement,
    smaller_groups,
    no_counts,
    a_tenth_of_the_persons,
    no_groups,
    no_attributes,
    no_oversight,
    oversight_off,
    trained_abroad,
    trained_somewhere,
    older,
    undated,
    expired,
    a_problem,
    no_category,
    prohibited,
    another_model,
    no_model,
    other_images,
    *LESS_SIGNED,
)


def _attested(manifest: Manifest, worsen: Callable[[Attestation], Attestation]) -> Manifest:
    """Change each attestation that can be read and is of a type that is held against the manifest."""
    return replace(
        manifest,
        attestations=tuple(
            worsen(item) if item.unreadable is None and item.predicate_type in KNOWN_TYPES else item
            for item in manifest.attestations
        ),
    )


def _contradicts_nothing(item: Attestation, manifest: Manifest) -> bool:
    about = manifest.model is not None and manifest.model.digest in item.subjects
    whole = (
        item.unreadable is None and item.mismatch is None and item.planned is None and item.approves is None
    )
    return whole and about and item.payload_digest != sha("withdrawn")


def _each(manifest: Manifest, worsen: Callable[[Measurement], Measurement]) -> Manifest:
    if any(counts.repetitions(manifest.bias)) or not all(map(_is_sound, manifest.bias)):
        return manifest
    return replace(manifest, bias=tuple(map(worsen, manifest.bias)))


def _is_sound(item: Measurement) -> bool:
    """Return whether nothing but limits can be wrong with a measurement."""
    return (
        not any(counts.contradictions(item))
        and not any(metrics.without_cases(item))
        and (not item.groups or len(groups.non_empty(item)) > 1)
        and _says_what_it_counts(item)
    )


def _says_what_it_counts(item: Measurement) -> bool:
    """Return whether the value alone would be judged as its counts are.

    A rounded one may look better; and one that calls itself failed would become honest where it looks worse.
    """
    size = metrics.disparity(item)
    if size is None:
        return True
    value = abs(item.value)
    stated = 1 / value if item.metric.is_ratio and value > 1 else value
    return abs(stated - size) <= metrics.NOISE and item.compliant is not False


def _tenth(group: GroupCount) -> GroupCount:
    stated = (group.count, group.selected, group.positives, group.true_positives, group.false_positives)
    if group.selected is None or any(part is not None and part % 10 for part in stated):
        return group
    count, *parts = (None if part is None else part // 10 for part in stated)
    return GroupCount(group.name, count or 0, group.selection_rate, *parts)


def _farther(item: Measurement) -> float:
    value = item.value
    if not math.isfinite(value):
        return value
    if item.metric.is_ratio:
        return value * 2 if value > 1 else value / 2
    return math.copysign(min(abs(value) * 2 + 0.01, max(1.0, abs(value))), value)
