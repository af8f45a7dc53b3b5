"""One candidate leads at a time, and it knows in time when it does not any more."""

from __future__ import annotations

import asyncio
import math
import random
import runpy
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import wraps
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate.kube import lease as lease_module
from actgate.kube import timing
from actgate.kube.errors import Forbidden, Unavailable
from actgate.kube.lease import Lease, LeaseLost
from actgate.kube.timing import LeaseTiming
from tests.kube.fake_leases import Line, Server
from tests.kube.virtual_time import run_virtually, virtual_now

pytestmark = pytest.mark.system

TIMING = LeaseTiming(now=virtual_now, chance=lambda: 0.5)


def virtually(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test on the virtual clock."""

    @wraps(test)
    def run() -> None:
        run_virtually(test())

    return run


def candidate(line: Line, name: str = "a", timing: LeaseTiming = TIMING) -> Lease:
    return Lease(line, "actgate-system", "actgate-operator", name, timing=timing)


@asynccontextmanager
async def acquiring(lease: Lease) -> AsyncIterator[asyncio.Task[None]]:
    """Let a candidate try in the background."""
    task = asyncio.create_task(lease.acquire())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def keeping(lease: Lease) -> AsyncIterator[asyncio.Task[None]]:
    """Let a leader renew in the background; the test fails when it loses the lease."""
    task = asyncio.create_task(lease.keep())
    try:
        yield task
        assert not task.done(), task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def seconds_of(awaited: Awaitable[object]) -> float:
    """Return how long something takes on the virtual clock."""
    begun = virtual_now()
    await awaited
    return virtual_now() - begun


@virtually
async def test_a_missing_lease_is_made() -> None:
    """With everything in it that another client of the Kubernetes API expects."""
    server = Server()
    lease = candidate(Line(server))
    assert not lease.held()
    assert lease.age() == math.inf
    await lease.acquire()
    assert lease.held()
    assert (lease.holder, lease.age()) == (lease.identity, 0.0)
    spec = server.spec
    assert spec["holderIdentity"] == lease.identity
    assert (spec["leaseDurationSeconds"], spec["leaseTransitions"]) == (15, 0)
    for moment in (spec["renewTime"], spec["acquireTime"]):
        assert moment.endswith("Z")
        assert datetime.fromisoformat(moment).tzinfo is not None


@virtually
async def test_a_lease_that_is_kept_stays_with_its_holder() -> None:
    """However long another candidate waits; renewals change nothing but the time."""
    server = Server()
    first, second = candidate(Line(server)), candidate(Line(server), "b")
    await first.acquire()
    async with keeping(first), acquiring(second):
        await asyncio.sleep(3600.0)
        assert first.held()
        assert not second.held()
        assert second.holder == first.identity
        assert server.spec["leaseTransitions"] == 0
        assert first.age() <= TIMING.renew_every


@virtually
async def test_a_released_lease_is_taken_at_the_next_look() -> None:
    """And counted as a change of hands."""
    server = Server()
    first, second = candidate(Line(server)), candidate(Line(server), "b")
    await first.acquire()
    async with acquiring(second) as trying:
        await asyncio.sleep(1.0)
        await first.release()
        assert not first.held()
        assert server.holder == ""
        assert await seconds_of(trying) <= 1.2 * TIMING.renew_every
    assert (server.holder, server.spec["leaseTransitions"]) == (second.identity, 1)
    assert server.spec["leaseDurationSeconds"] == 15


@virtually
async def test_the_lease_of_a_killed_holder_is_taken_after_its_duration() -> None:
    """Not before, counted from when it was first seen."""
    server = Server()
    first, second = candidate(Line(server)), candidate(Line(server), "b")
    await first.acquire()
    taken = await seconds_of(second.acquire())
    assert TIMING.duration <= taken <= TIMING.duration + 1.2 * TIMING.renew_every
    assert second.held()
    assert not first.held()


@virtually
async def test_a_lease_is_left_alone_for_as_long_as_it_says_itself() -> None:
    """Another version of us, or another program, may have longer breath."""
    server = Server()
    long = replace(TIMING, duration=60.0)
    await candidate(Line(server), timing=long).acquire()
    assert await seconds_of(candidate(Line(server), "b").acquire()) >= 60.0


@pytest.mark.parametrize("spec", [None, {}, {"holderIdentity": ""}, {"holderIdentity": None}], ids=repr)
def test_a_lease_without_a_holder_is_free(spec: object) -> None:
    """`kubectl create` may have made it."""

    async def take() -> None:
        server = Server()
        server.put({"metadata": {"name": "actgate-operator", "labels": {"kept": "yes"}}, "spec": spec})
        lease = candidate(Line(server))
        assert await seconds_of(lease.acquire()) == 0.0
        assert server.holder == lease.identity
        assert server.get()["metadata"]["labels"] == {"kept": "yes"}

    run_virtually(take())


@virtually
async def test_a_restarted_process_is_another_candidate() -> None:
    """The same name does not inherit: the former process may not be dead yet."""
    server = Server()
    former = candidate(Line(server), "pod-0")
    await former.acquire()
    restarted = candidate(Line(server), "pod-0")
    assert former.identity != restarted.identity
    assert await seconds_of(restarted.acquire()) >= TIMING.duration


@virtually
async def test_a_lost_answer_does_not_cost_the_lease() -> None:
    """The write came in and its answer did not: the name that stands in the lease is ours."""
    server = Server()
    backs = iter([0.0, 10.0])
    lease = candidate(Line(server, back=lambda: next(backs, 0.0)))
    await lease.acquire()
    assert lease.held()
    assert server.spec["leaseTransitions"] == 0


@virtually
async def test_a_renewal_whose_answer_was_lost_is_found_again() -> None:
    """The next one is a conflict with ourselves."""
    server = Server()
    line = Line(server)
    lease = candidate(line)
    await lease.acquire()
    backs = iter([5.0])
    line.back = lambda: next(backs, 0.0)
    async with keeping(lease):
        await asyncio.sleep(3600.0)
        assert lease.held()


@virtually
async def test_a_hung_api_server_costs_the_lease_before_others_may_take_it() -> None:
    """Requests are taken and never answered."""
    server = Server()
    line = Line(server)
    lease = candidate(line)
    await lease.acquire()
    renewed_at = virtual_now()
    line.there = lambda: 10_000.0
    with pytest.raises(LeaseLost, match="not renewed for 9 seconds"):
        await lease.keep()
    assert virtual_now() - renewed_at <= TIMING.renew_deadline
    assert not lease.held()
    assert line.requests >= 4


@virtually
async def test_a_slow_answer_counts_from_its_question() -> None:
    """What was sent eight seconds ago is held for one more second."""
    server = Server()
    line = Line(server, there=lambda: 1.0, back=lambda: 2.5)
    lease = candidate(line)
    await lease.acquire()
    await asyncio.sleep(TIMING.renew_deadline - 3.5 - 0.1)
    assert lease.held()
    await asyncio.sleep(0.2)
    assert not lease.held()


@virtually
async def test_the_name_of_another_candidate_ends_it_at_once() -> None:
    """A person, or a candidate with another clock, took the lease by force."""
    server = Server()
    lease = candidate(Line(server))
    await lease.acquire()
    server.put({**server.get(), "spec": {**server.spec, "holderIdentity": "another"}})
    with pytest.raises(LeaseLost, match="held by another"):
        await lease.keep()
    assert not lease.held()
    assert lease.holder == "another"


@virtually
async def test_a_deleted_lease_ends_it() -> None:
    """Another candidate may make it anew at any moment."""
    server = Server()
    lease = candidate(Line(server))
    await lease.acquire()
    server.lease = None
    with pytest.raises(LeaseLost):
        await lease.keep()
    assert not lease.held()


@virtually
async def test_a_label_on_the_lease_does_not_end_it() -> None:
    """The version changed, the holder did not."""
    server = Server()
    lease = candidate(Line(server))
    await lease.acquire()
    async with keeping(lease):
        for _ in range(20):
            await asyncio.sleep(5.0)
            server.put(server.get())
            assert lease.held()


@virtually
async def test_of_two_candidates_for_a_missing_lease_one_gets_it() -> None:
    """Both see that there is none, and both make it."""
    server = Server()
    first, second = candidate(Line(server)), candidate(Line(server), "b")
    async with acquiring(first), acquiring(second):
        await asyncio.sleep(1.0)
        assert first.held() != second.held()


@virtually
async def test_of_two_candidates_for_an_expired_lease_one_gets_it() -> None:
    """Both see that it is, and both write: the version lets one win."""
    server = Server()
    await candidate(Line(server), "dead").acquire()
    first, second = candidate(Line(server)), candidate(Line(server), "b")
    async with acquiring(first), acquiring(second):
        await asyncio.sleep(20.0)
        assert first.held() != second.held()
    assert server.spec["leaseTransitions"] == 1


@virtually
async def test_a_process_that_was_stopped_does_not_hold_it_any_more() -> None:
    """SIGSTOP, or a machine that slept: nothing ran, and `held` is false from the first line on."""
    server = Server()
    gap = 0.0
    timing = replace(TIMING, now=lambda: virtual_now() + gap)
    lease = candidate(Line(server), timing=timing)
    await lease.acquire()
    assert lease.held()
    gap = 3600.0
    assert not lease.held()
    requests = server.version
    with pytest.raises(LeaseLost):
        await lease.keep()
    assert server.version == requests, "it was renewed after it had expired"


def test_the_clock_goes_on_while_the_machine_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """And there is one where the system has no such clock."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    with monkeypatch.context() as patch:
        if clock is not None:
            patch.setattr(time, "clock_gettime", {clock: 12.5}.__getitem__)
            assert runpy.run_path(timing.__file__)["boot_clock"]() == 12.5
            patch.delattr(time, "CLOCK_BOOTTIME")
        patch.setattr(time, "monotonic", lambda: 7.5)
        assert runpy.run_path(timing.__file__)["boot_clock"]() == 7.5


class OtherCentury(datetime):
    """A wall clock that was set."""

    @classmethod
    def now(cls, tz: Any = None) -> OtherCentury:  # noqa: ANN401 - as the library says
        """Return a time of long ago."""
        return cls(1984, 1, 1, tzinfo=tz)


@virtually
async def test_the_wall_clock_changes_nothing() -> None:
    """Neither the holder's nor a candidate's; what is written is for people."""
    server = Server()
    first, second = candidate(Line(server)), candidate(Line(server), "b")
    await first.acquire()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lease_module, "datetime", OtherCentury)
        async with keeping(first), acquiring(second):
            await asyncio.sleep(60.0)
            assert server.spec["renewTime"].startswith("1984-01-01T")
            assert first.held()
            assert not second.held()


