"""No byte of an answer leaves before its record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from actgate.recording.log import OnFailure
from actgate.recording.named import Named
from actgate.recording.use import Content
from actgate.trace import segments
from actgate.trace.digests import Digester, Purpose
from tests.recorder.harness import Held, Model, opened, read_request, recorder
from tests.support.waiting import eventually

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
GET = b"GET /a HTTP/1.1\r\nHost: model\r\nConnection: close\r\n\r\n"
POST = (
    b"POST /infer HTTP/1.1\r\nHost: m\r\nConnection: close\r\nContent-Length: 14\r\n\r\n" + b'{"income":4321'
)


TOKEN = "a-token-of-32-bytes-a-token-of-32"


def contents(directory: Path) -> bytes:
    """Return all bytes of all files, those of sealed segments decompressed."""
    return b"\n".join(
        segments.decompress(path.read_bytes()) if path.suffix == ".zst" else path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    )


class Key:
    """One key."""

    def digester(self) -> Digester:
        """Return it."""
        return Digester("2026-11-27", b"k" * 32)


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""

    async def asked() -> object:
        return condition()

    await eventually(asked)


async def nothing(reader: asyncio.StreamReader) -> bool:
    """Return whether nothing can be read after the loop had its turns."""
    for _ in range(20):
        await asyncio.sleep(0)
    return not reader._buffer  # type: ignore[attr-defined]


async def test_an_answer_waits_for_its_record() -> None:
    """It is there as a whole, and stays."""
    log = Held()
    log.open.clear()
    async with recorder(Model(OK), log) as running:
        reader, writer = await running.connect()
        writer.write(GET)
        await until(lambda: running.model.requests)
        assert await nothing(reader)
        log.open.set()
        assert (await reader.read()).endswith(b"ok")
        assert log.events == ["inference"]
        writer.close()


async def test_a_stream_begins_after_one_record_and_ends_after_another() -> None:
    """Its pieces pass at once between both; the last one waits."""
    log, go = Held(), asyncio.Event()
    log.open.clear()

    async def streaming(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(STREAM + b"3\r\none\r\n")
        await go.wait()
        writer.write(b"3\r\ntwo\r\n0\r\n\r\n")
        await writer.drain()

    async with recorder(Model(streaming), log) as running:
        reader, writer = await running.connect()
        writer.write(GET)
        await until(lambda: running.proxy.clients)
        assert await nothing(reader)
        log.open.set()
        await reader.readuntil(b"one\r\n")
        assert log.events == ["stream.start"]
        log.open.clear()
        go.set()
        assert await nothing(reader)
        log.open.set()
        assert (await reader.read()).endswith(b"3\r\ntwo\r\n0\r\n\r\n")
        start, end = log.records
        assert end["event"] == "stream.end"
        assert (start["id"], end["stream"]) == (end["id"], {"complete": True})
        assert end["out"]["bytes"] == 6
        writer.close()


async def test_an_answer_without_a_record_is_refused_or_counted() -> None:
    """As the setting says; a log that works again states what it lacks."""
    for on_failure, answered in ((OnFailure.REFUSE, b"503"), (OnFailure.SERVE, b"200")):
        log = Held()
        log.error = "No space left on device"
        async with recorder(Model(OK), log, on_failure=on_failure) as running:
            first = await running.exchange(GET)
            second = await running.exchange(GET)
            assert first.split()[1] == second.split()[1] == answered
            refuses = on_failure is OnFailure.REFUSE
            assert len(running.model.requests) == (1 if refuses else 2), "a closed log asks no model"
            assert bool(running.proxy.log.failing_checks()["inference log"]) is refuses
            log.error = None
            await until(lambda log=log: log.records)  # type: ignore[misc]
            assert (await running.exchange(GET)).split()[1] == b"200"
        assert log.events == ["gap", "inference"]
        assert log.records[0]["count"] == (0 if refuses else 2)


async def test_an_end_that_cannot_be_recorded_cuts_the_answer() -> None:
    """Its client sees that it is not whole."""
    log, go = Held(), asyncio.Event()

    async def streaming(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(STREAM + b"3\r\none\r\n")
        await go.wait()
        writer.write(b"0\r\n\r\n")

    async with recorder(Model(streaming), log) as running:
        reader, writer = await running.connect()
        writer.write(GET)
        await reader.readuntil(b"one\r\n")
        log.error = "Read-only file system"
        go.set()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readuntil(b"0\r\n\r\n")
        writer.close()


async def test_a_model_that_fails_is_recorded() -> None:
    """Errors are events that Art. 12(2)(a) asks for: no answer, a broken one, one that is cut."""

    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)

    async def cutting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(STREAM + b"3\r\none\r\n")
        await writer.drain()

    broken = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
    for model, status in ((Model(closing), b"502"), (Model(broken), b"502"), (Model(cutting), b"200")):
        log = Held()
        async with recorder(model, log) as running:
            answer = await running.exchange(POST)
            assert answer.split()[1] == status
            assert not answer.endswith(b"0\r\n\r\n")
        assert log.records[-1]["error"]
        assert log.records[-1]["id"].encode() in answer


async def test_a_client_that_leaves_is_recorded_and_the_model_learns_of_it() -> None:
    """The model stops, as it would without a recorder; what left is not called whole."""
    log, gone = Held(), asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(STREAM + b"3\r\none\r\n")
        await reader.read()
        gone.set()

    async with recorder(Model(endless), log) as running:
        reader, writer = await running.connect()
        writer.write(GET)
        await reader.readuntil(b"one\r\n")
        writer.close()
        await asyncio.wait_for(gone.wait(), 30)
    assert log.events == ["stream.start", "stream.end"]
    assert log.records[1]["stream"] == {"complete": False}


async def test_a_probe_is_passed_and_not_recorded() -> None:
    """By path and method, never by a header; with a query or a body it is a use."""
    log = Held()
    async with recorder(Model(OK), log) as running:
        probe = b"GET /healthz HTTP/1.1\r\nHost: model\r\nConnection: close\r\n"
        assert (await running.exchange(probe + b"\r\n")).endswith(b"ok")
        assert log.records == []
        await running.exchange(probe.replace(b"/healthz", b"/healthz?infer=1") + b"\r\n")
        await running.exchange(probe + b"Content-Length: 1\r\n\r\nx")
        await running.exchange(probe.replace(b"/healthz", b"/infer") + b"User-Agent: kube-probe/1.36\r\n\r\n")
    assert log.events == ["inference"] * 3


async def test_nothing_that_was_asked_or_answered_is_in_the_log(tmp_path: Path) -> None:
    """By default: neither query, nor body, nor header, in no file."""
    writer = await opened(tmp_path)
    answer = OK.replace(b"2\r", b"14\r").replace(b"ok", b'{"score":7.31}')
    async with recorder(Model(answer), writer, keys=Key()) as running:
        request = POST.replace(b"/infer", b"/infer?name=winterbottom")
        assert b'{"score":7.31}' in await running.exchange(
            request.replace(b"Host: m", b"Host: m\r\nX-User: quimby")
        )
    await writer.close()
    written = contents(tmp_path)
    assert b'"event":"inference"' in written
    for secret in (b"4321", b"income", b"winterbottom", b"7.31", b"score", b"quimby", b"k" * 32):
        assert secret not in written, secret


async def test_named_values_and_a_subject_are_recorded() -> None:
    """What a pointer finds is in the clear, the subject by a keyed digest; a missing value fails nothing."""
    content = Content(
        named=(
            Named.parse("score=response:/predictions/0/score"),
            Named.parse("none=response:/predictions/7"),
            Named.parse("threshold=request:/threshold"),
        ),
        subject=Named.parse("subject=request:/applicant/id"),
        caller_header="X-User",
    )
    request = orjson.dumps({"threshold": 0.5, "applicant": {"id": "A-17"}})
    answer = orjson.dumps({"predictions": [{"score": 0.25}]})
    log = Held()
    model = Model(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))
    async with recorder(model, log, content=content, keys=Key()) as running:
        head = b"POST / HTTP/1.1\r\nHost: m\r\nX-User: jo\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        await running.exchange(head % len(request) + request)
    [record] = log.records
    assert record["fields"] == {"score": 0.25, "none": None, "threshold": 0.5}
    assert record["in"]["bytes"] == len(request)
    text = repr(record)
    assert "A-17" not in text
    assert "jo'" not in text
    assert record["subject"]["mac"] == Key().digester().of(Purpose.SUBJECT, b"A-17")["mac"]


async def test_events_of_oversight_are_recorded_for_who_shows_a_token(tmp_path: Path) -> None:
    """Beside the decision that they are about; a stop needs nothing else."""
    (tmp_path / "review-desk").write_text(TOKEN)
    log = Held()
    async with recorder(Model(OK), log, tokens=tmp_path, keys=Key()) as running:

        async def post(event: object, token: str = TOKEN) -> bytes:
            body = orjson.dumps(event)
            head = (
                "POST /_actgate/events HTTP/1.1\r\nHost: m\r\nConnection: close\r\n"
                f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            return await running.exchange(head.encode() + body)

        answer = await running.exchange(GET)
        decision = next(line for line in answer.split(b"\r\n") if b"Record-Id" in line).split()[1].decode()
        shown = {"action": "overridden", "decision": decision, "reviewer": "R7", "reason": "income"}
        assert (await post(shown)).split()[1] == b"201"
        assert (await post({"action": "stopped"})).split()[1] == b"201"
        assert (await post(shown, token="guessed")).split()[1] == b"401"
        assert b"decision: Required value" in await post({"action": "accepted"})
        assert b"Invalid value" in await post({**shown, "name": "Jane"})
        assert (await running.exchange(GET.replace(b"/a", b"/_actgate/"))).split()[1] == b"404"
        assert len(running.model.requests) == 1
    assert log.events == ["inference", "oversight", "suspend"]
    override, stop = log.records[1:]
    assert (override["decision"], override["actor"], override["reason"]) == (
        decision,
        "review-desk",
        "income",
    )
    assert "R7" not in override["reviewer"]
    assert stop["actor"] == "review-desk"
    async with recorder(Model(OK), log) as running:
        refused = await running.exchange(GET.replace(b"GET /a", b"POST /_actgate/events"))
        assert refused.split()[1] == b"403"
