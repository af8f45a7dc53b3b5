"""What happens to models that were let in: edited by hand, suspended, and left by their evidence.

Every step does something that a user does, and waits for what must follow; what was observed is shown beside
what it must be.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from actgate_sandbox.rest import Rest
from demo.applying import PATIENCE_SECONDS, Applier, Named
from demo.examples import Example, load
from demo.service import Service

NAMESPACE: Final = "demo-lifecycle"
"""Where the first model is."""

_MODEL: Final = Named("ModelDeployment", NAMESPACE, "credit-risk")
_LOAN: Final = Named("ModelDeployment", "lending", "loan")
_EVIDENCE: Final = Named("ComplianceManifest", NAMESPACE, "credit-risk-scorer-v2")

_AT_ONCE_SECONDS: Final = 5.0

_EDIT: Final = (
    {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "elsewhere.example/other:1"},
    {
        "op": "add",
        "path": "/spec/template/spec/containers/-",
        "value": {"name": "shell", "image": "elsewhere.example/shell:1"},
    },
)


class Step(NamedTuple):
    """One step of the demo."""

    done: str
    """What was done."""
    seen: str
    """What was seen then."""
    expected: str
    """What must be seen."""
    right: bool


class Course:
    """The steps, in an API server with webhook and operator.

    Args:
        folder: Where the lifecycle examples are.
        apply: A user's hands.
        rest: What looks.
        webhook: It has to know a policy before a model is applied under it.
        holds_for: How long the evidence of the second model holds.
    """

    def __init__(
        self, folder: Path, apply: Applier, rest: Rest, webhook: Service, holds_for: timedelta
    ) -> None:
        self._folder = folder
        self._apply = apply
        self._rest = rest
        self._webhook = webhook
        self._holds_for = holds_for

    def steps(self, now: datetime) -> Iterator[Step]:
        """Take every step, one after the other.

        Args:
            now: The day to which the dates of the examples are moved.
        """
        holding = load(self._folder / "runs-while-evidence-holds.yaml", now)
        expiring = load(self._folder / "scaled-to-zero-when-evidence-expires.yaml", now)
        renewed = load(self._folder / "restored-by-new-evidence.yaml", now)
        yield self._deployed("a model and its evidence", holding.text, _MODEL)
        until, text = _ending(expiring, self._holds_for)
        self._prepare(expiring)
        yield self._deployed(f"another one, whose evidence ends {until:%H:%M:%S}", text, _LOAN)
        yield self._edited()
        yield self._withdrawn()
        yield self._deployed("the evidence comes back", holding.text, _MODEL)
        yield self._suspended()
        yield self._resumed()
        yield self._expired(until)
        yield self._deployed("new evidence for the other one", renewed.text, _LOAN)

    def _prepare(self, example: Example) -> None:
        """A policy reaches the webhook by a watch, some milliseconds after it is stored."""
        known = self._webhook.knows("compliancepolicies")
        self._apply(example.ground)
        self._webhook.wait_until_it_knows("compliancepolicies", known + example.policies)

    def _deployed(self, what: str, text: str, model: Named) -> Step:
        applied = self._apply(text, model.namespace)
        waited = self._apply.wait(model, "Ready") if applied.accepted else applied
        seen = self._summary(model) if waited.accepted else waited.output
        pods = self._replicas(model)
        return Step(what, f"{seen}; {pods} pods", "Ready, 2 pods", waited.accepted and pods == 2)

    def _edited(self) -> Step:
        child = Named("Deployment", NAMESPACE, _MODEL.name)
        before = self._containers(child)
        edited = self._apply.patch(child, _EDIT)
        since = time.monotonic()
        reverted = edited.accepted and _until(lambda: self._containers(child) == before)
        took = time.monotonic() - since
        self._apply.wait(_MODEL, "Ready")
        seen = f"reverted after {took:.2f} s" if reverted else ", ".join(self._containers(child))
        what = "by hand: another image and a second container in its Deployment"
        expected = f"one container again, {before[0]}"
        return Step(what, seen if edited.accepted else edited.output, expected, reverted)

    def _withdrawn(self) -> Step:
        done = self._apply.delete(_EVIDENCE)
        since = time.monotonic()
        reported = _until(lambda: self._condition(_MODEL, "EvidenceAccepted")["reason"] == "ManifestNotFound")
        took = time.monotonic() - since
        pods = self._replicas(_MODEL)
        seen = f"{self._summary(_MODEL)} after {took:.2f} s; {pods} pods"
        right = done.accepted and reported and took < _AT_ONCE_SECONDS and pods == 2
        expected = "not Ready at once; its pods stay (onViolation: Keep)"
        return Step("its manifest is deleted", seen, expected, right)

    def _suspended(self) -> Step:
        return self._switched(True, "spec.suspend: true", "Suspended, no pods", 0, "Suspended")

    def _resumed(self) -> Step:
        return self._switched(False, "spec.suspend: false", "Ready, 2 pods", 2, "Available")

    def _switched(self, suspend: bool, what: str, expected: str, pods: int, reason: str) -> Step:
        operation = {"op": "add", "path": "/spec/suspend", "value": suspend}
        done = self._apply.patch(_MODEL, [operation])

        def there() -> bool:
            return self._condition(_MODEL, "Ready")["reason"] == reason and self._replicas(_MODEL) == pods

        right = done.accepted and _until(there)
        return Step(what, f"{self._summary(_MODEL)}; {self._replicas(_MODEL)} pods", expected, right)

    def _expired(self, until: datetime) -> Step:
        def there() -> bool:
            reason = self._condition(_LOAN, "EvidenceAccepted")["reason"]
            return reason == "EvidenceExpired" and self._replicas(_LOAN) == 0

        gone = _until(there)
        reported = datetime.fromisoformat(self._condition(_LOAN, "EvidenceAccepted")["lastTransitionTime"])
        late = (reported - until).total_seconds()
        seen = f"{self._summary(_LOAN)} at {reported:%H:%M:%S}; {self._replicas(_LOAN)} pods"
        expected = f"EvidenceExpired at {until:%H:%M:%S}, no pods (onViolation: ScaleToZero)"
        return Step("nothing: its evidence ends", seen, expected, gone and 0 <= late < _AT_ONCE_SECONDS)

    def _get(self, thing: Named) -> dict[str, Any]:
        body: dict[str, Any] = self._rest("GET", thing.path).body
        return body

    def _condition(self, model: Named, kind: str) -> dict[str, Any]:
        """Return a condition that speaks of the last generation; until there is one, it has no reason."""
        obj = self._get(model)
        for item in (obj.get("status") or {}).get("conditions") or ():
            if item["type"] == kind and item.get("observedGeneration") == obj["metadata"]["generation"]:
                return dict(item)
        return {"reason": "", "status": "Unknown", "lastTransitionTime": "1970-01-01T00:00:00Z"}

    def _summary(self, model: Named) -> str:
        ready = self._condition(model, "Ready")
        return "Ready" if ready["status"] == "True" else f"not Ready: {ready['reason']}"

    def _replicas(self, model: Named) -> int:
        replicas: int = (self._get(model).get("status") or {}).get("replicas", 0)
        return replicas

    def _containers(self, deployment: Named) -> list[str]:
        containers = self._get(deployment)["spec"]["template"]["spec"]["containers"]
        return [f"{item['name']}: {item['image']}" for item in containers]


def _ending(example: Example, holds_for: timedelta) -> tuple[datetime, str]:
    """Return when the evidence of an example ends, and the text that says so."""
    until = datetime.now(UTC).replace(microsecond=0) + holds_for
    documents = example.documents
    for document in documents:
        if document["kind"] == "ComplianceManifest":
            document["spec"]["validity"]["notAfter"] = f"{until:%Y-%m-%dT%H:%M:%SZ}"
    return until, yaml.safe_dump_all(documents)


def _until(condition: Callable[[], bool]) -> bool:
    """Return whether a condition came true while it was worth waiting."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False
