"""The verdicts about the subjects of a cluster at one moment, and what stays outside of the gate."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from actgate.api.names import EXEMPT_LABEL, NAMESPACE_NAME_LABEL, OUTSIDE_NAMESPACES
from actgate.decision import Manifest, Policy, Subject, Verdict
from actgate.decision.decide import Appraisals, decide_under
from actgate.decision.exemptions import Exemption
from actgate.decision.policies import Selection
from actgate.scan.candidates import Candidate, Tier
from actgate.scan.owners import by_uid, subjects


@dataclass(frozen=True, slots=True)
class Judged:
    """One subject and its verdict."""

    candidate: Candidate
    subject: Subject
    verdict: Verdict

    @property
    def tier(self) -> Tier:
        """Why it is judged."""
        return self.candidate.tier


@dataclass(frozen=True, slots=True)
class Evidence:
    """What subjects are judged on."""

    manifests: Mapping[tuple[str, str], Manifest] = field(default_factory=dict)
    """By namespace and name."""
    policies: tuple[Policy, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Labels of each namespace by its name."""


@dataclass(frozen=True, slots=True)
class Outside:
    """A candidate of a namespace that the gate does not see."""

    subject: Subject
    tier: Tier
    why: str
    """What takes the namespace out: its name, or a label."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What the gate would say about the subjects of a cluster."""

    judged: tuple[Judged, ...]
    """By namespace, kind and name."""
    outside: tuple[Outside, ...]
    """What serves models where the gate does not look, in the same order."""
    now: datetime
    """The moment that was asked about, aware."""


def scan(candidates: Iterable[Candidate], evidence: Evidence, now: datetime) -> Scan:
    """Judge every subject among the candidates of a cluster.

    Args:
        candidates: All of them, also those that others answer for.
        evidence: What they are judged on.
        now: The moment that is asked about, aware.
    """
    judge = Judge(evidence, now)
    judged: list[Judged] = []
    outside: list[Outside] = []
    for one in sorted(subjects(by_uid(candidates)), key=_order):
        why = outside_because(one.subject.namespace, evidence.labels)
        if why is None:
            judged.append(judge.judged(one))
        else:
            outside.append(Outside(one.subject, one.tier, why))
    return Scan(tuple(judged), tuple(outside), now)


class Judge:
    """Judges many subjects on the same evidence at one moment."""

    def __init__(self, evidence: Evidence, now: datetime) -> None:
        self._evidence, self._now = evidence, now
        self._selection = Selection(evidence.policies)
        self._appraisals = Appraisals()

    def judged(self, one: Candidate) -> Judged:
        """Return the verdict about a subject."""
        evidence = self._evidence
        namespace = one.subject.namespace
        labels = {**evidence.labels.get(namespace, {}), NAMESPACE_NAME_LABEL: namespace}
        subject = one.with_labels(labels)
        keys = ((subject.namespace, name) for name in subject.manifest_names)
        verdict = decide_under(
            self._selection.applicable(subject.namespace_labels),
            subject,
            [evidence.manifests[key] for key in keys if key in evidence.manifests],
            self._now,
            self._appraisals.appraise,
            evidence.exemptions,
        )
        return Judged(one, subject, verdict)


def outside_because(namespace: str, labels: Mapping[str, Mapping[str, str]]) -> str | None:
    """Return why the gate does not see a namespace; None where it does."""
    if namespace in OUTSIDE_NAMESPACES:
        return "a namespace of the cluster itself"
    return f"label {EXEMPT_LABEL}" if EXEMPT_LABEL in labels.get(namespace, {}) else None


def _order(one: Candidate) -> tuple[str, str, str, str]:
    subject = one.subject
    return subject.namespace, subject.kind, subject.name, subject.group
