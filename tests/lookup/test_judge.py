"""What a verdict rests on: the cache, or a live read first."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest

from actgate.decision import Link, Manifest, Policy, Subject
from actgate.decision.decide import decide_under
from actgate.decision.manifest import Oversight
from actgate.lookup import judge as module
from actgate.lookup.evidence import (
    FRESH_SECONDS,
    Evidence,
    EvidenceUnavailableError,
    SignaturesPendingError,
)
from actgate.lookup.judge import MANY, Judged, SubjectJudge
from tests.decision.build import ASKING, NOW, PASSING, policy
from tests.lookup.fakes import FakeEvidence, Known, known

FAILING = replace(PASSING, oversight=Oversight(enabled=False))
READ = [("credit", PASSING.name)]


async def judged(source: FakeEvidence, subject: Subject = ASKING, reported: str | None = None) -> Judged:
    """Judge at the moment of the tests."""
    return await SubjectJudge(source, lambda: NOW).judge(subject, 4.0, reported)


async def test_an_allow_comes_from_the_cache_without_a_live_read() -> None:
    """Evidence that the cache has, and that was in contact lately, needs nothing else."""
    source = FakeEvidence(known(PASSING), reachable=False)
    assert (await judged(source)).verdict.allowed
    assert source.reads == []


async def test_a_cache_that_is_too_old_allows_nothing() -> None:
    """From 75 s after the last contact on, an allow is read live, and the cache alone is no verdict."""
    source = FakeEvidence(known(PASSING), age=FRESH_SECONDS)
    assert (await judged(source)).verdict.allowed
    assert source.reads == READ
    source.reachable = False
    with pytest.raises(EvidenceUnavailableError, match="connection refused"):
        await judged(source)


class Pending(FakeEvidence):
    """A cache in which signatures are being verified."""

    def from_cache(self, namespace: str, names: Sequence[str]) -> Evidence:
        """Say so."""
        raise SignaturesPendingError("not verified yet")


async def test_signatures_that_are_being_verified_are_read_live_unless_the_judge_is_patient() -> None:
    """A review cannot wait; who judges a thousand models after a change would read each of them live."""
    source = Pending(known(PASSING))
    assert (await judged(source)).verdict.allowed
    assert source.reads == READ
    with pytest.raises(SignaturesPendingError):
        await SubjectJudge(source, lambda: NOW, patient=True).judge(ASKING, 4.0, "Fail")
    assert source.reads == READ


async def test_a_patient_judge_reads_everything_else_live() -> None:
    """A cache that is too old, a miss and a refusal take the same read."""
    for source in (FakeEvidence({}, live=known(PASSING)), FakeEvidence(known(PASSING), age=FRESH_SECONDS)):
        patient = SubjectJudge(source, lambda: NOW, patient=True)
        assert (await patient.judge(ASKING, 4.0)).verdict.allowed
        assert source.reads == READ


async def test_a_miss_is_read_live_before_it_is_believed() -> None:
    """A manifest that was created just now is found although no watch has delivered it."""
    source = FakeEvidence({}, live=known(PASSING))
    assert (await judged(source)).verdict.allowed
    assert source.reads == READ


async def test_a_refusal_is_read_live_before_it_is_answered() -> None:
    """Evidence that was replaced just now is judged, not the one that the cache still has."""
    source = FakeEvidence(known(FAILING), live=known(PASSING))
    verdict, evidence = await judged(source)
    assert verdict.allowed
    assert evidence.manifests == (PASSING,)


async def test_a_missing_manifest_is_read_live_even_where_policies_only_warn() -> None:
    """A warning about a manifest that exists would be wrong too."""
    source = FakeEvidence({}, live=known(PASSING), policies=(policy(enforcement="Warn"),))
    assert (await judged(source)).verdict.outcome == "Pass"


async def test_every_linked_manifest_has_to_be_in_the_cache() -> None:
    """One of two is a miss."""
    second = replace(PASSING, name="second")
    both = replace(ASKING, links=(Link(PASSING.name), Link("second")))
    source = FakeEvidence(known(PASSING), live=known(PASSING, second), policies=(policy(enforcement="Warn"),))
    assert (await judged(source, both)).verdict.outcome == "Pass"
    assert source.reads == [("credit", PASSING.name, "second")]


@pytest.mark.parametrize("cached", [{}, known(FAILING)], ids=["miss", "refusal"])
async def test_without_the_api_server_a_miss_or_a_refusal_is_no_verdict(cached: Known) -> None:
    """Neither is one as long as it could be an old truth."""
    with pytest.raises(EvidenceUnavailableError, match="connection refused"):
        await judged(FakeEvidence(cached, reachable=False))


async def test_a_refusal_that_was_reported_is_not_read_again() -> None:
    """A thousand models without evidence cost the API server nothing."""
    source = FakeEvidence({}, live=known(PASSING))
    assert not (await judged(source, reported="Fail")).verdict.allowed
    assert source.reads == []


@pytest.mark.parametrize("live", [None, FAILING])
async def test_a_refusal_that_is_confirmed_counts(live: Manifest | None) -> None:
    """With the evidence that was read last."""
    source = FakeEvidence(known(FAILING), live=known(live) if live else {})
    verdict, evidence = await judged(source, reported="Pass")
    assert not verdict.allowed
    assert evidence.manifests == ((live,) if live else ())
    assert source.reads == READ


async def test_policies_are_chosen_by_the_labels_of_the_live_namespace() -> None:
    """A live read replaces the labels that the subject came with."""
    strict = policy("strict", namespaceSelector={"matchLabels": {"tier": "gold"}}, evidence={"maxAge": "1h"})
    lax = policy("lax", enforcement="Audit")
    source = FakeEvidence(known(PASSING), policies=(strict, lax), age=FRESH_SECONDS)
    source.namespaces = {"credit": {"tier": "gold"}}
    verdict, _ = await judged(source)
    assert verdict.policies == ("lax", "strict")
    assert verdict.failed_rules == ("evidence/age",)


async def test_what_is_read_live_leaves_no_memo() -> None:
    """Appraisals are kept of what the cache has, and only of that."""
    source = FakeEvidence({}, live=known(PASSING))
    await judged(source)
    assert len(source.appraisals) == 0
    await judged(FakeEvidence(known(PASSING), appraisals=source.appraisals))
    assert len(source.appraisals) == 1


async def test_the_cache_alone_judges_what_must_not_wait() -> None:
    """Good or bad; without it there is no verdict."""
    source = FakeEvidence(known(FAILING))
    assert not (await SubjectJudge(source, lambda: NOW).judge_from_cache(ASKING)).verdict.allowed
    source.age = FRESH_SECONDS
    with pytest.raises(EvidenceUnavailableError):
        await SubjectJudge(source, lambda: NOW).judge_from_cache(ASKING)
    assert source.reads == []


@pytest.mark.parametrize("count", [1, MANY - 1, MANY, 10 * MANY])
async def test_the_event_loop_goes_on_while_many_policies_are_held_against_a_subject(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """A lease is renewed by the same loop; a small decision is not worth a thread's turn."""
    seen: list[threading.Thread] = []
    release, turn = threading.Event(), asyncio.Event()
    many = count >= MANY

    def observed(*arguments: object) -> object:
        seen.append(threading.current_thread())
        if many:
            release.wait(30.0)
        return decide_under(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "decide_under", observed)
    source = FakeEvidence(
        known(PASSING), policies=tuple(Policy(f"policy-{number}") for number in range(count))
    )
    judging = asyncio.ensure_future(judged(source))
    asyncio.get_running_loop().call_soon(turn.set)
    await turn.wait()
    release.set()
    assert (await judging).verdict.allowed
    assert (seen != [threading.current_thread()]) is many
