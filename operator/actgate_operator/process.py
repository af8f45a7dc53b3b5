"""One replica from startup to cleanup: health pages, caches, the lease, and the work while it is held.

Every replica keeps its caches warm; only the one that holds the lease has workers. What must not end and
ends, a lost lease above all, stops kopf, so that the process ends and another replica goes on.
"""

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final

import kopf

from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError, NotFound
from actgate.kube.lease import Lease
from actgate.kube.resources import MODEL_DEPLOYMENTS
from actgate.kube.timing import Backoff, Timing
from actgate.lookup.owners import OwnerChains
from actgate.runtime import tracing
from actgate.runtime.health import Health
from actgate_operator.certificates.metrics import CertificateMetrics
from actgate_operator.certificates.reconciler import CertificateReconciler, Places, service_names
from actgate_operator.controller import Controller
from actgate_operator.health import Checks, answering, pages
from actgate_operator.kopf_fixes import Logins
from actgate_operator.kopf_settings import configure
from actgate_operator.metrics import Metrics
from actgate_operator.models import ModelCache
from actgate_operator.names import MANAGER
from actgate_operator.options import Election, Options
from actgate_operator.refused.children import RefusedChildren
from actgate_operator.refused.follower import EventFollower
from actgate_operator.registration.metrics import RegistrationMetrics
from actgate_operator.registration.watch import RegistrationWatch
from actgate_operator.registration.weaknesses import Chosen
from actgate_operator.scan.metrics import ScanMetrics
from actgate_operator.scan.scan import Scan
from actgate_operator.serving_kinds import ServingKindCheck
from actgate_operator.settings import Settings

logger = logging.getLogger(__name__)

_FIRST_SECONDS: Final = 1.0
"""So long caches wait for the lease: what is listed while it is held need not be listed again."""


_FLUSH_SECONDS: Final = 2.0
"""How long Events that wait may take at the end; statuses are written already."""


class NotInstalled(Exception):  # noqa: N818 - the name says it already
    """The API server does not serve the kind that the operator is for."""


