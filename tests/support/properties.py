"""How hard the property tests look: ``HYPOTHESIS_PROFILE`` is ``quick``, ``calm`` or ``thorough``.

There are no deadlines: a busy machine proves nothing about a rule.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_CALM = settings(deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))


def load_profile() -> None:
    """Register the profiles, and load the one that the environment names."""
    settings.register_profile("quick", _CALM, max_examples=10)
    settings.register_profile("calm", _CALM, max_examples=50)
    settings.register_profile("thorough", _CALM, max_examples=3000)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "calm"))
