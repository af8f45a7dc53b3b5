"""What stands in the status of a manifest, when it is written, and when it is not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

import pytest

from actgate.api.compliance_manifest import MOST_ATTESTATIONS, ComplianceManifestStatus
from actgate.decision import Manifest, Policy
from actgate.decision.attestation import Assessment, Result
from actgate.decision.data import RULESET
from actgate.decision.decide import appraise
from actgate.decision.manifest import Measurement, Oversight
from actgate.kube.errors import ClusterError, Forbidden, NotFound
from actgate.kube.objects import Key, Object
from actgate.kube.resources import Resource
from actgate.lookup.evidence import Evidence, EvidenceUnavailableError
from actgate_operator.manifest_status import ManifestStatuses
from actgate_operator.queue import WorkQueue
from actgate_operator.status.report import MOST_MANIFEST_FINDINGS, status_of_manifest
from actgate_operator.writer import NotLeadingError, Writer
from tests.decision.build import NOW, PASSING, manifest, policy
from tests.kube.virtual_time import run_virtually, virtual_now
from tests.lookup.fakes import FakeEvidence
from tests.operator.fakes import unreachable

NAMESPACE = "credit"
MODEL, OTHER = (NAMESPACE, "scorer"), (NAMESPACE, "second")
UNWATCHED = manifest(oversight=Oversight(enabled=False))
EXPIRES = NOW + timedelta(days=3, microseconds=5)


def virtually(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test on the virtual clock."""

    @wraps(test)
    def run() -> None:
        run_virtually(test())

    return run


class World(FakeEvidence):
    """Manifests in the cache: what the API server has, and what the watch has reported of it."""

    def __init__(self, *manifests: Manifest, policies: tuple[Policy, ...] = ()) -> None:
        self.shown: dict[Key, Manifest] = {}
        super().__init__(self.shown, policies=policies)
        self.version = 100
        self.stored: dict[Key, Object] = {}
        self.known = True
        self.now = NOW
        self.prunes: tuple[str, ...] = ()
        self.failures: list[Exception] = []
        self.writes: list[tuple[float, Object]] = []
        self.statuses = ManifestStatuses(
            self, _Writer(self), self.wall, queue=WorkQueue(now=virtual_now, chance=lambda: 0.5)
        )
        for item in manifests:
            self.put(item)

    def wall(self) -> datetime:
        """Return the time of the test."""
        return self.now

    def put(self, item: Manifest, status: Object | None = None) -> None:
        """Store a manifest, and have the watch report it."""
        key = (item.namespace, item.name)
        self.version += 1
        self.stored[key] = status or {}
        self.shown[key] = item
        self.observe(item.name)

    def remove(self, name: str = PASSING.name) -> None:
        """Delete a manifest, and have the watch report it."""
        del self.shown[NAMESPACE, name]
        self.statuses.stored((NAMESPACE, name), None)

    def forge(self, status: Object | None, name: str = PASSING.name) -> None:
        """Write a status in another field manager's name, and have the watch report it."""
        self.put(self.shown[NAMESPACE, name], status)

    def observe(self, name: str = PASSING.name) -> None:
        """Have the watch report what is stored."""
        key = (NAMESPACE, name)
        metadata = {"generation": 1, "resourceVersion": str(self.version)}
        self.statuses.stored(key, {"metadata": metadata, "status": self.stored[key]})

    def status(self, name: str = PASSING.name) -> Object:
        """Return the status that is stored."""
        return self.stored[NAMESPACE, name]

    def from_cache(self, namespace: str, names: Sequence[str]) -> Evidence:
        """Return what a manifest is judged by."""
        if not self.known:
            raise EvidenceUnavailableError("namespaces are not listed yet")
        return super().from_cache(namespace, names)

    async def run_for(self, seconds: float = 0.5) -> None:
        """Let the work go on for a while, whatever comes of it."""
        task = asyncio.create_task(self.statuses.run())
        await asyncio.sleep(seconds)
        task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        if not isinstance(outcome, asyncio.CancelledError):
            raise outcome