class Process:
    """What the handlers share, as ``memo.process``.

    Args:
        settings: Flags or variables.
        stop: Stops kopf; by default by a signal to this process, which works however kopf was started.
        options: Clocks and stand-ins.
    """

    controller: Controller
    logins: Logins
    scan: Scan

    def __init__(
        self,
        settings: Settings,
        stop: Callable[[], None] | None = None,
        *,
        metrics: Metrics | None = None,
        options: Options | None = None,
    ) -> None:
        self._settings = settings
        self._stop = stop or (lambda: signal.raise_signal(signal.SIGTERM))
        self._is_flag = stop is not None
        self._options = options or Options()
        self.metrics = metrics or Metrics()
        self._resources = AsyncExitStack()
        self._work: asyncio.Task[None] | None = None
        self.failure: BaseException | None = None
        """What ended the work before it was asked to end."""

    @property
    def models(self) -> ModelCache:
        """The models, for events."""
        return self.controller.models

    def livez(self) -> str:
        """Return "ok", or raise ``RuntimeError`` with the reason for which a restart may help."""
        failing = {name: why for name, why in self._live.failing_checks().items() if why is not None}
        if failing:
            raise RuntimeError("; ".join(f"{name}: {why}" for name, why in failing.items()))
        return "ok"

    async def open(self, settings: kopf.OperatorSettings) -> None:
        """Set kopf up, open everything, and begin to work beside it.

        Raises:
            Misconfigured: The settings lead to no API server.
            OSError: The address of the pages is taken.
        """
        configure(settings, self._options.kopf)
        async with AsyncExitStack() as stack:
            await self._open(stack)
            # kopf calls no cleanup where startup failed, and this would close it.
            self._resources = stack.pop_all()
        self._work = asyncio.create_task(self._run(), name="operator")
        self._work.add_done_callback(lambda work: work.cancelled() or self._stop())

    async def close(self) -> None:
        """End the work, give the lease back, and close everything.

        Raises:
            ExceptionGroup: What ended the work before it was asked to end.
        """
        if self._is_flag:
            # A task of kopf's waits for it, and would be waited for.
            self._stop()
        if self._work is not None:
            self._work.cancel()
            [outcome] = await asyncio.gather(self._work, return_exceptions=True)
            if isinstance(outcome, BaseException) and not isinstance(outcome, asyncio.CancelledError):
                self.failure = outcome
        if self._election.held() and self.failure is None:
            await self.controller.events.flush(_FLUSH_SECONDS)
        # Nothing writes any more.
        await self._election.release()
        await self._resources.aclose()
        if isinstance(self.failure, Exception):
            raise self.failure

    async def _open(self, stack: AsyncExitStack) -> None:
        settings, options, metrics = self._settings, self._options, self.metrics
        traces = tracing.from_environment("actgate-operator", settings.identity)
        if traces is not None:
            stack.push_async_callback(asyncio.to_thread, traces.close)
        cluster = Cluster.from_environment(settings.kubeconfig, metrics.asked, MANAGER)
        self._cluster = await stack.enter_async_context(cluster)
        self._election = (options.election or _lease)(self._cluster, settings)
        self._writer = options.writer(self._cluster, self._election.held)
        self._writer.within = settings.write_seconds
        self.controller = Controller(
            self._cluster,
            self._writer,
            metrics,
            settings,
            clocks=options.clocks,
            timing=options.timing,
            traces=traces,
        )
        self._kinds = ServingKindCheck(
            self._cluster,
            settings.webhook_namespace,
            self.controller.events,
            metrics,
            lambda: self.scan.table_changed(),
        )
        self.scan = Scan(
            self._cluster,
            self.controller.evidence,
            self._writer,
            self.controller.events,
            ScanMetrics(metrics.registry),
            self._kinds.added.known_table,
            settings.reports,
            clocks=options.clocks,
            timing=options.timing,
        )
        self.controller.on_evidence = self.scan.evidence_changed
        self.logins = Logins(
            settings.kubeconfig, options.kopf, self.models.note_answer, self.controller.relist, metrics.asked
        )
        stack.push_async_callback(self.logins.close)
        parts, patience = self.controller.parts, settings.unhealthy_after
        self._live = Checks(self._election, parts, patience, first=patience)
        self._ready = Checks(self._election, parts, settings.unready_after)
        if options.serves_pages:
            live, ready = self._live.failing_checks, self._ready.failing_checks
            notes = [self.scan.notes, self._kinds.notes]
            app = pages(metrics, Health("livez", [live]), Health("readyz", [ready], notes))
            await stack.enter_async_context(answering(app, settings.bind_address, settings.health_port))

    async def _run(self) -> None:
        """Keep caches, and lead as long as that may be; ends with an exception only."""
        async with asyncio.TaskGroup() as group:
            await self._check_installed()
            acquiring = asyncio.create_task(self._election.acquire())
            try:
                await asyncio.wait({acquiring}, timeout=_FIRST_SECONDS)
                group.create_task(self.controller.keep_caches())
                group.create_task(self._registration_watch().run())
                group.create_task(self._kinds.added.run())
                await acquiring
            finally:
                acquiring.cancel()
            logger.info("%s leads", self._settings.identity)
            self.metrics.lead(True)
            self._live.lead()
            self._ready.lead()
            group.create_task(self._election.keep())
            group.create_task(self._certificates().run())
            group.create_task(self.controller.run())
            group.create_task(self.scan.run())
            children = RefusedChildren(
                OwnerChains(self._cluster, table=self._kinds.added.known_table, most=1),
                self.controller.events,
                self.metrics.refused_child,
            )
            group.create_task(EventFollower(self._cluster, children.take, self._options.timing).run())
            group.create_task(self._kinds.run())

    async def _check_installed(self) -> None:
        """Return once the API server serves our kind; where it does not, kopf would wait for ever.

        Raises:
            NotInstalled: It does not.
        """
        backoff = Backoff(self._options.timing or Timing())
        while True:
            try:
                async for _ in self._cluster.list_pages(MODEL_DEPLOYMENTS, limit=1):
                    return
            except NotFound:
                raise NotInstalled(
                    f"the API server does not serve {MODEL_DEPLOYMENTS.plural} of "
                    f"{MODEL_DEPLOYMENTS.api_version}: install the definitions in crds/ and start again"
                ) from None
            except ClusterError as error:
                logger.warning("models cannot be listed: %s", error)
                await backoff.pause(error.retry_after)

    def _registration_watch(self) -> RegistrationWatch:
        settings = self._settings
        chosen = Chosen(settings.webhook_namespace, settings.webhook_service, settings.webhook_failure_policy)
        return RegistrationWatch(
            self._cluster,
            settings.webhook_configuration,
            chosen,
            RegistrationMetrics(self.metrics.registry),
            self._options.timing,
        )

    def _certificates(self) -> CertificateReconciler:
        settings = self._settings
        names = service_names(settings.webhook_service, settings.webhook_namespace)
        places = Places(
            namespace=settings.webhook_namespace,
            leaf=settings.webhook_tls_secret,
            authorities=settings.webhook_ca_secret,
            registration=settings.webhook_configuration,
            names=(*names, *settings.webhook_extra_sans),
        )
        return CertificateReconciler(
            self._cluster,
            self._writer,
            places,
            CertificateMetrics(self.metrics.registry),
            writes=settings.certificates == "SelfManaged",
        )


def _lease(cluster: Cluster, settings: Settings) -> Election:
    return Lease(
        cluster,
        settings.lease_namespace,
        settings.lease_name,
        settings.identity,
        timing=settings.lease_timing,
    )
