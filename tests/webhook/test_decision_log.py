from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from actgate_webhook import decision_log
from actgate_webhook.app import create_app
from actgate_webhook.decision_log import DecisionLog, FailurePolicy, open_sink
from actgate_webhook.metrics import Metrics
from tests.lookup.fakes import FakeEvidence, known
from tests.records.build import prove, sentences
from tests.support.waiting import eventually
from tests.webhook.build import Json, changed, failing, model_deployment, passing, review
from tests.webhook.fakes import InProcess, lifespan

CREATE = review(model_deployment())
UNCHANGED = review(changed(model_deployment(), "metadata.finalizers", []), model_deployment())


@dataclass
class FakeSink:
    """Keeps lines, and fails on demand."""

    lines: list[str] = field(default_factory=list)
    failure: OSError | None = None
    closed: bool = False

    def write(self, line: bytes) -> None:
        """Keep a line."""
        if self.failure is not None:
            raise self.failure
        self.lines.append(line.decode())

    def close(self) -> None:
        """Note the end."""
        self.closed = True

    def kinds(self) -> list[str]:
        """Return the kinds of the lines."""
        return [json.loads(line)["kind"] for line in self.lines]


class Recorded(InProcess):
    """A webhook in process, with a decision log."""

    def __init__(self, source: FakeEvidence | None = None, failure_policy: FailurePolicy = "Fail") -> None:
        super().__init__(source or FakeEvidence(known(passing())))
        self.sink = FakeSink()
        self.log = DecisionLog(self.sink, self.metrics, "webhook-1", failure_policy)
        self.app = create_app(source or FakeEvidence(known(passing())), self.metrics, decisions=self.log)

    def lost(self) -> float | None:
        """Return how many decisions the metric counts as lost."""
        return self.metrics.registry.get_sample_value("actgate_webhook_decision_log_lost_total")


def full() -> OSError:
    """Return the error of a full disk."""
    return OSError(28, "No space left on device")


async def test_a_run_is_one_chain_that_is_proven() -> None:
    """Start, a line for each decision, stop; what is not judged leaves no line."""
    ask = Recorded()
    async with lifespan(ask.app):
        assert (await ask(CREATE)).allowed
        assert (await ask(review(model_deployment(), dry_run=True))).allowed
        assert (await ask(review(None, model_deployment(), operation="DELETE"))).allowed
        assert (await ask(CREATE)).allowed
    assert ask.sink.kinds() == ["Start", "Decision", "Decision", "Stop"]
    proof = prove(ask.sink.lines, strict=True)
    assert sentences(proof) == ""
    assert (proof.chains[0].replica, proof.chains[0].decisions) == ("webhook-1", 2)
    assert ask.sink.closed


async def test_the_line_is_there_before_the_answer() -> None:
    """A client that has an answer finds its decision in the log."""
    ask = Recorded(FakeEvidence(known(failing())))
    async with ask.log:
        reply = await ask(CREATE)
        line = json.loads(ask.sink.lines[-1])
    assert (line["uid"], line["allowed"]) == (reply.response["uid"], reply.allowed)
    assert not reply.allowed


async def test_each_start_is_a_chain_of_its_own(tmp_path: Path) -> None:
    """A file to which several processes add one after the other is proven as several chains."""
    file = tmp_path / "decisions.log"
    for _ in range(3):
        async with DecisionLog(open_sink(str(file)), Metrics(), "webhook-1"):
            pass
    proof = prove(file.read_text().splitlines(keepends=True), strict=True)
    assert sentences(proof) == ""
    assert len(proof.chains) == 3


async def test_checkpoints_come_with_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every so many decisions, with the head of the chain in the log of the process too."""
    monkeypatch.setattr(decision_log, "CHECKPOINT_DECISIONS", 2)
    ask = Recorded()
    async with ask.log:
        for _ in range(5):
            await ask(CREATE)
    pair = ["Decision", "Decision", "Checkpoint"]
    assert ask.sink.kinds() == ["Start", *pair, *pair, "Decision", "Stop"]
    assert sentences(prove(ask.sink.lines, strict=True)) == ""


async def test_the_head_is_kept_elsewhere_too(caplog: pytest.LogCaptureFixture) -> None:
    """The process logs it on standard error, from where --head takes it."""
    caplog.set_level("INFO", decision_log.logger.name)
    ask = Recorded()
    async with ask.log:
        await ask(CREATE)
    heads = [json.loads(line)["hash"] for line in (ask.sink.lines[0], ask.sink.lines[-1])]
    assert [record.getMessage().rpartition(" ")[2] for record in caplog.records] == heads


async def test_time_brings_checkpoints_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quiet replica writes them as well, and none where nothing was decided since."""
    monkeypatch.setattr(decision_log, "CHECKPOINT_SECONDS", 0.01)
    ask = Recorded()
    async with lifespan(ask.app):
        await ask(CREATE)
        await _until(lambda: ask.sink.kinds().count("Checkpoint") == 1)
        await ask(CREATE)
        await _until(lambda: ask.sink.kinds().count("Checkpoint") == 2)
    assert ask.sink.kinds() == ["Start", "Decision", "Checkpoint", "Decision", "Checkpoint", "Stop"]


