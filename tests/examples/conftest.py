"""The webhook as a real process before the control plane under test."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest
from demo.gate import guarded
from demo.service import Service

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Gate:
    """An API server that asks the webhook, and the webhook itself."""

    rest: Rest
    webhook: Service


@pytest.fixture(scope="module")
def gate(control_plane: ControlPlane, rest: Rest) -> Iterator[Gate]:
    """CRDs and registration installed, the webhook ready and known to be called."""
    with guarded(control_plane, ROOT) as webhook:
        yield Gate(rest, webhook)
