"""Watches the registration and reports within a second what it lost; every replica does, and none writes."""

import asyncio
import logging
from typing import Final, NoReturn

from actgate.api.quoting import cut
from actgate.kube.client import Cluster
from actgate.kube.objects import Object
from actgate.kube.reflector import Reflector
from actgate.kube.resources import VALIDATING_WEBHOOK_CONFIGURATIONS
from actgate.kube.store import Change, Unreadable
from actgate.kube.timing import Timing
from actgate_operator.registration.metrics import RegistrationMetrics
from actgate_operator.registration.weaknesses import Chosen, Reason, Weakness, weaknesses

logger = logging.getLogger(__name__)

_LONGEST: Final = 1024
"""Characters of the log line."""
_UNREAD: Final = (Weakness(Reason.UNREAD, "it has not been read yet"),)

Weaknesses = tuple[Weakness, ...]


class RegistrationWatch:
    """Compares the registration with the generated one, whenever one of them changes.

    Args:
        cluster: Where it is read.
        name: Of the ValidatingWebhookConfiguration.
        chosen: What the installation chooses.
        metrics: Gets what is found.
        timing: How the reflector waits.
    """

    def __init__(
        self,
        cluster: Cluster,
        name: str,
        chosen: Chosen,
        metrics: RegistrationMetrics,
        timing: Timing | None = None,
    ) -> None:
        self._name = name
        self._chosen = chosen
        self._metrics = metrics
        self.found: Weaknesses = _UNREAD
        """What is wrong with it now."""
        self._metrics.found(self.found)
        self._reflector: Reflector[Weaknesses] = Reflector(
            cluster,
            VALIDATING_WEBHOOK_CONFIGURATIONS,
            self._compared,
            self._changed,
            field_selector=f"metadata.name={name}",
            timing=timing,
        )

    async def run(self) -> NoReturn:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._reflector.run())
            # Of a registration that was never there no change is heard.
            await self._reflector.synced.wait()
            self._report(self._reflector.get(None, self._name))
        raise AssertionError("unreachable: the reflector never ends by itself")

    def _compared(self, registration: Object) -> Weaknesses:
        return weaknesses(registration, self._chosen)

    def _changed(self, change: Change[Weaknesses]) -> None:
        self._report(change.new)

    def _report(self, compared: Weaknesses | Unreadable | None) -> None:
        """Count and log what was found, once for each time that it changes."""
        if isinstance(compared, Unreadable):
            compared = (Weakness(Reason.UNREAD, f"it cannot be read: {compared.error}"),)
        found = weaknesses(None, self._chosen) if compared is None else compared
        if found == self.found:
            return
        self.found = found
        self._metrics.found(self.found)
        if found:
            details = "; ".join(weakness.detail for weakness in found)
            logger.error("the webhook's registration is weaker than generated: %s", cut(details, _LONGEST))
        else:
            logger.info("the webhook's registration asks about everything that was generated")
