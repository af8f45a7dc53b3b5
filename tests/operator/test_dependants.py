"""Whom a change of evidence concerns is found in the cache of models; what cannot wait comes first."""

from __future__ import annotations

import asyncio
from functools import partial

from actgate.kube.objects import Key
from actgate.lookup.cache import Scope
from actgate_operator.dependants import Dependants
from actgate_operator.models import ModelCache
from tests.kube.running import until
from tests.operator.fakes import model, unreachable

MODELS = [
    *(model(f"scorer-{number}", manifest="evidence") for number in range(5)),
    model("other", manifest="other"),
    model("elsewhere", "retail", "evidence"),
]
SCORERS = [("credit", f"scorer-{number}") for number in range(5)]


def caching(*models: dict[str, object]) -> ModelCache:
    """Return a cache that knows these models."""
    cache = ModelCache(unreachable(), lambda _: None)
    for thing in models:
        cache.observe("ADDED", thing)
    return cache


async def found(*scopes: Scope, models: ModelCache | None = None) -> list[Key]:
    """Return whom these changes concern."""
    queue: list[Key] = []
    dependants = Dependants(models or caching(*MODELS), queue.append)
    for scope in scopes:
        dependants.note(scope)
    await dependants.find()
    return sorted(queue)


async def test_those_of_one_manifest_are_found_by_their_reference() -> None:
    """In its own namespace, and no others."""
    assert await found(Scope("credit", "evidence")) == SCORERS
    assert await found(Scope("credit", "unknown")) == []


async def test_labels_of_a_namespace_concern_its_models() -> None:
    """Also when manifests of it changed at the same time, before or after."""
    for scopes in (
        (Scope("credit"), Scope("credit", "evidence")),
        (Scope("credit", "evidence"), Scope("credit")),
    ):
        assert await found(*scopes) == [("credit", "other"), *SCORERS]


async def test_a_policy_concerns_every_model_once() -> None:
    """Whatever else changed."""
    assert len(await found(Scope("credit", "evidence"), Scope(), Scope("retail"))) == len(MODELS)


async def test_manifests_of_one_name_in_two_namespaces_are_two() -> None:
    """Each concerns the models of its own."""
    concerned = await found(Scope("credit", "other"), Scope("retail", "evidence"))
    assert concerned == [("credit", "other"), ("retail", "elsewhere")]


async def test_a_model_without_a_reference_concerns_no_manifest() -> None:
    """One that predates the schema must not stop the search for others."""
    references: list[object] = [None, "evidence", {"name": ["evidence"]}]
    specs: list[object] = [None, {}, *({"complianceManifestRef": item} for item in references)]
    malformed = [{**model(f"old-{number}"), "spec": spec} for number, spec in enumerate(specs)]
    models = caching(*malformed, *MODELS)
    assert await found(Scope("credit", "evidence"), models=models) == SCORERS
    assert len(await found(Scope("credit"), models=models)) == len(SCORERS) + 1 + len(malformed)


async def test_urgent_ones_are_put_on_the_queue_before_all_others() -> None:
    """A model whose verdict changes does not wait for thousands whose verdict stays."""
    queue: list[Key] = []
    dependants = Dependants(
        caching(*MODELS), queue.append, lambda thing: thing["metadata"]["name"] in ("scorer-3", "other")
    )
    dependants.note(Scope())
    await dependants.find()
    assert set(queue[:2]) == {("credit", "scorer-3"), ("credit", "other")}
    assert len(queue) == len(MODELS)


async def test_a_reference_that_changed_is_the_one_that_counts() -> None:
    """The former manifest concerns the model no more."""
    models = caching(*MODELS)
    changed = model("scorer-0", manifest="other")
    changed["metadata"]["resourceVersion"] = "8"
    models.observe("MODIFIED", changed)
    assert await found(Scope("credit", "evidence"), models=models) == SCORERS[1:]


def _has(queue: list[Key], count: int) -> bool:
    return len(queue) == count


async def test_changes_are_found_as_they_are_noted() -> None:
    """One after the other, and each once."""
    queue: list[Key] = []
    dependants = Dependants(caching(*MODELS), queue.append)
    running = asyncio.create_task(dependants.run())
    for scope, concerned in ((Scope("credit", "other"), 1), (Scope("retail"), 2)):
        dependants.note(scope)
        await until(partial(_has, queue, concerned))
    running.cancel()
    assert queue == [("credit", "other"), ("retail", "elsewhere")]
