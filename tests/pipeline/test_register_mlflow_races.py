"""Registering on MLflow, which has no transactions: killed anywhere, and two pipelines at once."""

import pytest

from actgate.pipeline.register.mlflow import MlflowRegistry
from actgate.pipeline.register.registry import RegistryError
from actgate.pipeline.remote.mlflow import Mlflow
from tests.pipeline.registering import NOW, entry
from tests.support.mlflow import Direct, FakeMlflow

pytestmark = pytest.mark.system


class Killed(BaseException):
    """What ends a process wherever it is."""


@pytest.mark.parametrize("reached", [False, True])
def test_a_process_that_is_killed_anywhere_is_completed_by_the_next(reached: bool) -> None:
    """Before and after each request, that one that reached the server too: the same state as without."""
    what = entry(files={"audit.json": b"{}\n"})
    whole = FakeMlflow()
    calls = Direct(whole)
    MlflowRegistry(Mlflow(calls)).register(what, "champion", NOW)
    assert calls.count > 15
    for place in range(1, calls.count + 1):
        fake = FakeMlflow()

        def kill(number: int, place: int = place) -> None:
            if number == place:
                raise Killed

        broken = Direct(fake, after=kill) if reached else Direct(fake, before=kill)
        with pytest.raises(Killed):
            MlflowRegistry(Mlflow(broken)).register(what, "champion", NOW)
        MlflowRegistry(Mlflow(Direct(fake))).register(what, "champion", NOW)
        assert fake.state() == whole.state(), place


@pytest.mark.parametrize("same", [True, False])
def test_two_pipelines_at_once_leave_one_entry(same: bool) -> None:
    """The second runs as a whole before each request of the first: one evidence stays, and none is mixed."""
    one = entry(files={"audit.json": b"{}\n"})
    two = one if same else entry(riskCategory="LimitedRisk")
    whole = FakeMlflow()
    calls = Direct(whole)
    MlflowRegistry(Mlflow(calls)).register(one, None, NOW)
    for place in range(1, calls.count + 1):
        fake = FakeMlflow()
        refused: list[str] = []

        def other(
            number: int, place: int = place, fake: FakeMlflow = fake, refused: list[str] = refused
        ) -> None:
            if number == place:
                try:
                    MlflowRegistry(Mlflow(Direct(fake))).register(two, None, NOW)
                except RegistryError as error:
                    refused.append(str(error))

        try:
            MlflowRegistry(Mlflow(Direct(fake, before=other))).register(one, None, NOW)
        except RegistryError as error:
            refused.append(str(error))
        assert len(refused) == (0 if same else 1), (place, refused)
        registry = MlflowRegistry(Mlflow(Direct(fake)))
        assert registry.verify(()) == (1, []), place
        if same:
            assert fake.state() == whole.state(), place
