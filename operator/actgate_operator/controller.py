"""Caches on every replica; on the leader what brings models onto the queue, and workers that take them off.

A model gets there by an event of kopf's, by a child of it, by its evidence, by a deadline, and every ten
minutes by a list of all. From there, one of the workers reconciles it.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, NoReturn

from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError, Conflict
from actgate.kube.objects import Key
from actgate.kube.reflector import Reflector
from actgate.kube.resources import MODEL_DEPLOYMENTS
from actgate.kube.timing import Backoff, Timing
from actgate.lookup.cache import EvidenceCache, Scope
from actgate.lookup.evidence import EvidenceUnavailableError, SignaturesPendingError
from actgate.lookup.judge import SubjectJudge
from actgate.runtime.tracing import NO_SPAN, Tracing
from actgate_operator.children import Children
from actgate_operator.deadlines import Clocks, Deadlines
from actgate_operator.dependants import Dependants
from actgate_operator.events import Events
from actgate_operator.health import Parts
from actgate_operator.live_reads import SharedReads
from actgate_operator.manifest_status import ManifestStatuses
from actgate_operator.metrics import Metrics
from actgate_operator.models import ModelCache
from actgate_operator.obstacles import ContestedError, RefusedError, TerminatingError
from actgate_operator.queue import LONGEST_SECONDS, WorkQueue
from actgate_operator.reconcile import Reconciler
from actgate_operator.retries import BLOCKED_RETRY_SECONDS, TERMINATING_RETRY_SECONDS, longest_pause
from actgate_operator.settings import Settings
from actgate_operator.verdict_changes import VerdictChanges
from actgate_operator.writer import NotLeadingError, Writer

logger = logging.getLogger(__name__)

EVENT_WRITERS: Final = 4
"""So many Events are recorded at the same time: few, since statuses come first."""


class Controller:
    """Everything that concerns models; children, evidence and models are cached by every replica."""

    def __init__(
        self,
        cluster: Cluster,
        writer: Writer,
        metrics: Metrics,
        settings: Settings,
        *,
        clocks: Clocks | None = None,
        timing: Timing | None = None,
        traces: Tracing | None = None,
    ) -> None:
        clocks, self._timing = clocks or Clocks(), timing or Timing(relist=settings.sync_period)
        self._metrics = metrics
        self._traces = traces
        self._workers = settings.max_concurrent_reconciles
        self._leads = False
        self.queue: WorkQueue[Key] = WorkQueue()
        self.models = ModelCache(cluster, self._enqueue)
        self._deadlines: Deadlines[Key] = Deadlines(self._enqueue, self._clock_was_set, clocks)
        self._list_wanted = asyncio.Event()
        self._all_wanted = False
        self.on_evidence: Callable[[Scope], None] = lambda _: None
        """Called with whom a change of evidence concerns, where this replica leads."""
        self.evidence = self._evidence = EvidenceCache(
            cluster,
            on_change=self._evidence_changed,
            on_manifest=lambda key, thing: self._statuses.stored(key, thing),
            live_namespaces=False,
            timing=self._timing,
        )
        news = VerdictChanges(self._evidence, clocks)
        self._dependants = Dependants(self.models, self._enqueue, news.concerns)
        self._statuses = ManifestStatuses(self._evidence, writer, clocks.now)
        self._children = Children(cluster, self._enqueue, self._timing)
        self.events = Events(writer, settings.identity, now=clocks.now)
        self._reconciler = Reconciler(
            self.models,
            cluster,
            writer,
            SubjectJudge(SharedReads(self._evidence), clocks.now, patient=True),
            self._children,
            self._deadlines,
            self.events,
            clocks.now,
            settings.webhook_namespace,
            self.queue.add_after,
            self._statuses.refer,
            settings.recorder_image,
        )
        self._report()

    @property
    def parts(self) -> Parts:
        """What health is asked about."""
        return Parts(self._reflectors, self.models.silence, self.queue.age)

    @property
    def _reflectors(self) -> tuple[Reflector[object], ...]:
        return (*self._evidence.reflectors, *self._children.reflectors)

    async def keep_caches(self) -> NoReturn:
        """Keep the caches of evidence and of children until cancelled; kopf's events keep that of models."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._evidence.run())
            group.create_task(self._children.run())
        raise AssertionError("unreachable: the tasks never end by themselves")

    async def run(self) -> NoReturn:
        """Work until cancelled; only the leader may.

        Raises:
            ExceptionGroup: Something ended that must not; only a new start can fix it.
        """
        async with asyncio.TaskGroup() as group:
            # What a former leader wrote last is in the caches before the first pass.
            began = self._timing.now()
            for reflector in self._reflectors:
                await reflector.contact_since(began)
            self._leads = True
            await self._list_models()
            self._enqueue_all()
            group.create_task(self._resync())
            group.create_task(self.queue.run())
            group.create_task(self._deadlines.run())
            group.create_task(self._dependants.run())
            group.create_task(self._statuses.run())
            for _ in range(EVENT_WRITERS):
                group.create_task(self.events.run(lambda: len(self.queue) > self._workers))
            logger.info("evidence and children are known, %d workers begin", self._workers)
            for _ in range(self._workers):
                group.create_task(self._work())
        raise AssertionError("unreachable: the tasks never end by themselves")

    def resync(self) -> None:
        """Have every model reconciled now."""
        self._all_wanted = True
        self._list_wanted.set()

    def relist(self) -> None:
        """Have all models listed where this replica leads, and those reconciled of which that brings news."""
        if self._leads:
            self._list_wanted.set()

    async def _work(self) -> NoReturn:
        while True:
            key = await self.queue.get()
            try:
                spanned = NO_SPAN if self._traces is None else self._traces.span("reconcile")
                with self._metrics.reconciling(), spanned as span:
                    outcome = await self._reconcile(key)
                    names = {"actgate.namespace": key[0], "actgate.name": key[1]}
                    span.set_attributes({**names, "actgate.outcome": outcome})
            finally:
                self.queue.done(key)

    async def _reconcile(self, key: Key) -> str:
        """Reconcile a model, and see to it that it comes again where that did not succeed.

        Returns:
            What came of it: the outcome of its judgement, ``Gone``, or why it comes again.
        """
        try:
            report = await self._reconciler.reconcile(key)
        except TerminatingError as error:
            logger.info("%s/%s waits: %s", *key, error)
            self.queue.retry(key, TERMINATING_RETRY_SECONDS, longest=longest_pause(self.queue.failing()))
            return "WaitingForDeletion"
        except ContestedError as error:
            return self._again(key, "RepeatedDrift", error, error.seconds)
        except RefusedError as error:
            # What is in the way goes without any news of it: another object, a quota, a webhook.
            return self._again(key, "Refused", error, longest=longest_pause(self.queue.failing()))
        except SignaturesPendingError as error:
            # No failure: the cache announces when they are verified.
            logger.debug("%s/%s waits: %s", *key, error)
            self.queue.add_after(key, BLOCKED_RETRY_SECONDS)
            return "SignaturesPending"
        except EvidenceUnavailableError as error:
            return self._again(key, "EvidenceUnavailable", error, error.retry_after)
        except ClusterError as error:
            return self._again(key, type(error).__name__, error, error.retry_after)
        except NotLeadingError:
            raise
        except Exception as error:
            # A defect that one model brings to light must not end the work on all others.
            logger.exception("%s/%s could not be reconciled", *key)
            return self._again(key, "Defect", error)
        self.queue.forget(key)
        if report is None:
            self._metrics.models.pop(key, None)
            self._statuses.refer(key, None)
            return "Gone"
        self._metrics.models[key] = report
        return report.outcome

    def _again(
        self,
        key: Key,
        reason: str,
        error: Exception,
        at_least: float = 0.0,
        longest: float = LONGEST_SECONDS,
    ) -> str:
        # A conflict is the way in which a pass learns that the model has changed under it.
        level = logging.DEBUG if isinstance(error, Conflict) else logging.WARNING
        logger.log(level, "%s/%s is retried: %s", *key, error)
        self._metrics.failed(reason)
        self.queue.retry(key, at_least, longest)
        return reason

    def _enqueue(self, key: Key) -> None:
        """Put a model on the queue, where this replica leads: a leader begins with all of them."""
        if self._leads:
            self.queue.add(key)

    def _evidence_changed(self, scope: Scope) -> None:
        if self._leads:
            self._dependants.note(scope)
            self.on_evidence(scope)

    def _clock_was_set(self, seconds: float) -> None:
        logger.warning("the clock was set by %+.0f s: every model is judged again", seconds)
        self.resync()

    async def _resync(self) -> NoReturn:
        """Reconcile every model from time to time, whatever was missed; list them whenever that is wanted."""
        due = self._timing.relist_seconds()
        while True:
            asked_at = self._timing.now()
            try:
                async with asyncio.timeout(due):
                    await self._list_wanted.wait()
            except TimeoutError:
                logger.debug("every model is reconciled again")
                self._all_wanted = True
            due = max(0.0, due - (self._timing.now() - asked_at))
            everything, self._all_wanted = self._all_wanted, False
            self._list_wanted.clear()
            await self._list_models()
            if everything:
                self._enqueue_all()
                due = self._timing.relist_seconds()

    async def _list_models(self) -> None:
        """List all models, however long that takes: news puts one on the queue."""
        backoff = Backoff(self._timing)
        while True:
            try:
                await self.models.list()
            except ClusterError as error:
                logger.warning("models could not be listed: %s", error)
                await backoff.pause(error.retry_after)
            else:
                return

    def _enqueue_all(self) -> None:
        references = self.models.references()
        self._statuses.refer_all(references)
        # Those that are gone are reconciled too, and forgotten.
        for key in references.keys() | self._metrics.models.keys():
            self.queue.add(key)

    def _report(self) -> None:
        self._metrics.watch_queue(self.queue.__len__, self.queue.age)
        self._metrics.watch_models(self._deadlines.moments)
        self._metrics.observe_cache(str(MODEL_DEPLOYMENTS), self.models.__len__, self.models.silence)
        for reflector in self._reflectors:
            self._metrics.observe_cache(str(reflector.resource), reflector.__len__, reflector.age)
