"""``decide`` beside the event loop, where so many policies apply that it would hold others up.

Ten thousand policies that all select one namespace take a quarter of a second: sixteen such decisions in one
round of the loop, and a lease is not renewed in time. One thread does them, one after the other.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final

from actgate.decision import Manifest, Policy, Subject, Verdict, decide
from actgate.decision.appraisal import Appraise, appraise

MANY: Final = 200
"""Policies that apply to one subject from which on a decision takes some milliseconds."""

_thread: Final = ThreadPoolExecutor(1, "decide")


async def decided(
    subject: Subject,
    manifests: tuple[Manifest, ...],
    policies: tuple[Policy, ...],
    now: datetime,
    appraise: Appraise = appraise,
) -> Verdict:
    """Return what ``decide`` does; the event loop goes on meanwhile where that takes long."""
    if len(policies) < MANY:
        return decide(subject, manifests, policies, now, appraise)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_thread, decide, subject, manifests, policies, now, appraise)
