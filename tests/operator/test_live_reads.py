"""Live reads of evidence are shared by passes that want the same, and are never older than a pass."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from actgate.decision.decide import Appraisals
from actgate.lookup.evidence import Evidence, EvidenceUnavailableError
from actgate_operator.live_reads import SharedReads


class Source:
    """Evidence that a test lets come."""

    def __init__(self) -> None:
        self.appraisals = Appraisals()
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.answers: list[asyncio.Future[Evidence]] = []

    def from_cache(self, namespace: str, names: Sequence[str]) -> Evidence:
        """Have nothing in a cache."""
        raise EvidenceUnavailableError(f"{namespace} {names}")

    async def fetch_live(self, namespace: str, names: Sequence[str], within: float) -> Evidence:
        """Wait for the test."""
        assert within == 10.0
        self.asked.append((namespace, tuple(names)))
        self.answers.append(asyncio.get_running_loop().create_future())
        return await self.answers[-1]

    def failing_checks(self) -> Mapping[str, str | None]:
        """Have none."""
        return {}


def evidence(age: float) -> Evidence:
    """Return evidence that a test knows again."""
    return Evidence((), (), {}, age)


async def turns() -> None:
    """Let every task that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_passes_that_come_while_a_read_is_under_way_share_the_next_one() -> None:
    """The first may show what was there before they came."""
    source = Source()
    reads = SharedReads(source)
    first = asyncio.create_task(reads.fetch_live("credit", ["evidence"], 10.0))
    await turns()
    others = [asyncio.create_task(reads.fetch_live("credit", ("evidence",), 10.0)) for _ in range(50)]
    await turns()
    source.answers[0].set_result(evidence(1.0))
    assert await first == evidence(1.0)
    await turns()
    source.answers[1].set_result(evidence(2.0))
    assert await asyncio.gather(*others) == [evidence(2.0)] * 50
    assert source.asked == [("credit", ("evidence",))] * 2
    assert reads._flights == {}


async def test_other_questions_are_reads_of_their_own() -> None:
    """Of another namespace, or another manifest."""
    source = Source()
    reads = SharedReads(source)
    questions = [("credit", ("a",)), ("credit", ("b",)), ("retail", ("a",))]
    tasks = [asyncio.create_task(reads.fetch_live(*question, 10.0)) for question in questions]
    await turns()
    assert source.asked == questions
    for number, answer in enumerate(source.answers):
        answer.set_result(evidence(float(number)))
    assert [item.age for item in await asyncio.gather(*tasks)] == [0.0, 1.0, 2.0]


async def test_a_read_that_fails_fails_for_those_who_share_it_and_is_forgotten() -> None:
    """The next pass asks anew."""
    source = Source()
    reads = SharedReads(source)
    for _ in range(2):
        task = asyncio.create_task(reads.fetch_live("credit", ("a",), 10.0))
        await turns()
        source.answers[-1].set_exception(EvidenceUnavailableError("no answer"))
        with pytest.raises(EvidenceUnavailableError):
            await task
    assert len(source.asked) == 2
    with pytest.raises(EvidenceUnavailableError, match="credit"):
        reads.from_cache("credit", ("a",))
