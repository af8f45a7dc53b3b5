"""A webhook process under clients that mean no good, from another address than the honest one's."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from actgate_sandbox.control_plane import ControlPlane
from bench.flood_clients import flooding
from tests.webhook.build import Json, body_of
from tests.webhook.load import Load
from tests.webhook.process import WebhookProcess, running
from tests.webhook.test_serving import question, resources, wait_until_known  # noqa: F401 - fixtures

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="all of 127.0.0.0/8 is loopback on Linux alone"
)

MORE_MIB: Final = 200.0
"""Memory that an attack may cost, at its highest moment."""

WAYS: Final = {"small_held_body": 300, "trickled_body": 100}
"""Ways that the flood of all at once has not. What ends the others is in ``test_connections``; each can be
tried on a running webhook by ``python -m bench.flood_clients``."""


@pytest.fixture(autouse=True)
def descriptors() -> None:
    """Both ends of many connections need more file descriptors than some shells give."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))


@pytest.fixture
def webhook(
    resources: None,  # noqa: F811
    control_plane: ControlPlane,
    tmp_path: Path,
) -> Iterator[WebhookProcess]:
    """A webhook process that is ready."""
    with running(tmp_path / "webhook", control_plane.kubeconfig, "--decision-log", "none") as process:
        process.wait_until_ready()
        yield process


@pytest.mark.parametrize("way", WAYS)
async def test_honest_reviews_are_answered_and_memory_is_bounded(
    webhook: WebhookProcess,
    question: Json,  # noqa: F811
    way: str,
) -> None:
    """Whatever a client without credentials holds open, each honest review gets its answer meanwhile.

    ``Load`` counts as a failure what is no 200, ends without an answer, or has none by its deadline.
    """
    await _attacked(webhook, question, {way: WAYS[way]})


async def test_all_of_it_at_once_is_bounded_as_well(webhook: WebhookProcess, question: Json) -> None:  # noqa: F811
    """Bounds that hold one by one could still add up to more than the limit of the pod."""
    await _attacked(webhook, question, {"held_body": 140, "half_handshake": 500, "half_header": 500})


async def _attacked(webhook: WebhookProcess, question: Json, ways: dict[str, int]) -> None:  # noqa: F811
    wait_until_known(webhook, question)
    await _load(webhook, question, 200).run()
    idle = webhook.resident_mib()
    with flooding(webhook.port, ways):
        load = _load(webhook, question, 1000)
        await load.run()
    assert load.failures == []
    assert webhook.peak_mib() - idle < MORE_MIB
    assert webhook.get("/livez")[0] == 200


def _load(webhook: WebhookProcess, question: Json, calls: int) -> Load:  # noqa: F811
    ca = webhook.authority.certificate
    return Load(webhook.port, ca, body_of(question), calls, connections=4, reconnect_every=40)