async def test_what_cannot_be_recorded_is_not_allowed() -> None:
    """A 503 and no verdict, counted; the log says how many are missing as soon as it can."""
    ask = Recorded()
    async with ask.log:
        ask.sink.failure = full()
        for _ in range(3):
            reply = await ask(CREATE)
            assert (reply.allowed, reply.response["status"]["code"]) == (False, 503)
            assert "the decision cannot be recorded" in reply.message
        assert ask.lost() == 3
        ask.sink.failure = None
        assert (await ask(CREATE)).allowed
    assert ask.sink.kinds() == ["Start", "Lost", "Decision", "Stop"]
    proof = prove(ask.sink.lines)
    assert sentences(proof) == ""
    assert proof.chains[0].lost == 3


async def test_where_counting_is_enough_nothing_waits_for_the_log() -> None:
    """The same, let through, and the replica stays ready."""
    ask = Recorded(failure_policy="Ignore")
    async with ask.log:
        ask.sink.failure = full()
        assert (await ask(CREATE)).allowed
        assert (await ask.send("GET", "/readyz")).status == 200
    assert ask.lost() == 1


async def test_a_refusal_stands_whether_or_not_it_is_recorded() -> None:
    """A 403 with its reasons is no less true for a full disk."""
    ask = Recorded(FakeEvidence(known(failing())))
    async with ask.log:
        ask.sink.failure = full()
        assert (await ask(CREATE)).response["status"]["code"] == 403
    assert ask.lost() == 1


async def test_no_finalizer_waits_for_a_full_disk() -> None:
    """An update that leaves the governed fields as they were passes, also when memory is empty."""
    for source in (FakeEvidence(known(passing())), FakeEvidence(age=1e6)):
        ask = Recorded(source)
        async with ask.log:
            ask.sink.failure = full()
            assert (await ask(UNCHANGED)).allowed
        assert ask.lost() == 1


async def test_a_dry_run_needs_no_record() -> None:
    """Nothing happens, so nothing has to be written."""
    ask = Recorded()
    async with ask.log:
        ask.sink.failure = full()
        assert (await ask(review(model_deployment(), dry_run=True))).allowed
    assert ask.lost() == 0


async def test_a_replica_that_cannot_record_is_unready_until_it_can(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Reviews go to other replicas; the log is tried again without any, and begins with its start."""
    monkeypatch.setattr(decision_log, "RETRY_SECONDS", 0.01)
    ask = Recorded()
    ask.sink.failure = full()
    async with lifespan(ask.app):
        page = await ask.send("GET", "/readyz")
        assert page.status == 503
        assert b"[-]decision log failed: it cannot be written: No space left on device" in page.body
        ask.sink.failure = None

        async def ready() -> bool:
            return (await ask.send("GET", "/readyz")).status == 200

        await eventually(ready)
        assert ask.sink.kinds() == ["Start"]
    messages = [record.getMessage() for record in caplog.records if record.levelname != "INFO"]
    assert messages == [
        "the decision log cannot be written: No space left on device",
        "the decision log is written again",
    ]


@pytest.mark.parametrize("user", ["\u0000", "é\U0001f600", '"}\n{', "x" * 100_000])
async def test_foreign_text_does_not_break_a_line(user: str) -> None:
    """Whatever a user is called, the line is one line and proven."""
    ask = Recorded()
    question: Json = review(model_deployment(), userInfo={"username": user})
    async with ask.log:
        assert (await ask(question)).allowed
    assert sentences(prove(ask.sink.lines, strict=True)) == ""
    assert json.loads(ask.sink.lines[1])["user"] == user


async def _until(condition: Callable[[], bool]) -> None:
    async def asked() -> bool:
        return condition()

    await eventually(asked)
