"""From a change to a result: what cannot be judged now, and what another object answers for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from actgate.kube.resources import DEPLOYMENTS
from actgate.kube.timing import Timing
from actgate.lookup.judge import SubjectJudge
from actgate_operator.deadlines import Deadlines
from actgate_operator.queue import WorkQueue
from actgate_operator.scan.judging import Judging, Result
from actgate_operator.scan.kept import Kept
from actgate_operator.scan.objects import Objects
from actgate_operator.scan.pacing import Pace
from tests.decision.build import NOW
from tests.kube.virtual_time import run_virtually, virtual_now
from tests.lookup.fakes import FakeEvidence
from tests.operator.fakes import unreachable
from tests.scan.objects import Json, kept, server

TOP: Final = "uid-Deployment-scorer"


class World:
    """Judging at work on candidates that a test puts there."""

    def __init__(self, *objects: Json) -> None:
        self.evidence = FakeEvidence()
        self.queue: WorkQueue[str] = WorkQueue(now=virtual_now)
        self.notes: list[tuple[str, str | None]] = []
        pace = Pace(1.0)
        self.objects = Objects(unreachable(), self.queue.add, pace, Timing())
        for one in kept(*objects):
            self.objects.known[one.uid] = Kept.of(one, DEPLOYMENTS)
        self.deadlines: Deadlines[str] = Deadlines(self.queue.add, lambda _: None)
        judge = SubjectJudge(self.evidence, lambda: NOW, patient=True)
        self.judging = Judging(self.objects, judge, self.deadlines, self.queue, pace, lambda: NOW, self._note)

    def counts(self) -> dict[str, str]:
        """Return as what each subject counts."""
        return {uid: result.counts_as for uid, result in self.judging.results.items()}

    def _note(self, uid: str, former: Result | None, result: Result | None) -> None:
        self.notes.append((uid, result.counts_as if result is not None else None))


def at_work(world: World, check: Callable[[World], Awaitable[None]]) -> None:
    """Run a check while it judges."""

    async def main() -> None:
        tasks = [asyncio.create_task(work) for work in (world.queue.run(), world.judging.run())]
        world.judging.enqueue([*world.objects.known])
        try:
            await check(world)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    run_virtually(main())


def test_a_subject_without_a_verdict_counts_as_error_until_it_has_one() -> None:
    """It is asked again by itself; and what was known of it stays when evidence becomes unavailable."""

    async def check(world: World) -> None:
        world.evidence.age = 1000.0
        await asyncio.sleep(1)
        assert world.counts() == {TOP: "error"}
        world.evidence.age = 1.0
        await asyncio.sleep(120)
        assert world.counts() == {TOP: "warn"}
        world.evidence.age = 1000.0
        world.judging.enqueue([TOP])
        await asyncio.sleep(1)
        assert world.counts() == {TOP: "warn"}

    at_work(World(server("Deployment", "scorer")), check)


def test_what_an_owner_answers_for_is_no_subject() -> None:
    """Unless its owner goes."""
    top = server("Deployment", "scorer")
    below = server("ReplicaSet", "scorer-1", top)

    async def check(world: World) -> None:
        await asyncio.sleep(1)
        assert world.counts() == {TOP: "warn"}
        del world.objects.known[TOP]
        world.judging.enqueue([TOP, "uid-ReplicaSet-scorer-1"])
        await asyncio.sleep(1)
        assert world.counts() == {"uid-ReplicaSet-scorer-1": "warn"}
        assert world.notes[-2:] == [(TOP, None), ("uid-ReplicaSet-scorer-1", "warn")]

    at_work(World(top, below), check)


def test_an_object_that_brings_a_defect_to_light_holds_up_no_other() -> None:
    async def check(world: World) -> None:
        broken = world.objects.known[TOP]
        world.objects.known[TOP] = Kept(TOP, "credit", None, DEPLOYMENTS, broken.tier, b"none")
        try:
            await asyncio.sleep(1)
            assert world.counts()["uid-Deployment-second"] == "warn"
        finally:
            world.objects.known[TOP] = broken
        await asyncio.sleep(120)
        assert world.counts()[TOP] == "warn"

    at_work(World(server("Deployment", "scorer"), server("Deployment", "second")), check)
