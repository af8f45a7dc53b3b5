"""Registering on a real MLflow server, as ``make e2e`` starts one: killed anywhere, and two at once."""

import os
import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest

from actgate.pipeline.register.mlflow import MlflowRegistry
from actgate.pipeline.register.registry import Entry, RegistryError
from actgate.pipeline.remote.mlflow import Mlflow
from actgate.pipeline.remote.rest import Rest
from tests.pipeline.registering import NOW, entry

pytestmark = pytest.mark.system

REAL = "ACTGATE_TEST_MLFLOW"


class Killed(BaseException):
    """What ends a process wherever it is."""


class Interrupted(Rest):
    """A client that calls a function with the number of each request before it is sent."""

    def __init__(self, url: str, before: Callable[[int], None] = lambda _: None) -> None:
        super().__init__(url, {}, 60)
        self._before = before
        self.count = 0

    def content(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] = {},
        body: bytes | None = None,
        content_type: str = "application/octet-stream",
    ) -> bytes:
        """Send a request as ``Rest.content`` does, unless it is interrupted."""
        self.count += 1
        self._before(self.count)
        return super().content(method, path, query, body, content_type)


@pytest.fixture
def url() -> str:
    """Return the address of a server."""
    if not (found := os.environ.get(REAL)):
        pytest.skip(f"{REAL} names no MLflow server")
    return found


def faults(url: str, prefix: str) -> list[str]:
    """Return what is not as it was registered, of the models of one test."""
    return [fault for fault in MlflowRegistry(Mlflow(Interrupted(url))).verify(())[1] if prefix in fault]


def test_a_process_that_is_killed_before_any_request_is_completed_by_the_next(url: str) -> None:
    """Each request in turn; what was sent before it has reached the server."""
    prefix = f"Killed-{secrets.token_hex(4)}"

    def register(place: int, calls: Interrupted) -> Entry:
        what = entry(name=f"{prefix}-{place}", files={"audit.json": b"{}\n"})
        MlflowRegistry(Mlflow(calls)).register(what, "champion", NOW)
        return what

    whole = Interrupted(url)
    register(0, whole)
    assert whole.count > 15
    for place in range(1, whole.count + 1):

        def kill(number: int, place: int = place) -> None:
            if number == place:
                raise Killed

        with pytest.raises(Killed):
            register(place, Interrupted(url, kill))
        what = register(place, Interrupted(url))
        server = Mlflow(Interrupted(url))
        (version,) = server.versions(what.name)
        (run,) = server.runs(server.experiment("actgate"), "actgate.dev/model", f"models:/{what.name}/1")
        assert (version["run_id"], run["info"]["status"]) == (run["info"]["run_id"], "FINISHED"), place
        (shown,) = MlflowRegistry(server).show(what.name, None)
        assert (shown.evidence, shown.aliases) == (what.evidence, ("champion",)), place
        assert shown.manifest is not None, place
    assert faults(url, prefix) == []


@pytest.mark.parametrize("same", [True, False])
def test_two_pipelines_at_once_leave_one_entry(url: str, same: bool) -> None:
    """Two threads that wait for each other before each of their first requests: one evidence stays."""
    prefix = f"Twice-{secrets.token_hex(4)}"
    for turn in range(4):
        name = f"{prefix}-{turn}"
        one = entry(name=name, files={"audit.json": b"{}\n"})
        two = one if same else entry(name=name, riskCategory="LimitedRisk")
        together, refused = threading.Barrier(2), list[str]()

        def register(
            what: Entry, together: threading.Barrier = together, refused: list[str] = refused
        ) -> None:
            def meet(_: int) -> None:
                with suppress(threading.BrokenBarrierError):
                    together.wait(1)

            try:
                MlflowRegistry(Mlflow(Interrupted(url, meet))).register(what, "champion", NOW)
            except RegistryError as error:
                refused.append(str(error))
                together.abort()

        threads = [threading.Thread(target=register, args=(what,)) for what in (one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # One that met the changes of the other is to run the command again.
        kept = [what for what in (one, two) if _registered(url, what)]
        assert kept, (turn, refused)
        (shown,) = MlflowRegistry(Mlflow(Interrupted(url))).show(name, None)
        assert shown.evidence == kept[0].evidence, turn
        if not same:
            assert len(kept) == 1, turn
    assert faults(url, prefix) == []


def _registered(url: str, what: Entry) -> bool:
    try:
        MlflowRegistry(Mlflow(Interrupted(url))).register(what, "champion", NOW)
    except RegistryError:
        return False
    return True
