"""The check that ends every run: what it makes of requests and rules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.rights import UNSEEN, Right, granted, problems

DELETES_NODES = Right("actgate-operator", "delete", "core", "nodes")
ROOT = Path(__file__).parents[2]

LISTS_SECRETS = """
import ssl
from urllib.request import Request, urlopen

def test_it(control_plane):
    context = ssl.create_default_context(cadata=control_plane.ca.decode())
    headers = {"Authorization": f"Bearer {control_plane.token}", "User-Agent": "actgate-operator/1"}
    url = f"{control_plane.url}/api/v1/namespaces/default/secrets"
    assert urlopen(Request(url, headers=headers), context=context).status == 200
"""


def test_every_right_used_and_every_request_allowed_is_no_problem() -> None:
    """Rights that no request names are not asked for; a part of the suite need not use all."""
    assert problems(granted() - UNSEEN, granted(), whole=True) == []
    assert problems(set(), granted(), whole=False) == []


def test_a_request_that_no_rule_allows_is_a_problem_of_any_run() -> None:
    """Where every caller may do everything, it would not be noticed before it meets a real cluster."""
    assert problems({DELETES_NODES}, granted(), whole=False) == [
        "actgate-operator delete core nodes: asked for, and no rule in deploy/base allows it"
    ]


def test_a_rule_that_nothing_used_is_a_problem_of_a_whole_run() -> None:
    """A right that is not needed can only be abused."""
    assert problems(granted(), granted() | {DELETES_NODES}, whole=True) == [
        "actgate-operator delete core nodes: a rule in deploy/base allows it, and nothing asked for it"
    ]


def test_the_rights_are_those_of_deploy() -> None:
    """Of both services, and not more than deploy/ says: the webhook writes nothing."""
    webhook = {right.verb for right in granted() if right.service == "actgate-webhook"}
    assert webhook == {"get", "list", "watch"}
    assert Right("actgate-operator", "patch", "actgate.dev", "modeldeployments/status") in granted()


def test_the_run_fails_when_a_service_asks_for_too_much(tmp_path: Path) -> None:
    """A whole run of pytest over one test that asks the stand-in, in the operator's name, for too much."""
    (tmp_path / "conftest.py").write_text("from tests.conftest import *  # noqa: F403\n")
    (tmp_path / "test_it.py").write_text(LISTS_SECRETS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "ignore", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 1
    assert "1 passed" in done.stdout
    assert "actgate-operator list core secrets: asked for" in done.stdout
