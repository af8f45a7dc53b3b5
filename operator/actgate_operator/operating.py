"""The operator at work, while it leads: what brings models onto the queue, and who takes them off.

A model gets there by kopf (it changed), by a child of it, by its evidence, by a deadline, and every ten
minutes by a list of all. From there, one of the workers reconciles it.
"""

import asyncio
import logging
from typing import NoReturn

from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError
from actgate.kube.objects import Key, key_of
from actgate.kube.resources import MODEL_DEPLOYMENTS
from actgate.kube.timing import Backoff, Timing
from actgate.lookup.cache import EvidenceCache
from actgate.lookup.evidence import EvidenceUnavailableError, SignaturesPendingError
from actgate.lookup.judge import SubjectJudge
from actgate.runtime.tracing import NO_SPAN, Tracing
from actgate_operator.apply import ContestedError, GoingError, RefusedError
from actgate_operator.children import Children
from actgate_operator.deadlines import Clocks, Deadlines
from actgate_operator.dependants import Dependants, reference_of
from actgate_operator.events import Events
from actgate_operator.feed import Feed, FeedTiming
from actgate_operator.health import Parts
from actgate_operator.manifest_status import ManifestStatuses
from actgate_operator.metrics import Metrics
from actgate_operator.news import News
from actgate_operator.queue import LONGEST_SECONDS, WorkQueue
from actgate_operator.reconcile import Reconciler
from actgate_operator.settings import Settings
from actgate_operator.writer import NotLeadingError, Writer

logger = logging.getLogger(__name__)

GOING_SECONDS = 1.0
"""When to look again after something had to go first."""


SOON_SECONDS = 10.0
"""Within so many seconds it is noticed that what was in the way of a model is gone."""
MOST_LOOKS = 10.0
"""Looks a second at all models together that something is in the way of."""


def soon(failing: int) -> float:
    """Return the longest pause before another look at what is in the way of a model, in seconds.

    A look takes two requests: where many models wait like that, all of them together take no more than
    ``MOST_LOOKS`` a second.
    """
    return min(max(SOON_SECONDS, 2 * failing / MOST_LOOKS), LONGEST_SECONDS)


class Operator:
    """Everything that runs while leading."""

    def __init__(
        self,
        cluster: Cluster,
        writer: Writer,
        metrics: Metrics,
        settings: Settings,
        *,
        clocks: Clocks | None = None,
        timing: Timing | None = None,
        feed_timing: FeedTiming | None = None,
        traces: Tracing | None = None,
    ) -> None:
        clocks, self._timing = clocks or Clocks(), timing or Timing(relist=settings.sync_period)
        self._cluster = cluster
        self._metrics = metrics
        self._traces = traces
        self._workers = settings.max_concurrent_reconciles
        self.queue: WorkQueue[Key] = WorkQueue()
        self._deadlines: Deadlines[Key] = Deadlines(self.queue.add, self._clock_was_set, clocks)
        self._resync_wanted = asyncio.Event()
        self._evidence = EvidenceCache(
            cluster,
            on_change=lambda scope: self._dependants.note(scope),
            on_manifest=lambda key, thing: self._statuses.stored(key, thing),
            live_namespaces=False,
            timing=self._timing,
        )
        news = News(self._evidence, clocks)
        self._dependants = Dependants(cluster, self.queue.add, self._timing, news.concerns)
        self._statuses = ManifestStatuses(self._evidence, writer, clocks.now)
        self._children = Children(cluster, self.queue.add, self._timing)
        self._feed = Feed(settings.kubeconfig, self._heard, observe=metrics.asked, timing=feed_timing)
        self._reconciler = Reconciler(
            cluster,
            writer,
            SubjectJudge(self._evidence, clocks.now, patient=True),
            self._children,
            self._deadlines,
            Events(writer, settings.identity, now=clocks.now),
            clocks.now,
            settings.webhook_namespace,
            self.queue.add_after,
            self._statuses.refer,
        )
        self._watch()

    @property
    def parts(self) -> Parts:
        """What health is asked about."""
        reflectors = (*self._evidence.reflectors, *self._children.reflectors)
        return Parts(reflectors, self._feed.silence, self.queue.age)

    async def run(self) -> NoReturn:
        """Work until cancelled.

        Raises:
            ExceptionGroup: Something ended that must not; only a new start can mend it.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._evidence.run())
            group.create_task(self._children.run())
            # Before the rest is known: it is the one to say that our kinds are not installed.
            group.create_task(self._feed.run())
            await self._synced()
            logger.info("evidence and children are known, %d workers begin", self._workers)
            group.create_task(self.queue.run())
            group.create_task(self._deadlines.run())
            group.create_task(self._dependants.run())
            group.create_task(self._resync())
            group.create_task(self._statuses.run())
            for _ in range(self._workers):
                group.create_task(self._work())
        raise AssertionError("unreachable: the tasks never end by themselves")

    async def _synced(self) -> None:
        for reflector in (*self._evidence.reflectors, *self._children.reflectors):
            await reflector.synced.wait()

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
        except GoingError as error:
            logger.info("%s/%s waits: %s", *key, error)
            self.queue.retry(key, GOING_SECONDS, longest=soon(self.queue.failing()))
            return "WaitingForDeletion"
        except ContestedError as error:
            return self._again(key, "RepeatedDrift", error, error.seconds)
        except RefusedError as error:
            # What is in the way goes without any news of it: another object, a quota, a webhook.
            return self._again(key, "Refused", error, longest=soon(self.queue.failing()))
        except SignaturesPendingError as error:
            # No failure: the cache announces when they are verified.
            logger.debug("%s/%s waits: %s", *key, error)
            self.queue.add_after(key, SOON_SECONDS)
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
        logger.warning("%s/%s is tried again: %s", *key, error)
        self._metrics.failed(reason)
        self.queue.retry(key, at_least, longest)
        return reason

    def _heard(self, namespace: str, name: str, version: int) -> None:
        if self._reconciler.written.get((namespace, name)) != version:
            self.queue.add((namespace, name))

    def _clock_was_set(self, seconds: float) -> None:
        logger.warning("the clock was set by %+.0f s: every model is judged again", seconds)
        self.resync()

    def resync(self) -> None:
        """Have every model looked at now."""
        self._resync_wanted.set()

    async def _resync(self) -> NoReturn:
        """Look at every model from time to time, whatever was missed."""
        backoff = Backoff(self._timing)
        while True:
            try:
                async with asyncio.timeout(self._timing.relist_seconds()):
                    await self._resync_wanted.wait()
            except TimeoutError:
                logger.debug("every model is reconciled again")
            self._resync_wanted.clear()
            try:
                await self._enqueue_all()
            except ClusterError as error:
                logger.warning("models could not be listed: %s", error)
                self._resync_wanted.set()
                await backoff.pause(error.retry_after)
            else:
                backoff.reset()

    async def _enqueue_all(self) -> None:
        listed = {}
        async for page in self._cluster.list_pages(MODEL_DEPLOYMENTS):
            for model in page.items:
                listed[key_of(model)] = reference_of(model)
        self._statuses.refer_all(listed)
        # Those that are gone are looked at too, and forgotten.
        for key in listed.keys() | self._metrics.models.keys():
            self.queue.add(key)

    def _watch(self) -> None:
        self._metrics.watch_queue(self.queue.__len__, self.queue.age)
        self._metrics.watch_models(self._deadlines.moments)
        for reflector in (*self._evidence.reflectors, *self._children.reflectors):
            self._metrics.observe_cache(str(reflector.resource), reflector.__len__, reflector.age)
