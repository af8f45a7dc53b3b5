"""The recorder when its log cannot be written, or a key is gone: refused or counted, and never silent."""

from __future__ import annotations

import re
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from actgate.recording import keys
from actgate.recording.keys import Keyring
from actgate.recording.log import OnFailure
from bench.recorder.kills import end, start
from bench.recorder.lives import Lives
from bench.recorder.outage import without_storage
from demo.service import free_port
from tests.recorder.harness import Held, Model, recorder
from tests.recorder.test_release import GET, OK
from tests.recording.test_failures import verified
from tests.support.waiting import eventually

ASK = {"income": 4321}


@dataclass
class Process:
    """A recorder with a model, as processes."""

    number: int
    client: httpx2.AsyncClient
    port: int
    health_port: int

    async def ask(self) -> int:
        """Use the model, and return the status of the answer."""
        return (await self.client.post(f"http://127.0.0.1:{self.port}/one", json=ASK)).status_code

    async def page(self, path: str) -> httpx2.Response:
        """Return a page of the recorder's own."""
        return await self.client.get(f"http://127.0.0.1:{self.health_port}{path}")

    async def count(self, name: str) -> int:
        """Return a counter."""
        found = re.search(rf"(?m)^actgate_recorder_{name} ([0-9.]+)$", (await self.page("/metrics")).text)
        assert found, name
        return int(float(found[1]))

    def limit(self, size: int) -> None:
        """Let the kernel refuse to make a file of the recorder longer (EFBIG), as on a full disk."""
        hard = resource.prlimit(self.number, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(self.number, resource.RLIMIT_FSIZE, (size, hard))


@asynccontextmanager
async def running(directory: Path, on_failure: OnFailure) -> AsyncIterator[Process]:
    """Run both until the block ends; then the log is ended as that of a pod."""
    port, health_port = free_port(), free_port()
    more = (f"--health-port={health_port}", f"--on-failure={on_failure}")
    with Lives() as lives:
        number = await start(lives, port, directory, *more)
        async with httpx2.AsyncClient(trust_env=False) as client:
            yield Process(number, client, port, health_port)
        await end(number)


@pytest.mark.system
async def test_a_disk_that_is_full_refuses_until_there_is_room(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """503 and unready meanwhile, without asking the model; a second later all is as before, and stated."""
    async with running(tmp_path, OnFailure.REFUSE) as process:
        process.limit(4000)
        statuses = [await process.ask() for _ in range(30)]
        given = statuses.count(200)
        assert given > 0
        assert statuses == [200] * given + [503] * (30 - given)
        ready = await process.page("/readyz?verbose")
        assert (ready.status_code, "inference log" in ready.text) == (503, True)
        process.limit(resource.RLIM_INFINITY)

        async def answers() -> bool:
            return await process.ask() == 200

        await eventually(answers)
        assert (await process.page("/readyz")).status_code == 200
        assert await process.count("lost_total") == 0
    report = verified(tmp_path, capsys, "--expected", str(given + 1))
    assert (report["faults"], report["uses"], report["logs"][0]["lost"]) == ([], given + 1, 0)
    assert report["logs"][0]["unwritten"] > 0


@pytest.mark.system
async def test_a_disk_that_is_full_is_counted_where_answers_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every answer leaves; metrics and, once there is room, the log say how many have no record."""
    async with running(tmp_path, OnFailure.SERVE) as process:
        process.limit(4000)
        assert {await process.ask() for _ in range(30)} == {200}
        lost = await process.count("lost_total")
        assert 0 < lost < 30
        process.limit(resource.RLIM_INFINITY)
        assert await process.ask() == 200
        assert await process.count("lost_total") == lost
    report = verified(tmp_path, capsys)
    assert (report["faults"], report["uses"], report["logs"][0]["lost"]) == ([], 31 - lost, lost)


@pytest.mark.system
async def test_a_dead_storage_at_full_load_takes_no_memory(tmp_path: Path) -> None:
    """What waits for it is on the disk; `python -m bench recorder-outage` asks 200,000 times."""
    with Lives() as lives:
        before, peak, waiting = await without_storage(lives, tmp_path, 3000)
    assert waiting > 0
    assert peak - before < 16, f"{before:.0f} to {peak:.0f} MiB"


async def test_a_secret_that_is_gone_refuses_or_leaves_the_digests_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record without a digest shows it; none is made with a key that was taken away."""
    monkeypatch.setattr(keys, "_RELOAD", 0.0)
    for on_failure, answered in ((OnFailure.REFUSE, b"503"), (OnFailure.SERVE, b"200")):
        key, log = tmp_path / "2026-01-01", Held()
        key.write_bytes(b"k" * 32)
        async with recorder(Model(OK), log, keys=Keyring(tmp_path), on_failure=on_failure) as running:
            assert (await running.exchange(GET)).split()[1] == b"200"
            key.unlink()
            assert (await running.exchange(GET)).split()[1] == answered
            refuses = on_failure is OnFailure.REFUSE
            assert bool(running.proxy.log.failing_checks()["inference log"]) is refuses
            key.write_bytes(b"n" * 32)

            async def back(log: Held = log) -> bool:
                return "gap" in log.events

            await eventually(back)
            assert (await running.exchange(GET)).split()[1] == b"200"
        digests = [record["out"] for record in log.records if record["event"] == "inference"]
        assert ["mac" in digest for digest in digests] == ([True, True] if refuses else [True, False, True])
        assert digests[0]["mac"] != digests[-1]["mac"]
