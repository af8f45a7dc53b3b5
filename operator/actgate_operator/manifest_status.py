"""The status of manifests: each one's own appraisal, for readers of ``kubectl get cmf``.

Only manifests that a ModelDeployment refers to have a status: a cluster may keep a hundred thousand others. A
status is written when it differs from the one that is stored, at most five times a second, and it is removed
when no model refers to the manifest any more. It does not say when it was written, so that the same appraisal
is the same status, and nothing is written after a restart.

No decision reads a status. Whichever client wrote it, the evidence is the spec (ADR 0015).
"""

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final, NamedTuple, NoReturn

import orjson

from actgate.api.base import Model
from actgate.api.compliance_manifest import ComplianceManifestStatus, ReportedAppraisal
from actgate.decision.decide import Appraisal
from actgate.kube.errors import ClusterError, NotFound
from actgate.kube.objects import Key, Object, version_of
from actgate.kube.resources import COMPLIANCE_MANIFESTS
from actgate.lookup.evidence import EvidenceSource, EvidenceUnavailableError
from actgate_operator.queue import WorkQueue
from actgate_operator.status.report import status_of_manifest
from actgate_operator.writer import NotLeadingError, Writer

logger = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 0.2
"""After each write: at most five a second."""


class Stored(NamedTuple):
    """What decides whether a manifest's status is the one that it should have."""

    generation: int
    version: int
    status: bytes | None
    """Fingerprint of the status as it stands; None where there is none. A status is no evidence."""


def fingerprint(status: object) -> bytes | None:
    """Return what distinguishes two statuses; None for none."""
    if not status:
        return None
    return hashlib.sha256(orjson.dumps(status, option=orjson.OPT_SORT_KEYS)).digest()[:16]


@dataclass(slots=True)
class _Written:
    """The last write to a manifest's status."""

    wanted: bytes | None
    stored: bytes | None
    """What the API server made of it: an older definition prunes what it does not know."""
    version: int


