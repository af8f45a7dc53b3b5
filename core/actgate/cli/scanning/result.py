"""The verdicts of a scan, how much of the cluster they are about, and the exit code that they mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from actgate.cli.exits import Exit
from actgate.cli.scanning.gathering import Gathered
from actgate.cli.scanning.listing import Missed
from actgate.decision import Outcome, Subject
from actgate.scan.judging import Judged, Outside, scan
from actgate.scan.summary import Summary, summarise


@dataclass(frozen=True, slots=True)
class Result:
    """What a scan found."""

    now: datetime
    """The moment that was asked about, aware."""
    server: str
    """The API server's address."""
    context: str | None
    """The context of the kubeconfig, where one was named."""
    cluster_uid: str | None
    """The uid of kube-system."""
    namespace: str | None
    """The one that was scanned; None for all."""
    judged: tuple[Judged, ...]
    """By namespace, kind and name."""
    summary: Summary
    unjudged: tuple[Subject, ...]
    """Subjects whose evidence could not be read."""
    outside: tuple[Outside, ...]
    """Subjects of namespaces that the gate does not see."""
    weak: int
    """Objects with weak signals alone, which are only counted."""
    policies: tuple[str, ...]
    """Names of the policies that were used."""
    read: Mapping[str, int]
    """How many objects of each resource were read."""
    absent: tuple[str, ...]
    """Resources that actgate knows, and the cluster does not serve."""
    missed: tuple[Missed, ...]
    """What could not be read."""
    controllers: Mapping[tuple[str, str], int]
    """Kinds without a row that control a subject's pods, by group and kind, and how many."""

    @property
    def complete(self) -> bool:
        """Whether everything was read that the verdicts rest on."""
        return not self.missed

    @property
    def exit(self) -> Exit:
        """The exit code: a scan that did not see everything proves nothing, whatever it found."""
        if not self.complete:
            return Exit.UNUSABLE
        if not self.judged:
            return Exit.NOTHING
        return Exit.DENIED if self.summary.outcomes[Outcome.FAIL] else Exit.PASSED


def result(found: Gathered, now: datetime, context: str | None) -> Result:
    """Judge what was gathered.

    Args:
        found: What was read of the cluster.
        now: The moment that is asked about, aware.
        context: The context of the kubeconfig, where one was named.
    """
    verdicts = scan(found.candidates, found.evidence(), now)
    unknown = [one for one in verdicts.judged if one.subject.links and not found.manifests_known]
    judged = tuple(one for one in verdicts.judged if found.manifests_known or not one.subject.links)
    return Result(
        now=now,
        server=found.server,
        context=context,
        cluster_uid=found.cluster_uid,
        namespace=found.scope.namespace,
        judged=judged,
        summary=summarise(judged),
        unjudged=tuple(one.subject for one in unknown),
        outside=verdicts.outside,
        weak=found.weak,
        policies=tuple(sorted({name for one in judged for name in one.verdict.policies})),
        read=dict(sorted(found.read.items())),
        absent=found.absent,
        missed=tuple(found.missed),
        controllers=dict(sorted(found.controllers.items(), key=lambda item: (-item[1], item[0]))),
    )