@virtually
async def test_a_candidate_never_gives_up() -> None:
    """Whatever the API server says, for as long as it says it."""
    server = Server()
    line = Line(server)
    lease = candidate(line)
    errors = iter([Forbidden("no", code=403), Unavailable("down"), None])

    def fail() -> float:
        error = next(errors, None) if virtual_now() > 1500.0 else Unavailable("down")
        if error is not None:
            raise error
        return 0.0

    line.there = fail
    assert await seconds_of(lease.acquire()) >= 500.0
    assert lease.held()


@virtually
async def test_release_leaves_the_lease_of_another_alone() -> None:
    """Ours expired, and another candidate holds it now."""
    server = Server()
    first, second = candidate(Line(server)), candidate(Line(server), "b")
    await first.acquire()
    await second.acquire()
    await first.release()
    assert server.holder == second.identity


@pytest.mark.parametrize("there", [1000.0, None], ids=["hung", "refused"])
def test_release_is_short_and_quiet(there: float | None) -> None:
    """The process wants to end, and the lease expires by itself."""

    def way() -> float:
        if there is None:
            raise Unavailable("refused")
        return there

    async def release() -> None:
        line = Line(Server())
        lease = candidate(line)
        await lease.acquire()
        line.there = way
        assert await seconds_of(lease.release()) <= TIMING.request
        assert not lease.held()

    run_virtually(release())


