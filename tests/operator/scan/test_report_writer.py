"""The writer of reports: what differs is written, the worst first, up to a cap; in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import pytest
from prometheus_client import CollectorRegistry

from actgate.api.names import REPORT_LABEL
from actgate.kube.client import Subresource
from actgate.kube.errors import Forbidden, NotFound, Unavailable
from actgate.kube.objects import Object
from actgate.kube.resources import Resource
from actgate.kube.timing import Timing
from actgate.lookup.evidence import EvidenceUnavailableError
from actgate.scan.candidates import Tier
from actgate.scan.reports import OPEN_REPORTS
from actgate_operator.names import MANAGER
from actgate_operator.scan.judging import Result
from actgate_operator.scan.metrics import ScanMetrics
from actgate_operator.scan.pacing import Budget
from actgate_operator.scan.reports import Reports, Source
from actgate_operator.scan.served import ReportsApi
from actgate_operator.writer import Writer
from tests.kube.virtual_time import run_virtually, virtual_now
from tests.lookup.fake_cluster import FakeCluster

REPORTS: Final = Resource("openreports.io", "v1alpha1", "reports", "Report")
SUMMARIES: Final = Resource("openreports.io", "v1alpha1", "clusterreports", "ClusterReport", namespaced=False)
API: Final = ReportsApi(OPEN_REPORTS, REPORTS, SUMMARIES)


def result(digest: str | None, urgency: int = 1, counts_as: str = "fail") -> Result:
    """Return the result of a subject with this report."""
    return Result(counts_as, Tier.STRONG, urgency, digest, ())


def report(uid: str, digest: str) -> Object:
    """Return a report about a subject, as far as the writer reads it."""
    labels = {REPORT_LABEL: digest, "app.kubernetes.io/managed-by": "actgate"}
    return {
        "apiVersion": OPEN_REPORTS.api_version,
        "kind": "Report",
        "metadata": {"name": f"actgate-{uid}", "namespace": "credit", "uid": f"own-{uid}", "labels": labels},
        "scope": {"apiVersion": "apps/v1", "kind": "Deployment", "name": uid},
    }


class World(Writer):
    """Subjects, an API server with reports, and a writer that notes what it writes."""

    def __init__(self, *stored: Object, most: int = 100) -> None:
        self.server = FakeCluster(*stored)
        super().__init__(self.server, lambda: True)
        self.results: dict[str, Result] = {}
        self.gone = True
        self.writes: list[str] = []
        self.failures: list[Exception] = []
        self.unknown: set[str] = set()
        self.metrics = ScanMetrics(CollectorRegistry())
        source = Source(self.results, self._make, lambda _uid, _group, _kind: self.gone)
        budget = Budget(5.0, 5, now=virtual_now)
        self.reports = Reports(self.server, API, self, source, budget, self.metrics, Timing(), most)

    def say(self, uids: Iterable[str], digest: str | None, urgency: int = 1) -> None:
        """Have subjects judged."""
        for uid in uids:
            self.results[uid] = result(digest, urgency, "pass" if digest is None else "fail")
            self.reports.enqueue(uid)

    async def written_in(self, seconds: float = 60.0) -> list[str]:
        """Let time pass, and return what was written since the last call."""
        await asyncio.sleep(seconds)
        written, self.writes = self.writes, []
        return written

    async def apply(
        self,
        resource: Resource,
        thing: Object,
        *,
        force: bool = True,
        manager: str = MANAGER,
        subresource: Subresource | None = None,
    ) -> Object:
        """Store a report."""
        if self.failures:
            raise self.failures.pop(0)
        self.writes.append(thing["metadata"]["name"].removeprefix("actgate-"))
        self.server.put(thing)
        stored: Object = self.server.objects["reports", "credit", thing["metadata"]["name"]]
        return stored

    async def delete(self, resource: Resource, name: str, namespace: str | None, uid: str) -> None:
        """Remove a report."""
        thing = self.server.objects.get(("reports", namespace or "", name))
        if thing is None or thing["metadata"]["uid"] != uid:
            raise NotFound(name, code=404)
        self.writes.append(f"-{name.removeprefix('actgate-')}")
        self.server.remove(thing)

    async def _make(self, uid: str) -> Object | None:
        if uid in self.unknown:
            raise EvidenceUnavailableError("the cache is old")
        found = self.results.get(uid)
        return None if found is None or found.digest is None else report(uid, found.digest)


async def _with(world: World, check: Callable[[World], Awaitable[None]]) -> None:
    task = asyncio.create_task(world.reports.run())
    try:
        await check(world)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_a_new_leader_writes_only_what_differs() -> None:
    """It lists what there is: the API server is the memory, and no state is kept anywhere else."""

    async def main() -> None:
        world = World(report("same", "h1"), report("other", "h1"), report("recovered", "h1"))
        world.results.update(same=result("h1"), other=result("h2"), recovered=result(None, 0, "pass"))
        world.results["new"] = result("h1")

        async def check(world: World) -> None:
            assert sorted(await world.written_in()) == ["-recovered", "new", "other"]
            world.reports.recheck()
            world.say(["same", "other", "new"], "h2")
            assert sorted(await world.written_in()) == ["new", "same"]
            world.reports.recheck()
            assert await world.written_in(3600) == []

        await _with(world, check)

    run_virtually(main())


def test_the_worst_is_written_first_and_five_a_second() -> None:
    async def main() -> None:
        async def check(world: World) -> None:
            await world.written_in(1)
            mild, grave = [f"mild-{n}" for n in range(50)], [f"grave-{n}" for n in range(50)]
            world.say(mild, "h1", urgency=12)
            world.say(grave, "h1", urgency=0)
            written = await world.written_in(10)
            assert 50 <= len(written) <= 56
            assert set(grave) <= set(written)
            assert len(written + await world.written_in(10)) == 100

        await _with(World(), check)

    run_virtually(main())


def test_changes_of_one_subject_collapse_into_one_write() -> None:
    """However often it changes while it waits for its turn."""

    async def main() -> None:
        async def check(world: World) -> None:
            await world.written_in(1)
            world.say((f"first-{n}" for n in range(20)), "h1", urgency=0)
            for digest in ("h1", "h2", "h3"):
                world.say(["busy"], digest)
            written = await world.written_in()
            assert written.count("busy") == 1
            assert world.reports.stored["busy"].digest == "h3"

        await _with(World(), check)

    run_virtually(main())


def test_beyond_the_cap_subjects_are_counted_and_the_worst_of_them_is_next() -> None:
    async def main() -> None:
        async def check(world: World) -> None:
            await world.written_in(1)
            world.say(["a", "b"], "h1")
            await world.written_in()
            world.say(["mild"], "h1", urgency=12)
            world.say(["grave"], "h1", urgency=0)
            assert await world.written_in() == []
            assert world.reports.suppressed == {"mild", "grave"}
            world.say(["a"], None)
            assert await world.written_in() == ["-a", "grave"]
            assert world.reports.suppressed == {"mild"}

        await _with(World(most=2), check)

    run_virtually(main())


def test_what_is_not_known_leaves_the_report_as_it_is() -> None:
    """A subject without a verdict, and one of a kind that could not be listed, may have findings still."""

    async def main() -> None:
        world = World(report("unknown", "h1"), report("unlisted", "h1"))
        world.results["unknown"] = result(None, 0, "error")
        world.gone = False

        async def check(world: World) -> None:
            assert await world.written_in() == []
            world.gone = True
            world.reports.recheck()
            assert await world.written_in() == ["-unlisted"]

        await _with(world, check)

    run_virtually(main())


@pytest.mark.parametrize("failure", [Unavailable("no answer"), ValueError("a defect")])
def test_a_write_that_fails_is_tried_again_and_holds_up_no_other(failure: Exception) -> None:
    async def main() -> None:
        async def check(world: World) -> None:
            await world.written_in(1)
            world.failures = [failure]
            world.say(["first"], "h1", urgency=0)
            world.say(["second"], "h1")
            assert await world.written_in() == ["second", "first"]

        await _with(World(), check)

    run_virtually(main())


def test_a_namespace_that_is_being_deleted_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """Reports in it go before their subjects, and cannot come back."""
    words = "unable to create new content in namespace credit because it is being terminated"

    async def main() -> None:
        async def check(world: World) -> None:
            await world.written_in(1)
            world.failures = [Forbidden(words, code=403)]
            world.say(["first"], "h1")
            await world.written_in()

        await _with(World(), check)

    run_virtually(main())
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_evidence_that_is_unavailable_delays_a_report() -> None:
    async def main() -> None:
        async def check(world: World) -> None:
            await world.written_in(1)
            world.unknown.add("first")
            world.say(["first"], "h1")
            assert await world.written_in() == []
            world.unknown.clear()
            assert await world.written_in(120) == ["first"]

        await _with(World(), check)

    run_virtually(main())


def test_a_report_that_was_changed_or_deleted_by_others_comes_back() -> None:
    async def main() -> None:
        async def check(world: World) -> None:
            await world.written_in(1)
            world.say(["a", "b"], "h1")
            await world.written_in()
            world.server.put(report("a", "forged"))
            world.server.remove(report("b", "h1"))
            assert sorted(await world.written_in()) == ["a", "b"]

        await _with(World(), check)

    run_virtually(main())


def test_a_report_of_another_writer_is_left_alone() -> None:
    """Kyverno names its reports by the bare uid; a label of ours does not make them ours."""

    async def main() -> None:
        other = report("x", "h1")
        other["metadata"]["name"] = "7f0c6b3a"

        async def check(world: World) -> None:
            assert await world.written_in() == []
            assert world.reports.stored == {}

        await _with(World(other), check)

    run_virtually(main())
