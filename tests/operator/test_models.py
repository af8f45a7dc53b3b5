"""The cache of models: events, lists and answers to our own writes, put in order by versions."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import pytest

from actgate.kube.client import Page
from actgate.kube.errors import NotFound, Unavailable
from actgate.kube.objects import Key, Object
from actgate.kube.resources import MODEL_DEPLOYMENTS
from actgate_operator.models import ModelCache
from tests.kube.fake_api import FakeApi
from tests.kube.running import Clock
from tests.operator.fakes import Answering, Listing, unreachable
from tests.operator.fakes import model as make

KEY = ("credit", "scorer")


def model(version: int, name: str = "scorer", **status: Any) -> Object:  # noqa: ANN401 - fields of a status
    """Return a model in a version."""
    made = make(name, **status)
    made["metadata"]["resourceVersion"] = str(version)
    return made


def version_in(cache: ModelCache, key: Key = KEY) -> str | None:
    """Return the version in which a model is known."""
    known = cache.get(key)
    return str(known["metadata"]["resourceVersion"]) if known else None


@pytest.fixture
def changed() -> list[Key]:
    """The models that were reported as changed."""
    return []


@pytest.fixture
def cache(changed: list[Key]) -> ModelCache:
    """A cache without an API server."""
    return ModelCache(unreachable(), changed.append)


def test_events_are_news_once_and_in_order(cache: ModelCache, changed: list[Key]) -> None:
    """An event that comes late changes nothing, and a list of kopf's repeats what is known."""
    cache.observe("ADDED", model(5))
    cache.observe(None, model(5))
    cache.observe("MODIFIED", model(7))
    cache.observe("MODIFIED", model(6))
    assert (version_in(cache), changed) == ("7", [KEY, KEY])
    cache.observe("DELETED", model(8))
    assert (cache.get(KEY), changed) == (None, [KEY] * 3)


def test_the_answer_to_our_own_write_is_known_at_once_and_no_news(
    cache: ModelCache, changed: list[Key]
) -> None:
    """The event of it comes later, and does not cause another pass."""
    cache.observe("ADDED", model(5))
    cache.note(model(6, observedGeneration=1))
    cache.observe("MODIFIED", model(6, observedGeneration=1))
    assert (version_in(cache), changed) == ("6", [KEY])
    cache.observe("MODIFIED", model(7))
    assert changed == [KEY, KEY]


def test_our_own_event_may_come_before_the_answer(cache: ModelCache, changed: list[Key]) -> None:
    """It is held until then, and one of another change is news all the same."""
    cache.observe("ADDED", model(5))
    with cache.asking(KEY):
        cache.observe("MODIFIED", model(6, observedGeneration=1))
        cache.note(model(6, observedGeneration=1))
    assert (version_in(cache), changed) == ("6", [KEY])
    with cache.asking(KEY):
        cache.observe("MODIFIED", model(7, observedGeneration=1))
        cache.observe("MODIFIED", model(8))
        cache.note(model(7, observedGeneration=1))
    assert (version_in(cache), changed) == ("8", [KEY, KEY])
    with suppress(Unavailable), cache.asking(KEY):
        cache.observe("DELETED", model(9))
        raise Unavailable("no answer")
    assert (cache.get(KEY), changed) == (None, [KEY] * 3)


def test_what_is_kept_is_the_model_without_records_of_its_fields(cache: ModelCache) -> None:
    """They are half of an object, and no pass reads them."""
    thing = model(5)
    cache.observe("ADDED", {**thing, "metadata": {**thing["metadata"], "managedFields": [{"manager": "x"}]}})
    assert cache.get(KEY) == thing
    assert cache.references() == {KEY: "evidence"}


async def test_a_list_finds_what_vanished_unobserved(changed: list[Key]) -> None:
    """Kopf reports no deletion from a gap of its watch."""

    class Meanwhile(Listing):
        """An API server on which a model is made while the list is under way, whose snapshot is version 7."""

        async def list_pages(self, *arguments: Any, **options: Any) -> AsyncGenerator[Page, None]:  # noqa: ANN401
            async for page in super().list_pages(*arguments, **options):
                yield page
                models.observe("ADDED", model(9, "younger"))

    models = ModelCache(Meanwhile([model(4, "other"), model(6, "third")]), changed.append)
    models.observe(None, model(3))
    models.observe(None, model(4, "other"))
    changed.clear()
    await models.list()
    assert sorted(models.references()) == [("credit", name) for name in ("other", "third", "younger")]
    assert sorted(changed) == [KEY, ("credit", "third"), ("credit", "younger")]


async def test_a_list_that_breaks_off_forgets_nothing(changed: list[Key]) -> None:
    """Only a complete list shows what is gone."""
    cache = ModelCache(Listing([], Unavailable("later")), changed.append)
    cache.observe("ADDED", model(5))
    with pytest.raises(Unavailable):
        await cache.list()
    assert version_in(cache) == "5"


async def test_an_api_server_that_was_restored_is_believed(changed: list[Key]) -> None:
    """Its versions are lower than those that are known, and what it has is the truth."""
    cache = ModelCache(Listing([model(4)]), changed.append)
    cache.observe("ADDED", model(5000))
    cache.observe("ADDED", model(5001, "lost"))
    await cache.list()
    assert (version_in(cache), sorted(cache.references())) == ("4", [KEY])
    cache.observe("MODIFIED", model(8))
    assert version_in(cache) == "8"


async def test_a_live_read_is_news_and_may_find_nothing() -> None:
    """After a conflict, and before a Deployment is made anew."""
    changed: list[Key] = []
    async with FakeApi(MODEL_DEPLOYMENTS).serving() as api:
        version = api.put("scorer", namespace="credit")
        async with api.cluster() as cluster:
            cache = ModelCache(cluster, changed.append)
            live = await cache.fetch_live(KEY)
            assert live is not None
            assert (version_in(cache), changed) == (str(version), [KEY])
            api.delete("scorer", namespace="credit")
            assert await cache.fetch_live(KEY) is None
            assert (cache.get(KEY), changed) == (None, [KEY, KEY])


@pytest.mark.parametrize("answer", [model(7), None], ids=["found", "not found"])
async def test_an_event_that_comes_before_the_answer_to_a_read_is_newer(answer: Object | None) -> None:
    """A model that was deleted meanwhile stays deleted, and one that was created anew is known."""

    def answering() -> Object:
        made.observe("DELETED", model(8))
        if answer is not None:
            return answer
        made.observe("ADDED", model(9))
        raise NotFound("get modeldeployments scorer: 404")

    made = ModelCache(Answering(answering), lambda _: None)
    made.observe("ADDED", model(5))
    assert await made.fetch_live(KEY) == answer
    assert version_in(made) == (None if answer else "9")


def test_silence_is_counted_from_the_last_answer(changed: list[Key]) -> None:
    """Without one it has no end."""
    clock = Clock()
    cache = ModelCache(unreachable(), changed.append, clock)
    assert cache.silence() == float("inf")
    cache.note_answer()
    clock.time += 30.0
    assert cache.silence() == 30.0
    cache.observe("ADDED", model(5))
    assert cache.silence() == 0.0
