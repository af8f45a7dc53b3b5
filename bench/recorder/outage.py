"""A place for copies that is dead while the recorder is at full load: nothing waits for it but the disk."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from bench.recorder.kills import CLIENTS, Answers, ask, end, more, start
from bench.recorder.lives import Lives
from bench.recorder.streams import peak_mib
from bench.report import Section
from demo.service import free_port


async def without_storage(
    lives: Lives, directory: Path, count: int, *, dead: bool = True
) -> tuple[float, float, int]:
    """Ask so many times, and return the peak of memory before and after, and how many segments wait.

    Args:
        lives: Starts the processes.
        directory: Where keys and log are written.
        count: Answers.
        dead: Whether there is a dead storage; without it there is none, to compare with.
    """
    keys, log, port = directory / "keys", directory / "log", free_port()
    await asyncio.to_thread(_write_keys, keys)
    upload = (
        f"--upload-endpoint=http://127.0.0.1:{free_port()}",
        "--upload-bucket=logs",
        f"--upload-credentials-dir={keys}",
        "--upload-interval=1s",
    )
    recorder = await start(lives, port, log, *(upload if dead else ()))
    answers = Answers()
    clients = [asyncio.create_task(ask(port, answers, False)) for _ in range(CLIENTS)]
    try:
        await more(answers, min(200, count))
        before = peak_mib(recorder)
        while answers.count < count:
            await more(answers, min(1000, count - answers.count))
    finally:
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
    peak = peak_mib(recorder)
    await end(recorder)
    return before, peak, await asyncio.to_thread(lambda: len(list(log.rglob("*.jsonl.zst"))))


def _write_keys(directory: Path) -> None:
    directory.mkdir()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        (directory / name).write_text("key", encoding="ascii")


def run(count: int = 200_000) -> Section:
    """Ask 200,000 times while the storage is dead, and as often without one."""
    rows = []
    for name, dead in (("dead storage", True), ("no storage", False)):
        with TemporaryDirectory(prefix="actgate-outage-") as directory, Lives() as lives:
            began = monotonic()
            before, peak, waiting = asyncio.run(without_storage(lives, Path(directory), count, dead=dead))
            rate = count / (monotonic() - began)
        rows.append((name, f"{rate:,.0f}", f"{before:.1f}", f"{peak:.1f}", str(waiting)))
    return Section(
        title="Memory of the recorder while its storage is dead",
        asked=f"{CLIENTS} connections ask {count:,} times without a pause, while nothing listens where "
        "segments go; then the same without such a place.",
        header=(
            "",
            "answers/s",
            "peak after 200 answers (MiB)",
            "peak after all (MiB)",
            "sealed segments here",
        ),
        rows=rows,
        reading="What is not uploaded is on the disk alone, and no answer waits for it.",
    )