class ManifestStatuses:
    """Writes statuses while ``run`` runs, on one event loop.

    Args:
        evidence: The manifests, and what they are judged by.
        writer: Who writes.
        wall: The wall clock.
        sleep: How it pauses.
        queue: Manifests whose status is to be reconciled.
    """

    def __init__(
        self,
        evidence: EvidenceSource,
        writer: Writer,
        wall: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        queue: WorkQueue[Key] | None = None,
    ) -> None:
        self._evidence = evidence
        self._writer = writer
        self._wall = wall
        self._sleep = sleep
        self._queue: WorkQueue[Key] = WorkQueue() if queue is None else queue
        self._references: dict[Key, Key] = {}
        self._referring: Counter[Key] = Counter()
        self._all_known = False
        self._stored: dict[Key, Stored] = {}
        self._in_sync: dict[Key, tuple[Stored, Appraisal]] = {}
        self._written: dict[Key, _Written] = {}
        self._logged = ""

    def stored(self, key: Key, thing: Object | None) -> None:
        """Note a version of a manifest as the API server has it; None once it is gone."""
        if thing is None:
            self._stored.pop(key, None)
            return
        generation = thing["metadata"].get("generation")
        former = self._stored.get(key)
        self._stored[key] = Stored(
            generation if isinstance(generation, int) else 0,
            version_of(thing),
            fingerprint(thing.get("status")),
        )
        if former is not None:
            self.enqueue(key)

    def refer(self, model: Key, name: str | None) -> None:
        """Note which manifest of its namespace a model refers to, None for none, and reconcile its status."""
        manifest = (model[0], name) if name is not None else None
        former = self._references.get(model)
        if former != manifest:
            if former is not None:
                self._forget(model, former)
            if manifest is not None:
                self._references[model] = manifest
                self._referring[manifest] += 1
        if manifest is not None:
            self.enqueue(manifest)

    def refer_all(self, references: Mapping[Key, str | None]) -> None:
        """Note what every model of the cluster refers to, and reconcile every status."""
        self._all_known = True
        for model in self._references.keys() - references.keys():
            self.refer(model, None)
        for model, name in references.items():
            self.refer(model, name)
        for manifest, stored in self._stored.items():
            if stored.status is not None:
                self.enqueue(manifest)

    def enqueue(self, manifest: Key) -> None:
        """Have the status of a manifest reconciled."""
        self._queue.add(manifest)

    async def run(self) -> NoReturn:
        """Write what differs until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._queue.run())
            group.create_task(self._work())
        raise AssertionError("unreachable: the tasks never end by themselves")

    def _forget(self, model: Key, manifest: Key) -> None:
        del self._references[model]
        self._referring[manifest] -= 1
        if not self._referring[manifest]:
            del self._referring[manifest]
            self.enqueue(manifest)

    async def _work(self) -> NoReturn:
        while True:
            manifest = await self._queue.get()
            try:
                if await self._reconcile(manifest):
                    await self._sleep(PAUSE_SECONDS)
                self._queue.forget(manifest)
            except EvidenceUnavailableError:
                self._queue.retry(manifest)
            except ClusterError as error:
                self._failed(manifest, error)
                await self._sleep(PAUSE_SECONDS)
            except NotLeadingError:
                raise
            except Exception:
                # A defect that one manifest brings to light must not end the work on models.
                logger.exception("the status of ComplianceManifest %s/%s is not written", *manifest)
                self._queue.retry(manifest)
            finally:
                self._queue.done(manifest)

    def _failed(self, manifest: Key, error: ClusterError) -> None:
        # Without the right to write them it is the same for each of thousands.
        level = logging.DEBUG if str(error) == self._logged else logging.WARNING
        self._logged = str(error)
        logger.log(level, "the status of ComplianceManifest %s/%s is not written: %s", *manifest, error)
        self._queue.retry(manifest, error.retry_after)

    async def _reconcile(self, key: Key) -> bool:
        """Write the status of a manifest where it is another one than it should be; return whether it was."""
        stored = self._stored.get(key)
        if stored is None:
            self._in_sync.pop(key, None)
            self._written.pop(key, None)
            return False
        if key not in self._referring:
            # Until every model is known, one that is not known may refer to it.
            return self._all_known and await self._write(key, stored, None)
        evidence = self._evidence.from_cache(key[0], (key[1],))
        if not evidence.manifests:
            return False
        manifest, now = evidence.manifests[0], self._wall()
        appraisal = self._evidence.appraisals.appraise(manifest, evidence.policies, now)
        if self._in_sync.get(key) == (stored, appraisal):
            return False
        wrote = await self._write(key, stored, status_of_manifest(stored.generation, appraisal))
        self._in_sync[key] = (stored, appraisal)
        return wrote

    async def _write(self, key: Key, known: Stored, status: Object | None) -> bool:
        wanted, former = fingerprint(status), self._written.get(key)
        if known.status == wanted:
            return False
        if former is not None and former.wanted == wanted:
            if known.version < former.version:
                return False  # The watch has not shown our write yet.
            if known.status == former.stored:
                return False  # The API server keeps something else of it, and would again.
        body = {
            "apiVersion": COMPLIANCE_MANIFESTS.api_version,
            "kind": COMPLIANCE_MANIFESTS.kind,
            "metadata": {"namespace": key[0], "name": key[1]},
            "status": _merged(status),
        }
        try:
            stored = await self._writer.merge_status(COMPLIANCE_MANIFESTS, body)
        except NotFound:
            return True
        self._written[key] = _Written(wanted, fingerprint(stored.get("status")), version_of(stored))
        return True


def _merged(status: Object | None) -> Object | None:
    """Return a status for a merge patch: what it does not say is removed, whichever client wrote it."""
    if status is None:
        return None
    verdict = {**_absent(ReportedAppraisal), **status["verdict"]}
    return {**_absent(ComplianceManifestStatus), **status, "verdict": verdict}


@cache
def _absent(model: type[Model]) -> dict[str, None]:
    return {str(field.alias): None for field in model.model_fields.values() if not field.is_required()}
