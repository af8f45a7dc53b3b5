"""Kopf without our remedies: what each of them is needed for, and a failure once it is needed no longer.

A failure here is good news after an upgrade: the remedy in ``kopf_fixes`` that the docstring names can go.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import kopf
import pytest

from actgate.kube.resources import MODEL_DEPLOYMENTS as KIND
from actgate_operator.kopf_settings import PAGE_SIZE, KopfTiming, configure
from tests.kube.fake_api import Fault, Refuse, Say, always, at_first
from tests.kube.running import until
from tests.operator.frame.models_api import ModelsApi
from tests.operator.frame.test_watch_faults import GONE

pytestmark = pytest.mark.system

MANY = 100
"""So many requests in a moment are what no API server should get from one client."""


class Alone:
    """Kopf with one handler and a login, as its documentation has it, in a thread of its own."""

    def __init__(self, login: Callable[[], kopf.ConnectionInfo | kopf.AiohttpSession]) -> None:
        self.events: list[kopf.RawEvent] = []
        self.failure: BaseException | None = None
        self._login = login
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="kopf alone", daemon=True)
        self._thread.start()

    def ended(self) -> bool:
        """Return whether it ended."""
        return not self._thread.is_alive()

    async def stop(self) -> None:
        """End it."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop.set)
        await asyncio.to_thread(self._thread.join, 60)

    def _run(self) -> None:
        registry = kopf.OperatorRegistry()

        @kopf.on.login(registry=registry)
        async def login(**_: object) -> kopf.ConnectionInfo | kopf.AiohttpSession:
            return self._login()

        @kopf.on.cleanup(registry=registry)
        async def cleanup(**_: object) -> None:
            self._stop.set()

        @kopf.on.event(KIND.group, KIND.version, KIND.plural, registry=registry)
        async def event(event: kopf.RawEvent, **_: object) -> None:
            self.events.append(event)

        settings = kopf.OperatorSettings()
        configure(settings, KopfTiming(backoff_first=0.01, backoff_longest=0.05))
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(
                kopf.operator(
                    registry=registry,
                    settings=settings,
                    clusterwide=True,
                    standalone=True,
                    stop_flag=self._stop,
                )
            )
        except Exception as error:
            self.failure = error
        finally:
            self._loop.run_until_complete(asyncio.sleep(0.05))
            self._loop.close()


@asynccontextmanager
async def alone(api: ModelsApi, login: Callable[..., Any] | None = None) -> AsyncIterator[Alone]:
    """Run kopf alone until the block ends."""
    server = f"http://127.0.0.1:{api.port}"
    running = Alone(login or (lambda: kopf.ConnectionInfo(server=server, token="first")))
    try:
        yield running
    finally:
        await running.stop()


async def test_bookmarks_reach_no_handler(api: ModelsApi) -> None:
    """``listening``: on a quiet cluster a handler is not called for as long as nothing changes."""
    async with alone(api) as running:
        await until(lambda: api.watching)
        api.bookmark()
        api.put("a")
        await until(lambda: running.events)
        assert [event["type"] for event in running.events] == ["ADDED"]


async def test_what_went_before_a_list_is_not_said(api: ModelsApi) -> None:
    """``listening``: neither as a deletion, nor does kopf report that it has listed again."""

    def lists() -> Iterator[Fault]:
        yield None
        api.delete("a")
        yield from always(None)

    api.put("a")
    api.on_list, api.on_watch = lists(), at_first(Say(GONE))
    async with alone(api) as running:
        await until(lambda: len(api.lists) == 2 and api.watching)
        api.put("b")
        await until(lambda: len(running.events) == 2)
        named = [(event["type"], event["object"]["metadata"]["name"]) for event in running.events]
        assert named == [(None, "a"), ("ADDED", "b")]


async def test_watches_that_end_at_once_are_opened_in_a_rush(api: ModelsApi) -> None:
    """``pacing``: no setting slows it down, ``reconnect_backoff`` is about lists."""
    api.on_watch = always(Say(b""))
    async with alone(api):
        await until(lambda: len(api.watches) > MANY)
    assert len(api.lists) == 1


async def test_a_list_that_expires_is_the_end(api: ModelsApi) -> None:
    """``relisting``: 410 for its second page."""
    for number in range(PAGE_SIZE + 20):
        api.put(f"m{number}")
    api.on_list = at_first(None, Refuse(410, "Expired"))
    async with alone(api) as running:
        await until(running.ended)
        assert running.failure is not None


async def test_the_same_credentials_after_a_401_are_the_end(api: ModelsApi) -> None:
    """``Logins``: they may be accepted again in a moment, as after a restart of the API server."""
    api.on_list = at_first(Refuse(401))
    async with alone(api) as running:
        await until(running.ended)
        assert running.failure is not None


async def test_another_session_after_each_401_is_a_rush(api: ModelsApi) -> None:
    """``Logins``: kopf paces neither logins nor the requests that follow them."""
    api.on_list = always(Refuse(401))
    server = f"http://127.0.0.1:{api.port}"

    def login() -> kopf.AiohttpSession:
        return kopf.AiohttpSession(server=server, aiohttp_session=aiohttp.ClientSession())

    async with alone(api, login):
        await until(lambda: len(api.lists) > MANY)


async def test_a_failed_startup_abandons_the_login() -> None:
    """``ignore_abandoned_login``: Python warns of it, on standard error of all places."""
    registry = kopf.OperatorRegistry()

    @kopf.on.startup(registry=registry, errors=kopf.ErrorsMode.PERMANENT)
    async def start(**_: object) -> None:
        raise RuntimeError("on purpose")

    def run() -> None:
        with suppress(Exception):
            asyncio.run(kopf.operator(registry=registry, clusterwide=True, standalone=True))

    with pytest.warns(RuntimeWarning, match="coroutine 'authenticator' was never awaited"):
        await asyncio.to_thread(run)
