"""Reports children that the webhook refused, each by one Event on the object that answers for it.

The webhook writes nothing. Where a controller creates what is refused, it is that controller's own Event that
says so, on an object that no user ever wrote: the ReplicaSet of a Deployment, the revision of a Knative
Service. What that Event claims is verified by reads: the object that it is about exists, with the uid that
it states, in the Event's own namespace, and so does each owner up to the one that a user wrote.

A claim is read at most once in half an hour, and each namespace has an allowance of its own, so that Events
which a user makes up cost a bounded number of reads and lead to no Event outside of their namespace.
"""

import logging
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from actgate.kube.objects import Object
from actgate.lookup.evidence import EvidenceUnavailableError
from actgate.lookup.owners import OwnerChains
from actgate.subjects.owners import Chain
from actgate_operator.events import WARNING, Events, Note
from actgate_operator.refused.allowance import Allowance, Recent
from actgate_operator.refused.denials import REASON, Denial, child_of, denial_of, reported

logger = logging.getLogger(__name__)

REPEAT_SECONDS: Final = 1800.0
"""The same refusal is reported again after so long; the API server keeps an Event for an hour."""
_WITHIN_SECONDS: Final = 5.0
"""All reads of one chain together may take so long: the next claim waits for them."""


class Result(StrEnum):
    """What came of a claim that is new."""

    REPORTED = "Reported"
    DUPLICATE = "Duplicate"
    """The same is reported already, as of another child of the same top object."""
    OWN = "Own"
    """The controller's Event is on the object that answers, or its status says it."""
    UNVERIFIED = "Unverified"
    """No such object, or one of its owners is not what it states."""
    LIMITED = "Limited"
    """Too many claims, of this namespace or in all."""
    UNAVAILABLE = "Unavailable"
    """The API server did not answer; the next Event of the controller is read again."""


class RefusedChildren:
    """Takes the Events of controllers, one after the other.

    Args:
        owners: Chains of owners.
        events: Where what is reported goes.
        count: Called with the result of each claim that is new.
        now: A monotonic clock, in seconds.
    """

    def __init__(
        self,
        owners: OwnerChains,
        events: Events,
        count: Callable[[str], None] = lambda _: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._owners = owners
        self._events = events
        self._count = count
        self._claims = Recent(REPEAT_SECONDS, now)
        self._reports = Recent(REPEAT_SECONDS, now)
        self._allowance = Allowance(now)

    async def take(self, event: Object) -> Result | None:
        """Report what an Event (events.k8s.io/v1) of a controller says, where it is one of ours and new.

        Returns:
            What came of it; None for an Event that is about something else, or that was taken before.
        """
        denial = denial_of(event)
        if denial is None or denial in self._claims:
            return None
        result = Result.LIMITED
        if self._allowance.take(denial.namespace):
            try:
                chain = await self._owners.top(
                    child_of(denial.maker), denial.namespace, _WITHIN_SECONDS, live=True
                )
            except EvidenceUnavailableError as error:
                logger.info("a refused child of %s/%s: %s", denial.namespace, denial.maker.name, error)
                result = Result.UNAVAILABLE
            else:
                self._claims.note(denial)
                result = self._report(denial, chain)
        self._count(result)
        return result

    def _report(self, denial: Denial, chain: Chain) -> Result:
        if chain.broken or not chain.owners:
            return Result.UNVERIFIED
        found = reported(denial, chain)
        if found is None:
            return Result.OWN
        key = found.top["metadata"]["uid"], denial.rules
        if key in self._reports:
            return Result.DUPLICATE
        self._reports.note(key)
        self._events.note(found.top, Note(WARNING, REASON, found.message))
        return Result.REPORTED
