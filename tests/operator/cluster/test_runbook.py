"""The commands of the runbook on keys and audits, as they stand there, on the example that it names."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.envtest import find_kubectl
from actgate_sandbox.rest import Rest
from tests.operator.world import World
from tests.support.kubectl import Kubectl
from tests.support.waiting import wait_until

ROOT: Final = Path(__file__).parents[3]
NAMESPACE: Final = "credit-high-risk"
EXAMPLE: Final = tuple(
    ROOT / "examples" / "attested" / f"{name}.yaml" for name in ("namespace", "policy", "manifest", "model")
)
Shell = Callable[[str], str]

pytestmark = [pytest.mark.needs_kubectl, pytest.mark.usefixtures("operator")]


def commands(title: str) -> str:
    """Return the block of commands of a section."""
    text = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    section = re.search(rf"^## {title}$(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert section is not None, title
    (block,) = re.findall(r"^```sh\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)
    return str(block)


@pytest.fixture
def shell(control_plane: ControlPlane, tmp_path: Path) -> Shell:
    """Run commands as they are written, and return what they print."""
    binary = find_kubectl()
    assert binary is not None

    def run(text: str) -> str:
        environment = {
            "PATH": f"{Path(binary).parent}:{Path(sys.executable).parent}:/usr/bin:/bin",
            "KUBECONFIG": str(control_plane.kubeconfig),
            "HOME": str(tmp_path),
        }
        done = subprocess.run(  # noqa: S603 - the commands are ours
            ["/bin/sh", "-euc", text],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=tmp_path,
            env=environment,
            check=False,
        )
        assert done.returncode == 0, (done.stdout, done.stderr)
        return done.stdout

    return run


@pytest.fixture
def example(installed: Rest, kubectl: Kubectl, shell: Shell) -> Iterator[World]:
    """A model that runs on the example's evidence, under its policy."""
    for file in EXAMPLE:
        shell(f"kubectl apply -f {file}")
    world = World(installed, NAMESPACE)
    world.wait_for("EvidenceAccepted", "True")
    wait_until(lambda: "Accepted" in kubectl("get", "cmf", "-n", NAMESPACE, "-o", "yaml").out)
    yield world
    # No namespace ends on an API server alone, and one that is terminating takes no Events.
    for file in reversed(EXAMPLE[1:]):
        shell(f"kubectl delete --wait=false -f {file}")


def test_a_renewed_key_is_followed_by_what_still_rests_on_the_old_one(example: World, shell: Shell) -> None:
    """Authorities and results of each manifest, and the reason of each model."""
    assert example.condition("EvidenceAccepted")["status"] == "True"
    printed = shell(commands("A signing key is renewed"))
    # The commands ask about all namespaces, and those of other tests go in their own time.
    manifest, model = (row for row in map(str.split, printed.splitlines()) if row[:1] == [NAMESPACE])
    assert manifest == [
        NAMESPACE,
        "credit-risk-scorer-v2",
        "model-risk,ml-platform,model-risk,compliance-office",
        "Accepted,Accepted,Accepted,Accepted",
    ]
    assert model == [NAMESPACE, "credit-risk", "Accepted"]


def test_a_key_in_other_hands_is_revoked(example: World, shell: Shell) -> None:
    """The authority keeps its key and what it may attest: an apply merges authorities by name."""
    printed = shell(commands("A signing key may be in other hands"))
    assert re.search(r"^  ml-platform\n    key +sha256:", printed, re.MULTILINE)
    found = example.wait_for("EvidenceAccepted", "False", "EvidenceNotTrusted")
    assert "ml-platform" in found["message"]
    assert "Compromised" in found["message"]


def test_a_wrong_audit_is_withdrawn(example: World, shell: Shell) -> None:
    """By the digest that the first command prints."""
    show, patch, events = commands("An audit was wrong").strip().splitlines()
    digests = dict(line.split() for line in shell(show).splitlines())
    assert digests.keys() == {"plan", "compliance-manifest", "bias-audit", "approval"}
    shell(patch.replace("DIGEST", digests["bias-audit"]))
    found = example.wait_for("EvidenceAccepted", "False", "EvidenceWithdrawn")
    assert digests["bias-audit"] in found["message"]
    wait_until(lambda: "EvidenceWithdrawn" in shell(events))
