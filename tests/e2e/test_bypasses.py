"""Ways round the gate, with ``edit`` in a namespace under ``examples/policies/high-risk.yaml``.

Only on a real API server: the stand-in has neither RBAC nor every subresource. What shows in an object alone
is tried in ``tests/subjects/test_bypasses.py``, too, and some of it on the stand-in in
``tests/webhook/test_bypasses.py``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deploy.conftest import Cluster, cluster
from tests.e2e.bypasses.opening import opened
from tests.e2e.bypasses.page import PAGE, written
from tests.e2e.bypasses.place import Place, differing
from tests.e2e.bypasses.tables import TABLES

__all__ = ["cluster"]

pytestmark = pytest.mark.needs_kubectl


@pytest.fixture(scope="module")
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The gate and its namespace, for every table."""
    with opened(cluster, tmp_path_factory.mktemp("bypasses")) as place:
        yield place


def test_the_page_lists_every_way_and_what_becomes_of_it() -> None:
    """`python -m tests.e2e.bypasses.page` writes it."""
    page = PAGE.read_text("utf-8")
    assert page == written(page)


@pytest.mark.parametrize("table", TABLES)
def test_each_way_round_the_gate_ends_as_the_page_says(place: Place, table: str) -> None:
    """One table for what the ways make use of, so that a failure shows all that differ."""
    found = differing(place, TABLES[table])
    assert not found, "\n".join(found)
