"""Whom a change of evidence concerns is asked of the API server, in as few lists as there may be."""

from __future__ import annotations

import asyncio

import pytest

from actgate.kube.errors import Gone, Unavailable
from actgate.kube.objects import Key
from actgate.kube.timing import Timing
from actgate.lookup.cache import Scope
from actgate_operator.dependants import REFERENCE_FIELD, TOGETHER, Dependants
from tests.kube.running import until
from tests.operator.fakes import Listing, model

MODELS = [
    *(model(f"scorer-{number}", manifest="evidence") for number in range(5)),
    model("other", manifest="other"),
    model("elsewhere", "retail", "evidence"),
]
SCORERS = [("credit", f"scorer-{number}") for number in range(5)]


async def found(listing: Listing, *scopes: Scope) -> list[Key]:
    """Return whom these changes concern."""
    queue: list[Key] = []
    dependants = Dependants(listing, queue.append)
    for scope in scopes:
        dependants.note(scope)
    await dependants.find()
    return sorted(queue)


async def test_those_of_one_manifest_are_found_by_the_selectable_field() -> None:
    """Page by page, in its own namespace, and nobody else."""
    listing = Listing(MODELS)
    assert await found(listing, Scope("credit", "evidence")) == SCORERS
    assert listing.asked == [("credit", f"{REFERENCE_FIELD}=evidence")]


async def test_a_namespace_is_listed_once_for_its_labels() -> None:
    """Also when manifests of it changed at the same time, before or after."""
    for scopes in (
        (Scope("credit"), Scope("credit", "evidence")),
        (Scope("credit", "evidence"), Scope("credit")),
    ):
        listing = Listing(MODELS)
        assert await found(listing, *scopes) == [("credit", "other"), *SCORERS]
        assert listing.asked == [("credit", None)]


async def test_a_policy_concerns_everybody_once() -> None:
    """Whatever else changed."""
    listing = Listing(MODELS)
    assert len(await found(listing, Scope("credit", "evidence"), Scope(), Scope("retail"))) == len(MODELS)
    assert listing.asked == [(None, None)]


async def test_namespaces_are_asked_each_by_its_own() -> None:
    """Manifests of one name in two namespaces are two."""
    listing = Listing(MODELS)
    concerned = await found(listing, Scope("credit", "evidence"), Scope("retail", "evidence"))
    assert concerned == [*SCORERS, ("retail", "elsewhere")]
    assert len(listing.asked) == 2


@pytest.mark.parametrize(("number", "lists"), [(TOGETHER - 1, TOGETHER - 1), (TOGETHER, 1)])
async def test_many_manifests_of_one_namespace_are_one_list(number: int, lists: int) -> None:
    """As when a whole namespace is applied anew; still only their models are found."""
    listing = Listing(MODELS)
    scopes = [Scope("credit", f"changed-{index}") for index in range(number - 1)]
    assert await found(listing, *scopes, Scope("credit", "evidence")) == SCORERS
    assert len(listing.asked) == lists


async def test_a_model_without_a_reference_concerns_no_manifest() -> None:
    """One that predates the schema must not stop the search for others."""
    references: list[object] = [None, "evidence", {"name": ["evidence"]}]
    specs: list[object] = [None, {}, *({"complianceManifestRef": item} for item in references)]
    broken = [{**model(f"broken-{number}"), "spec": spec} for number, spec in enumerate(specs)]
    listing = Listing([*MODELS, *broken])
    scopes = [Scope("credit", f"changed-{index}") for index in range(TOGETHER)]
    assert await found(listing, *scopes, Scope("credit", "evidence")) == SCORERS


async def test_what_was_not_found_is_looked_for_again() -> None:
    """An error keeps everything that was noted, and what was noted meanwhile."""
    queue: list[Key] = []
    listing = Listing(MODELS, Unavailable("no answer"))
    dependants = Dependants(listing, queue.append)
    dependants.note(Scope("credit", "evidence"))
    with pytest.raises(Unavailable):
        await dependants.find()
    assert queue == []
    dependants.note(Scope("retail", "evidence"))
    await dependants.find()
    assert sorted(queue) == [*SCORERS, ("retail", "elsewhere")]


async def test_a_list_that_breaks_off_is_begun_again() -> None:
    """Those that were found before are found twice, which the queue makes one."""
    queue: list[Key] = []
    listing = Listing(MODELS)

    def break_off(key: Key) -> None:
        queue.append(key)
        if len(queue) == 2:
            listing.fail(Gone("too old"))

    dependants = Dependants(listing, break_off)
    dependants.note(Scope("credit", "evidence"))
    with pytest.raises(Gone):
        await dependants.find()
    await dependants.find()
    assert set(queue) == set(SCORERS)


async def test_what_was_found_is_forgotten() -> None:
    """The next search is for the next change."""
    listing = Listing(MODELS)
    dependants = Dependants(listing, lambda _: None)
    dependants.note(Scope())
    await dependants.find()
    await dependants.find()
    assert len(listing.asked) == 1


async def test_a_change_that_comes_while_it_runs_is_found_and_an_outage_is_outlasted() -> None:
    """What could not be asked is asked again after a pause, and what is noted later as soon as it is."""
    queue: list[Key] = []
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    listing = Listing(MODELS, Unavailable("no answer"))
    dependants = Dependants(listing, queue.append, Timing(sleep=sleep))
    running = asyncio.create_task(dependants.run())
    for scope, found in (
        (Scope("credit", "evidence"), SCORERS),
        (Scope("retail"), [("retail", "elsewhere")]),
    ):
        queue.clear()
        dependants.note(scope)
        await until(lambda found=found: sorted(queue) == found)  # type: ignore[misc]
    running.cancel()
    assert len(pauses) == 1


async def test_those_for_which_it_is_urgent_come_first() -> None:
    """Wherever they stand in the list; nobody is left out."""
    queue: list[Key] = []
    dependants = Dependants(
        Listing(MODELS), queue.append, urgent=lambda item: item["metadata"]["name"] in ("scorer-3", "other")
    )
    dependants.note(Scope())
    await dependants.find()
    assert queue[:2] == [("credit", "scorer-3"), ("credit", "other")]
    assert sorted(queue) == [("credit", "other"), *SCORERS, ("retail", "elsewhere")]
