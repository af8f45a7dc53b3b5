"""The rules of the work queue: client-go's, and back-offs that a busy API server can trust."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actgate_operator.queue import FIRST_SECONDS, LONGEST_SECONDS, WorkQueue
from tests.kube.virtual_time import run_virtually, virtual_now, virtual_runner


@asynccontextmanager
async def queueing(chance: float = 1.0) -> AsyncIterator[WorkQueue[str]]:
    """A queue that adds what is due, on virtual time; by default every back-off is drawn in full."""
    queue: WorkQueue[str] = WorkQueue(now=virtual_now, chance=lambda: chance)
    task = asyncio.create_task(queue.run())
    try:
        yield queue
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_a_key_that_is_added_often_is_one_key() -> None:
    """Keys come in the order in which they were added first."""

    async def main() -> None:
        async with queueing() as queue:
            for key in "abab":
                queue.add(key)
            assert len(queue) == 2
            assert [await queue.get(), await queue.get()] == ["a", "b"]
            assert len(queue) == 0

    run_virtually(main())


def test_a_key_whose_cause_may_vanish_any_time_is_never_late() -> None:
    """However often it failed; a ceiling of its own bounds the back-off, and the others keep theirs."""

    async def main() -> None:
        async with queueing() as queue:
            for _ in range(40):
                begun = virtual_now()
                queue.retry("a", longest=10.0)
                assert await queue.get() == "a"
                queue.done("a")
                assert virtual_now() - begun <= 10.0
            begun = virtual_now()
            queue.retry("a")
            await queue.get()
            assert virtual_now() - begun == LONGEST_SECONDS

    run_virtually(main())


def test_a_key_that_is_added_while_a_worker_has_it_comes_again_and_only_once() -> None:
    """Not before the worker is done: two never have one key."""

    async def main() -> None:
        async with queueing() as queue:
            queue.add("a")
            await queue.get()
            queue.add("a")
            queue.add("a")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(queue.get(), 1000)
            queue.done("a")
            assert await queue.get() == "a"
            queue.done("a")
            assert (len(queue), queue.age()) == (0, 0.0)

    run_virtually(main())


def test_a_worker_waits_until_there_is_a_key() -> None:
    """Of two workers that wait, each gets one."""

    async def main() -> None:
        async with queueing() as queue:
            workers = [asyncio.create_task(queue.get()) for _ in range(2)]
            await asyncio.sleep(10)
            queue.add("a")
            await asyncio.sleep(10)
            assert [worker.done() for worker in workers] == [True, False]
            queue.add("b")
            assert sorted(await asyncio.gather(*workers)) == ["a", "b"]

    run_virtually(main())


def test_a_worker_that_gives_up_waiting_takes_no_key_with_it() -> None:
    """A cancelled ``get`` leaves what comes later to others."""

    async def main() -> None:
        async with queueing() as queue:
            waiting = asyncio.create_task(queue.get())
            await asyncio.sleep(1)
            queue.add("a")
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert await queue.get() == "a"

    run_virtually(main())


async def _waited(queue: WorkQueue[str]) -> float:
    """Return how long it takes until there is a key."""
    begun = virtual_now()
    queue.done(await queue.get())
    return virtual_now() - begun


def test_a_key_comes_when_it_is_due_and_a_sooner_time_wins() -> None:
    """Whatever is asked for last; once it came, later times are no longer due."""

    async def main() -> None:
        async with queueing() as queue:
            for seconds in (60.0, 20.0, 40.0):
                queue.add_after("a", seconds)
            assert await _waited(queue) == 20.0
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(queue.get(), 1000)

    run_virtually(main())


def test_a_key_that_is_added_now_is_not_added_again_when_it_would_have_been_due() -> None:
    """It was reconciled meanwhile."""

    async def main() -> None:
        async with queueing() as queue:
            queue.add_after("a", 20.0)
            queue.add("a")
            queue.add_after("a", 5.0)
            assert await _waited(queue) == 0.0
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(queue.get(), 1000)

    run_virtually(main())


def test_the_ceiling_of_the_back_off_doubles_up_to_the_longest() -> None:
    """Also after weeks of failures, when the exponent would be more than a float holds."""

    async def main() -> None:
        async with queueing() as queue:
            waits = []
            for _ in range(2000):
                queue.retry("a")
                waits.append(await _waited(queue))
            expected = [FIRST_SECONDS * 2**number for number in range(11)]
            assert waits[:11] == expected
            assert set(waits[11:]) == {LONGEST_SECONDS}

    run_virtually(main())


@pytest.mark.parametrize(("chance", "waits"), [(0.0, [0.0, 0.0, 0.0]), (0.5, [0.125, 0.25, 0.5])])
def test_the_back_off_has_full_jitter(chance: float, waits: list[float]) -> None:
    """What failed together does not come back together."""

    async def main() -> None:
        async with queueing(chance) as queue:
            for seconds in waits:
                queue.retry("a")
                assert await _waited(queue) == seconds

    run_virtually(main())


def test_a_key_comes_back_no_sooner_than_the_server_asked_for() -> None:
    """``at_least`` lengthens the back-off, and never shortens it."""

    async def main() -> None:
        async with queueing() as queue:
            queue.retry("a", at_least=30.0)
            assert await _waited(queue) == 30.0
            queue.retry("a", at_least=0.1)
            assert await _waited(queue) == 2 * FIRST_SECONDS

    run_virtually(main())


def test_the_back_off_begins_anew_once_a_key_did_not_fail() -> None:
    """And that of one key is nothing to another."""

    async def main() -> None:
        async with queueing() as queue:
            for _ in range(5):
                queue.retry("a")
                await _waited(queue)
            queue.retry("b")
            assert await _waited(queue) == FIRST_SECONDS
            assert queue.failing() == 2
            queue.forget("a")
            assert queue.failing() == 1
            queue.retry("a")
            assert await _waited(queue) == FIRST_SECONDS

    run_virtually(main())


def test_the_age_is_that_of_the_key_that_waits_or_is_worked_on_longest() -> None:
    """A worker that hangs shows in it, and so does a key that waits for its own worker."""

    async def main() -> None:
        async with queueing() as queue:
            assert queue.age() == 0.0
            queue.add("a")
            await asyncio.sleep(10)
            queue.add("b")
            assert queue.age() == 10.0
            await queue.get()
            assert queue.age() == 0.0
            await asyncio.sleep(5)
            queue.add("a")
            await queue.get()
            await asyncio.sleep(7)
            assert queue.age() == 12.0
            queue.add("b")
            queue.done("a")
            assert queue.age() == 7.0
            queue.done("b")
            assert queue.age() == 7.0

    run_virtually(main())


async def test_the_age_of_an_empty_queue_is_exactly_zero_on_a_real_clock() -> None:
    """A clock that goes on between two readings makes no age."""
    assert {WorkQueue[str]().age() for _ in range(1000)} == {0.0}


keys = st.sampled_from("abc")
seconds = st.sampled_from([0.0, 0.25, 1.0, 10.0, 400.0])


class AnyUse(RuleBasedStateMachine):
    """Every order of calls, against sets and numbers that say what client-go would do."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = virtual_runner()
        loop = self.runner.get_loop()
        self.now = loop.time
        self.queue: WorkQueue[str] = WorkQueue(now=loop.time, chance=lambda: 1.0)
        self.task = loop.create_task(self.queue.run())
        self.waiting: dict[str, float] = {}
        self.at_work: dict[str, float] = {}
        self.due: dict[str, float] = {}
        self.failures = dict.fromkeys("abc", 0)

    @rule(key=keys)
    def add(self, key: str) -> None:
        """A model changed."""
        self.queue.add(key)
        self._add(key)

    @rule(key=keys, after=seconds)
    def add_after(self, key: str, after: float) -> None:
        """Something has to go first."""
        self.queue.add_after(key, after)
        self._add_after(key, after)

    @rule(key=keys, at_least=seconds)
    def retry(self, key: str, at_least: float) -> None:
        """A worker failed."""
        self.queue.retry(key, at_least)
        backoff = min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** self.failures[key])
        self.failures[key] += 1
        self._add_after(key, max(at_least, backoff))

    @rule(key=keys)
    def forget(self, key: str) -> None:
        """A worker succeeded."""
        self.queue.forget(key)
        self.failures[key] = 0

    @precondition(lambda self: self.waiting.keys() - self.at_work.keys())
    @rule()
    def get(self) -> None:
        """A worker takes a key: one that was asked for, and that no other worker has."""
        self.wait(0.0)
        key = self.runner.run(self.queue.get())
        assert key in self.waiting, "it was not asked for"
        assert key not in self.at_work, "two workers have it"
        del self.waiting[key]
        self.at_work[key] = self.now()

    @precondition(lambda self: self.at_work)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        """A worker gives its key back."""
        key = data.draw(st.sampled_from(sorted(self.at_work)))
        self.queue.done(key)
        del self.at_work[key]

    @rule(after=seconds)
    def wait(self, after: float) -> None:
        """Time passes, and what is due is added."""

        async def wait() -> None:
            await asyncio.sleep(after)
            for _ in range(8):
                await asyncio.sleep(0)

        self.runner.run(wait())
        for key, due in sorted(self.due.items()):
            if due <= self.now():
                self._add(key, due)

    @invariant()
    def is_as_client_go_would_have_it(self) -> None:
        """As many keys wait as should, and the oldest is as old as it should be."""
        assert len(self.queue) == len(self.waiting)
        oldest = min((*self.waiting.values(), *self.at_work.values()), default=self.now())
        assert self.queue.age() == self.now() - oldest

    def teardown(self) -> None:
        """Nothing was lost: everything that was asked for comes."""
        self.wait(400.0)
        wanted, got = set(self.waiting), set()
        for key in sorted(self.at_work):
            self.queue.done(key)
        while len(self.queue):
            got.add(self.runner.run(self.queue.get()))
        self.task.cancel()
        self.runner.close()
        assert got == wanted
        assert not self.due

    def _add(self, key: str, when: float | None = None) -> None:
        self.due.pop(key, None)
        self.waiting.setdefault(key, self.now() if when is None else when)

    def _add_after(self, key: str, after: float) -> None:
        if key not in self.waiting:
            self.due[key] = min(self.due.get(key, self.now() + after), self.now() + after)


TestAnyUse = AnyUse.TestCase
TestAnyUse.settings = settings(deadline=None, stateful_step_count=30)