class _Writer(Writer):
    """Merges into the world as the API server does."""

    def __init__(self, world: World) -> None:
        super().__init__(unreachable(), lambda: True)
        self._world = world

    async def merge_status(self, resource: Resource, thing: Object) -> Object:
        world, metadata = self._world, thing["metadata"]
        world.writes.append((virtual_now(), thing))
        if world.failures:
            raise world.failures.pop(0)
        world.version += 1
        key = (metadata["namespace"], metadata["name"])
        merged = _merge(world.stored[key], thing["status"]) or {}
        for name in world.prunes:
            merged.get("verdict", {}).pop(name, None)
        world.stored[key] = merged
        return {"metadata": {**metadata, "resourceVersion": str(world.version)}, "status": merged}


def _merge(old: Any, patch: Any) -> Any:  # noqa: ANN401 - any JSON value, RFC 7396
    if not isinstance(patch, dict):
        return patch
    merged = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged


def test_a_status_says_what_the_evidence_is_worth_by_itself() -> None:
    """Outcome, policies, ruleset, and until when, in whole seconds and never too late."""
    lasting = manifest(not_after=EXPIRES)
    assert status_of_manifest(3, appraise(lasting, (policy("house"), policy("other")), NOW)) == {
        "observedGeneration": 3,
        "verdict": {
            "outcome": "Pass",
            "policies": ["house", "other"],
            "ruleset": RULESET,
            "validUntil": EXPIRES.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    }


@pytest.mark.parametrize(("enforcement", "outcome"), [("Deny", "Fail"), ("Warn", "Warn"), ("Audit", "Warn")])
def test_a_status_names_the_rules_that_failed(enforcement: str, outcome: str) -> None:
    """With every finding: what was found, and how to fix it."""
    verdict = status_of_manifest(1, appraise(UNWATCHED, (policy(enforcement=enforcement),), NOW))["verdict"]
    assert (verdict["outcome"], verdict["reason"]) == (outcome, "oversight/missing")
    (finding,) = verdict["findings"]
    assert finding["path"] == "spec.humanOversight.enabled"
    assert finding["effect"] == enforcement
    assert finding["remediation"]
    assert finding["message"]


def test_a_status_is_bounded() -> None:
    """Thousands of findings are counted, and the strongest are listed."""
    metric = PASSING.bias[0].metric
    unfair = tuple(Measurement(metric, 0.5, attribute=f"attribute {number}") for number in range(64))
    small = manifest(bias=unfair, oversight=None, risk_category=None, training_regions=(), finished_at=None)
    appraisal = appraise(small, (policy(),), NOW)
    verdict = status_of_manifest(1, appraisal)["verdict"]
    assert len(verdict["findings"]) == MOST_MANIFEST_FINDINGS
    assert verdict["omittedFindings"] == len(appraisal.findings) - MOST_MANIFEST_FINDINGS > 30
    assert len(verdict["reason"]) < 110
    assert verdict["reason"].endswith("more")


DIGEST = f"sha256:{'5' * 64}"
SIGNED = Assessment(
    "training", "https://example.com/type", DIGEST, Result.ACCEPTED, "ml-platform", "sha256:ab", NOW
)


def test_a_status_shows_each_attestation_in_its_order() -> None:
    """By the digest that it shows, a policy can withdraw one."""
    unread = Assessment("notes", None, None, Result.REFUSED, reason="not an in-toto statement")
    appraisal = replace(appraise(PASSING, (policy(),), NOW), attestations=(SIGNED, unread))
    assert status_of_manifest(1, appraisal)["attestations"] == [
        {
            "name": "training",
            "predicateType": "https://example.com/type",
            "authority": "ml-platform",
            "signer": "sha256:ab",
            "signedNoLaterThan": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "payloadDigest": DIGEST,
            "result": "Accepted",
        },
        {"name": "notes", "result": "Refused", "reason": "not an in-toto statement"},
    ]


def test_what_an_attestation_says_of_itself_fits_the_schema() -> None:
    """Its words are its signer's: no length and no character of them keeps a status from being written."""
    text = "\x1b[2J" + "x" * 5000
    wild = Assessment(text, text, None, Result.REFUSED, authority=text, signer="", reason=text)
    appraisal = replace(appraise(PASSING, (policy(),), NOW), attestations=(wild,) * 9)
    status = status_of_manifest(1, appraisal)
    ComplianceManifestStatus.model_validate(status)
    assert len(status["attestations"]) == MOST_ATTESTATIONS
    assert "\x1b" not in status["attestations"][0]["reason"]
    assert "signer" not in status["attestations"][0]


@virtually
async def test_attestations_go_when_the_evidence_has_none_any_more() -> None:
    """What a status does not say is removed, a list as well."""
    world = World(PASSING)
    world.statuses.refer(MODEL, PASSING.name)
    await world.run_for()
    world.observe()
    right = world.status()
    assert "attestations" not in right
    world.forge({**right, "attestations": [{"name": "training", "result": "Accepted"}]})
    await world.run_for()
    assert world.status() == right


@virtually
async def test_a_manifest_that_a_model_refers_to_is_shown() -> None:
    """Written once, and not again when the watch reports it, nor when the model is judged again."""
    world = World(PASSING)
    for _ in range(3):
        world.statuses.refer(MODEL, PASSING.name)
        await world.run_for()
        world.observe()
        await world.run_for()
    assert world.status()["verdict"]["outcome"] == "Pass"
    assert len(world.writes) == 1


@virtually
async def test_a_write_that_the_watch_has_not_reported_yet_is_not_repeated() -> None:
    """The model may be judged ten times meanwhile."""
    world = World(PASSING)
    for _ in range(3):
        world.statuses.refer(MODEL, PASSING.name)
        await world.run_for()
    assert len(world.writes) == 1


@virtually
async def test_a_manifest_that_no_model_refers_to_is_left_alone() -> None:
    """A cluster may keep a hundred thousand of them."""
    world = World(PASSING)
    world.statuses.enqueue((NAMESPACE, PASSING.name))
    world.statuses.refer_all({MODEL: None, OTHER: "absent"})
    await world.run_for()
    assert world.writes == []


@virtually
async def test_after_a_restart_nothing_is_written() -> None:
    """The same evidence, policies and time are the same status."""
    world = World(PASSING)
    world.statuses.refer(MODEL, PASSING.name)
    await world.run_for()
    world.observe()
    again = World(policies=world.policies)
    again.put(PASSING, world.status())
    again.statuses.refer(MODEL, PASSING.name)
    again.statuses.refer_all({MODEL: PASSING.name})
    await again.run_for()
    assert again.writes == []


@virtually
async def test_time_and_policies_change_what_is_shown() -> None:
    """Whenever a model that refers to it is judged again, which is at each deadline."""
    world = World(manifest(not_after=EXPIRES))
    world.statuses.refer(MODEL, PASSING.name)
    await world.run_for()
    world.observe()
    world.now = EXPIRES
    world.statuses.refer(MODEL, PASSING.name)
    await world.run_for()
    assert world.status()["verdict"]["reason"] == "evidence/expired"
    world.observe()
    world.policies = (policy("lenient", enforcement="Warn"),)
    world.statuses.refer(MODEL, PASSING.name)
    await world.run_for()
    assert (world.status()["verdict"]["outcome"], world.status()["verdict"]["policies"]) == (
        "Warn",
        ["lenient"],
    )
    assert len(world.writes) == 3


FORGERIES: dict[str, Object | None] = {
    "removed": None,
    "another outcome": {"observedGeneration": 1, "verdict": {"outcome": "Pass", "ruleset": "x"}},
    "more than there is": {
        "observedGeneration": 1,
        "verdict": {"outcome": "Fail", "validUntil": "2099-01-01T00:00:00Z", "omittedFindings": 7},
    },
    "another generation": {"observedGeneration": 99},
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_status_is_corrected(forgery: Object | None) -> None:
    """As soon as the watch reports it; each time, and with what it added removed."""

    async def correct() -> None:
        world = World(UNWATCHED)
        world.statuses.refer(MODEL, PASSING.name)
        await world.run_for()
        world.observe()
        await world.run_for()
        right = world.status()
        for round_ in range(2):
            world.forge(forgery)
            await world.run_for()
            assert world.status() == right
            assert len(world.writes) == 2 + round_
            world.observe()
            await world.run_for()

    run_virtually(correct())


@virtually
async def test_a_status_goes_with_the_last_reference() -> None:
    """A verdict that is not kept up to date would mislead; not before every model is known, though."""
    world = World(PASSING)
    world.statuses.refer(MODEL, PASSING.name)
    world.statuses.refer(OTHER, PASSING.name)
    await world.run_for()
    world.observe()
    world.statuses.refer(MODEL, None)
    await world.run_for()
    assert world.status() != {}
    world.statuses.refer(OTHER, "another")
    await world.run_for()
    assert world.status() != {}, "a model that was not listed yet may refer to it"
    world.statuses.refer_all({OTHER: "another"})
    await world.run_for()
    assert world.status() == {}
    world.observe()
    world.statuses.refer(MODEL, PASSING.name)
    await world.run_for()
    assert world.status()["verdict"]["outcome"] == "Pass"


@virtually
async def test_a_status_that_a_former_leader_left_behind_is_removed() -> None:
    """The model was deleted while no replica led."""
    world = World()
    world.put(PASSING, {"observedGeneration": 1})
    world.statuses.refer_all({MODEL: None})
    await world.run_for()
    assert world.status() == {}


@virtually
async def test_what_an_older_definition_prunes_is_not_written_again_and_again() -> None:
    """The operator may be upgraded before the kinds."""
    world = World(UNWATCHED)
    world.prunes = ("reason", "findings")
    world.statuses.refer(MODEL, PASSING.name)
    for _ in range(4):
        await world.run_for()
        world.observe()
    assert len(world.writes) == 1


@virtually
async def test_at_most_five_are_written_in_a_second() -> None:
    """Whatever changes, and however many they are."""
    manifests = [manifest(name=f"m{number}") for number in range(50)]
    world = World(*manifests)
    for number, item in enumerate(manifests):
        world.statuses.refer((NAMESPACE, f"model-{number}"), item.name)
    await world.run_for(20.0)
    assert len(world.writes) == 50
    times = [moment for moment, _ in world.writes]
    assert all(later - sooner >= 1.0 - 1e-6 for sooner, later in zip(times, times[5:], strict=False))


@virtually
async def test_what_is_not_known_now_is_shown_later() -> None:
    """Nothing is written from a cache that is too old."""
    world = World(PASSING)
    world.known = False
    world.statuses.refer(MODEL, PASSING.name)
    await world.run_for(5.0)
    assert world.writes == []
    world.known = True
    await world.run_for(300.0)
    assert world.status()["verdict"]["outcome"] == "Pass"


REFUSAL = Forbidden("compliancemanifests/status is forbidden", code=403)


@pytest.mark.parametrize("error", [REFUSAL, ValueError("a defect")])
def test_a_write_that_fails_is_tried_again(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """Roles of an older installation, say; the same problem is logged once."""

    async def write() -> None:
        world = World(PASSING)
        world.failures = [error, error]
        world.statuses.refer(MODEL, PASSING.name)
        await world.run_for(30.0)
        assert world.status()["verdict"]["outcome"] == "Pass"
        assert len(world.writes) == 3

    run_virtually(write())
    warned = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warned) == (1 if isinstance(error, ClusterError) else 2)


@virtually
async def test_a_manifest_that_is_gone_has_no_status() -> None:
    """Neither in the cache nor when it is written."""
    world = World(PASSING)
    world.failures = [NotFound("no such manifest", code=404)]
    world.statuses.refer(MODEL, PASSING.name)
    await world.run_for(30.0)
    assert len(world.writes) == 1
    world.remove()
    world.statuses.refer(MODEL, PASSING.name)
    await world.run_for()
    assert len(world.writes) == 1


@virtually
async def test_who_does_not_lead_any_more_writes_nothing_and_ends() -> None:
    """As every write of the operator."""
    world = World(PASSING)
    world.failures = [NotLeadingError("the lease is not held any more")]
    world.statuses.refer(MODEL, PASSING.name)
    with pytest.raises(ExceptionGroup) as caught:
        await world.run_for()
    assert caught.group_contains(NotLeadingError)
