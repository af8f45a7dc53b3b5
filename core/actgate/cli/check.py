"""``actgate check``: verdicts for everything in the input, and the exit code that they add up to."""

from dataclasses import dataclass
from datetime import datetime

from actgate.api.names import NAMESPACE_NAME_LABEL
from actgate.cli.exits import Exit, UnusableError
from actgate.cli.inventory import Evidence, Inventory
from actgate.decision import Finding, Outcome, Policy, Subject, Verdict, decide
from actgate.decision.decide import Appraisals, Appraise
from actgate.documents import Document
from actgate.subjects.reading import Reading


@dataclass(frozen=True, slots=True)
class Judged:
    """One verdict, with the documents that it speaks of."""

    subject: Subject
    document: Document
    verdict: Verdict
    evidence: tuple[Evidence, ...]
    """The manifests that the subject links, as far as the input holds them."""

    def about(self, finding: Finding) -> Document:
        """Return the document that has the finding's field: the evidence's or the subject's own."""
        documents = (item.document for item in self.evidence if item.manifest.name == finding.about)
        return next(documents, self.document)

    def origin(self, finding: Finding) -> str | None:
        """Return what the pipeline's own file (v0) calls the finding's field, if it is in one."""
        document = self.about(finding)
        origins = (item.origin(finding.path) for item in self.evidence if item.document is document)
        return next(origins, None)


@dataclass(frozen=True, slots=True)
class Report:
    """Every verdict about the input, at one moment."""

    judged: tuple[Judged, ...]
    others: tuple[Document, ...]
    """Objects of the input that are none of actgate's business."""
    now: datetime
    """The moment that was asked about, aware."""

    def count(self, outcome: Outcome) -> int:
        """Return how many subjects have an outcome."""
        return sum(item.verdict.outcome is outcome for item in self.judged)

    @property
    def exit(self) -> Exit:
        """The exit code that these verdicts mean."""
        if not self.judged:
            return Exit.NOTHING
        return Exit.DENIED if self.count(Outcome.FAIL) else Exit.PASSED


def judge(inventory: Inventory, now: datetime) -> Report:
    """Judge every subject of the input, and by itself every manifest that none of them refers to.

    Raises:
        UnusableError: When a policy selects by labels of a namespace that the input does not show.
    """
    asked = [(_subject(read, space, inventory), document) for space, document, read in inventory.subjects]
    referred = {(subject.namespace, link.manifest) for subject, _ in asked for link in subject.links}
    asked += [
        (Subject.of_manifest(found.manifest, _labels(found.manifest.namespace, inventory)), found.document)
        for key, found in inventory.evidence.items()
        if key not in referred
    ]
    _require_labels({subject.namespace for subject, _ in asked}, inventory)
    appraise = Appraisals().appraise
    judged = (_judged(subject, document, inventory, now, appraise) for subject, document in asked)
    return Report(tuple(judged), tuple(inventory.others), now)


def _subject(read: Reading, namespace: str, inventory: Inventory) -> Subject:
    return read.subject(_labels(namespace, inventory), namespace=namespace)


def _labels(namespace: str, inventory: Inventory) -> dict[str, str]:
    return {**inventory.labels.get(namespace, {}), NAMESPACE_NAME_LABEL: namespace}


def _judged(
    subject: Subject, document: Document, inventory: Inventory, now: datetime, appraise: Appraise
) -> Judged:
    names = dict.fromkeys(link.manifest for link in subject.links)
    linked = (inventory.evidence.get((subject.namespace, name)) for name in names)
    evidence = tuple(found for found in linked if found is not None)
    manifests = [found.manifest for found in evidence]
    verdict = decide(subject, manifests, inventory.policies, now, appraise, inventory.exemptions)
    return Judged(subject, document, verdict, evidence)


def _require_labels(namespaces: set[str], inventory: Inventory) -> None:
    """Refuse to guess which policies apply: labels that the input does not show could be anything."""
    sentences = [
        f'policy "{policy.name}" selects namespaces by their labels, and the input does not show those of '
        f'namespace "{namespace}"; add its Namespace object to the files'
        for policy in inventory.policies
        if _asks_for_labels(policy)
        for namespace in sorted(namespaces - inventory.labels.keys())
    ]
    if sentences:
        raise UnusableError(*sentences)


def _asks_for_labels(policy: Policy) -> bool:
    selector = policy.spec.namespace_selector
    keys = {*(selector.match_labels or {}), *(item.key for item in selector.match_expressions or ())}
    return bool(keys - {NAMESPACE_NAME_LABEL})