@pytest.mark.parametrize("way", [100.0, None], ids=["hung", "refused"])
def test_a_lease_that_was_never_asked_for_is_not_released(
    way: float | None, caplog: pytest.LogCaptureFixture
) -> None:
    """A replica that never reached the API server ends at once, and says nothing of a lease."""

    def there() -> float:
        if way is None:
            raise Unavailable("refused")
        return way

    async def release() -> None:
        line = Line(Server(), there)
        lease = candidate(line)
        async with acquiring(lease):
            await asyncio.sleep(TIMING.request + 0.5)
        caplog.clear()
        asked = line.requests
        assert await seconds_of(lease.release()) == 0.0
        assert line.requests == asked

    run_virtually(release())
    assert caplog.messages == []


@virtually
async def test_a_lease_whose_answer_never_came_is_released() -> None:
    """It may be ours: the others need not wait until it expires."""
    server = Server()
    line = Line(server, back=lambda: 100.0 if server.lease is not None else 0.0)
    lease = candidate(line)
    async with acquiring(lease):
        await asyncio.sleep(1.0)
    assert server.holder == lease.identity
    assert not lease.held()
    line.back = lambda: 0.0
    await lease.release()
    assert server.holder == ""


def test_a_release_without_an_answer_says_why(caplog: pytest.LogCaptureFixture) -> None:
    """A deadline that passed has no words of its own."""

    async def release() -> None:
        line = Line(Server())
        lease = candidate(line)
        await lease.acquire()
        line.there = lambda: 100.0
        caplog.clear()
        await lease.release()

    run_virtually(release())
    (message,) = caplog.messages
    assert message.startswith(
        "lease actgate-system/actgate-operator: not released, it expires by itself: no "
    )
    assert not message.endswith(": ")


