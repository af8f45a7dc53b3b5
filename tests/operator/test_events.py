"""Events about a model: one series for the same news, and none that stops anything."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakSet

import pytest

from actgate.kube.client import Cluster
from actgate.kube.errors import Forbidden, Unavailable
from actgate_operator.events import NORMAL, REPORTER, SERIES_SECONDS, WARNING, Events, Note
from actgate_operator.names import MANAGER
from actgate_operator.writer import NotLeadingError, Writer
from actgate_sandbox.control_plane import ControlPlane
from tests.kube.running import until
from tests.operator.fakes import NotingWriter, model
from tests.operator.world import World

NEWS = Note(WARNING, "EvidenceExpired", "the evidence expired")
START = datetime(2026, 11, 23, 12, 0, 0, 250, tzinfo=UTC)


class Clock:
    """Both clocks of a test, in seconds since it began."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        """Return the wall clock's time."""
        return START + timedelta(seconds=self.seconds)

    def steady(self) -> float:
        """Return the steady clock's time."""
        return self.seconds


def recording(writer: Writer, clock: Clock) -> Events:
    """Return events of a replica."""
    return Events(writer, "operator-1", now=clock.now, steady=clock.steady)


async def test_an_event_says_what_whom_and_when() -> None:
    """In the words of events.k8s.io/v1."""
    writer = NotingWriter()
    await recording(writer, Clock()).record(model("scorer"), NEWS)
    (event,) = writer.applied
    assert event["metadata"].pop("name").startswith("scorer.")
    assert event == {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"namespace": "credit"},
        "eventTime": "2026-11-23T12:00:00.000250Z",
        "type": "Warning",
        "reason": "EvidenceExpired",
        "action": "Reconcile",
        "note": "the evidence expired",
        "regarding": {
            "apiVersion": "actgate.dev/v1alpha1",
            "kind": "ModelDeployment",
            "namespace": "credit",
            "name": "scorer",
            "uid": "uid-scorer",
            "resourceVersion": "7",
        },
        "reportingController": REPORTER,
        "reportingInstance": "operator-1",
    }


async def test_the_same_news_again_is_counted_in_the_same_event() -> None:
    """As long as the pause between two is not long."""
    writer, clock = NotingWriter(), Clock()
    events = recording(writer, clock)
    for _ in range(3):
        await events.record(model("scorer"), NEWS)
        clock.seconds += SERIES_SECONDS
    first, second, third = writer.applied
    assert {item["metadata"]["name"] for item in writer.applied} == {first["metadata"]["name"]}
    assert second == {**first, "series": {"count": 2, "lastObservedTime": "2026-11-23T12:06:00.000250Z"}}
    assert third["series"]["count"] == 3
    clock.seconds += 1
    await events.record(model("scorer"), NEWS)
    assert "series" not in writer.applied[-1]
    assert writer.applied[-1]["metadata"]["name"] != first["metadata"]["name"]


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("other", NEWS),
        ("scorer", NEWS._replace(message="the evidence expired again")),
        ("scorer", NEWS._replace(reason="EvidenceRejected")),
        ("scorer", NEWS._replace(type=NORMAL)),
    ],
)
async def test_other_news_is_an_event_of_its_own(name: str, note: Note) -> None:
    """Of another model, or in other words, at the same moment."""
    writer = NotingWriter()
    events = recording(writer, Clock())
    await events.record(model("scorer"), NEWS)
    await events.record(model(name), note)
    first, second = writer.applied
    assert first["metadata"]["name"] != second["metadata"]["name"]
    assert "series" not in second


async def test_notes_wait_until_statuses_are_written() -> None:
    """And are recorded in their order, with the time at which they were made."""
    writer, clock, busy = NotingWriter(), Clock(), True
    events = recording(writer, clock)
    running = asyncio.create_task(events.run(lambda: busy))
    events.note(model("scorer"), NEWS)
    clock.seconds += 30
    events.note(model("other"), NEWS)
    await asyncio.sleep(0)
    assert writer.applied == []
    busy = False
    await until(lambda: len(writer.applied) == 2)
    running.cancel()
    assert [item["regarding"]["name"] for item in writer.applied] == ["scorer", "other"]
    assert writer.applied[0]["eventTime"] == "2026-11-23T12:00:00.000250Z"


async def test_what_waits_at_the_end_is_recorded_within_a_time() -> None:
    """The statuses of these news are written already, so that no later pass would notice them."""
    writer = NotingWriter()
    events = recording(writer, Clock())
    for name in ("scorer", "other"):
        events.note(model(name), NEWS)
    await events.flush(60.0)
    assert len(writer.applied) == 2


async def test_an_api_server_that_hangs_holds_up_no_end() -> None:
    """The lease is to be given back."""

    class Hanging(NotingWriter):
        """Is never answered."""

        async def apply(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401
            await asyncio.Event().wait()

    events = recording(Hanging(), Clock())
    events.note(model("scorer"), NEWS)
    async with asyncio.timeout(60.0):
        await events.flush(0.01)


@pytest.mark.parametrize("failure", [Unavailable("no answer"), Forbidden("namespace is being terminated")])
async def test_an_event_that_cannot_be_written_stops_nothing(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged with the model that it was about, and the next one is written."""
    writer = NotingWriter(failure)
    events = recording(writer, Clock())
    await events.record(model("scorer"), NEWS)
    assert writer.applied == []
    assert f"Event EvidenceExpired of credit/scorer was not recorded: {failure}" in caplog.text
    await events.record(model("scorer"), NEWS)
    assert len(writer.applied) == 1


async def test_who_does_not_lead_any_more_writes_no_event() -> None:
    """That ends the process, as with any other write."""
    with pytest.raises(NotLeadingError):
        await recording(NotingWriter(NotLeadingError()), Clock()).record(model("scorer"), NEWS)


class Uid(str):
    """A uid that can be seen to be forgotten."""


async def test_news_that_is_old_is_forgotten() -> None:
    """That of models that are gone would fill the memory."""
    writer, clock, known = NotingWriter(), Clock(), WeakSet[Uid]()
    events = recording(writer, clock)
    for number in range(10_000):
        clock.seconds += 1
        thing = model(f"model-{number}")
        uid = Uid(f"uid-{number}")
        thing["metadata"]["uid"] = uid
        known.add(uid)
        await events.record(thing, NEWS)
        writer.applied.clear()
    assert len(known) < 5000


async def test_an_api_server_takes_events_and_series(control_plane: ControlPlane, world: World) -> None:
    """With the longest name, reason and note, and with a series; the event stays one object."""
    name = f"{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 60}"
    live: dict[str, Any] = world.model(name)
    clock = Clock()
    long = Note(WARNING, "R" * 500, "n" * 5000)
    async with Cluster.from_environment(control_plane.kubeconfig) as cluster:
        events = recording(Writer(cluster, lambda: True), clock)
        for note in (NEWS, long, NEWS, NEWS):
            await events.record(live, note)
            clock.seconds += 1
    stored = {event["reason"]: event for event in world.events()}
    assert stored.keys() == {"EvidenceExpired", "R" * 128}
    assert stored["EvidenceExpired"]["series"]["count"] == 3
    assert len(stored["R" * 128]["note"]) == 1024
    for event in stored.values():
        assert event["regarding"]["uid"] == live["metadata"]["uid"]
        assert event["metadata"]["managedFields"][0]["manager"] == MANAGER
