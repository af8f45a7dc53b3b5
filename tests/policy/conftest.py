"""Settings of the property tests: no deadlines, since a busy machine proves nothing about a rule."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_CALM = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("calm", _CALM, max_examples=100)
settings.register_profile("thorough", _CALM, max_examples=3000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "calm"))