@virtually
async def test_release_wins_over_a_renewal_that_was_broken_off() -> None:
    """It was under way when its task was cancelled, and comes in between look and write."""
    server = Server()
    line = Line(server)
    lease = candidate(line)
    await lease.acquire()
    ways = iter([0.5, 0.2, 0.5])
    line.there = lambda: next(ways, 0.0)
    task = asyncio.create_task(lease.keep())
    await asyncio.sleep(TIMING.renew_every + 0.1)
    task.cancel()
    await lease.release()
    await asyncio.sleep(5.0)
    assert server.holder == ""


@pytest.mark.parametrize(
    "broken",
    [
        {"renew_deadline": 11.0},
        {"request": 6.0},
        {"renew_every": 9.0},
        {"renew_every": 0.0},
        {"duration": 13.0},
    ],
    ids=str,
)
def test_timing_that_cannot_keep_the_promise_is_refused(broken: dict[str, float]) -> None:
    """Two leaders would be possible, or no renewal would be in time."""
    with pytest.raises(ValueError, match=r"renew_(every|deadline)"):
        replace(LeaseTiming(), **broken)  # type: ignore[arg-type]


class Campaign:
    """Candidates that lead, write, lose and try again over lines that fail by chance."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.server = Server()
        self.healthy = False
        self.leaders: dict[str, Lease] = {}
        self.writing: set[str] = set()
        self.clashes: list[set[str]] = []
        self.terms = 0

    def way(self) -> float:
        """Draw how long a message takes."""
        if self.healthy or self.chance.random() < 0.7:
            return self.chance.uniform(0.0, 0.5)
        return self.chance.uniform(0.0, 40.0)

    async def sleep(self, seconds: float) -> None:
        """Sleep too long now and then, as a process that gets no time."""
        gap = 0.0 if self.healthy or self.chance.random() < 0.9 else self.chance.uniform(0.0, 30.0)
        await asyncio.sleep(max(seconds, 0.0) + gap)

    async def run(self, name: str) -> None:
        """Be one candidate, in one life after the other."""
        timing = replace(TIMING, sleep=self.sleep, chance=self.chance.random)
        while True:
            lease = candidate(Line(self.server, self.way, self.way), name, timing)
            await lease.acquire()
            self.terms += 1
            self.leaders[name] = lease
            work = asyncio.create_task(self.work(name, lease))
            lost = self.chance.uniform(0.0, 120.0)
            with suppress(LeaseLost, TimeoutError):
                async with asyncio.timeout(lost):
                    await lease.keep()
            work.cancel()
            if self.chance.random() < 0.5 and name not in self.writing:
                await lease.release()

    async def work(self, name: str, lease: Lease) -> None:
        """Write as long as the lease is held; no write takes longer than a request may."""
        while True:
            if lease.held():
                if self.writing - {name}:
                    self.clashes.append({name, *self.writing})
                asyncio.get_running_loop().call_later(TIMING.request, self.writing.discard, name)
                self.writing.add(name)
                # The clock of the promise starts with the write: the next one waits for its end.
                await asyncio.sleep(TIMING.request)
            await asyncio.sleep(0.1)

    async def hold(self) -> None:
        """Play five minutes of failures, then some without."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.run(name)) for name in "abc"]
            for tick in range(4000):
                self.healthy = tick >= 3000
                await asyncio.sleep(0.1)
                leading = [name for name, lease in self.leaders.items() if lease.held()]
                assert len(leading) <= 1, leading
            for task in tasks:
                task.cancel()
        for late in list(self.server.late):
            late.cancel()


@given(st.integers())
def test_there_are_never_two_leaders(seed: int) -> None:
    """With late messages, lost answers, processes that stall, and campaigns that end by chance."""
    campaign = Campaign(random.Random(seed))  # noqa: S311 - nothing to guess
    run_virtually(campaign.hold())
    assert campaign.terms > 0
    assert not campaign.clashes
