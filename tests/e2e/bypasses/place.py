"""``Place``: a namespace under ``examples/policies/high-risk.yaml``, its user, and the gate before it.

The gate is what ``deploy/base`` installs; the webhook is a process of its own, with its account's token.
The user is a ServiceAccount with the role ``edit`` in the namespace, as Kubernetes aggregates it.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import yaml

from actgate.cli.main import main
from actgate_sandbox.rest import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, Reply, Rest
from tests.e2e.bypasses.objects import API_VERSIONS
from tests.support.kubectl import Kubectl, Outcome
from tests.support.waiting import wait_until

Json = dict[str, Any]

NAMESPACE: Final = "team-credit"
USER: Final = "deployer"
STRATEGIC_PATCH: Final = "application/strategic-merge-patch+json"
_PLURALS: Final = {"CompliancePolicy": "compliancepolicies"}


class Expected(StrEnum):
    """What becomes of a try."""

    REFUSED = "refused"
    WARNED = "let in with a warning"
    LET_IN = "let in"
    REPORTED = "let in, and reported by a scan"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server said in the end."""

    admitted: bool
    text: str
    """Its message, or its warnings."""

    @property
    def by(self) -> set[str]:
        """Who refused or warned: rules of actgate, ``RBAC``, an admission policy, or ``API server``."""
        rules = set(re.findall(r"\b[a-z]+/[a-z]+(?=\]|: )", self.text))
        if 'admission webhook "' in self.text or (self.admitted and rules):
            return rules
        if policy := re.search(r"ValidatingAdmissionPolicy '([^']+)'", self.text):
            return {policy[1]}
        if re.search(r'is forbidden: User ".*" cannot|\(Forbidden\): .* cannot', self.text, re.DOTALL):
            return {"RBAC"}
        return set() if self.admitted else {"API server"}


@dataclass(frozen=True, slots=True)
class Way:
    """One way round the gate, and what becomes of it."""

    what: str
    """What the user tries, for the page."""
    tried: Callable[[Place, str], Answer] = field(repr=False)
    """Tries it, under a name that nothing else has."""
    by: str = ""
    """Who refuses, warns or reports."""
    expected: Expected = Expected.REFUSED
    why: str = ""
    """Of what is let in, why that is no hole or which one it is."""


@dataclass(frozen=True, slots=True)
class Place:
    """The namespace, with everything that a try may use."""

    user: Rest
    admin: Rest
    kubectl: Kubectl
    """With the rights of the user."""
    kubeconfig: Path
    """Of the administrator."""
    folder: Path
    """For files of a try."""
    self_service: Rest
    """A user who may create and label namespaces."""
    sign: Callable[..., Json]
    """Returns the spec of signed evidence; keywords are fields of it."""
    namespace: str = NAMESPACE
    _names: Iterator[int] = field(default_factory=itertools.count)

    def path(self, kind: str, name: str = "", subresource: str = "") -> str:
        """Return the path of a kind, an object or a subresource."""
        version = API_VERSIONS[kind]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        plural = _PLURALS.get(kind, f"{kind.lower()}s")
        parts = (f"{root}/namespaces/{self.namespace}/{plural}", name, subresource)
        return "/".join(part for part in parts if part)

    def create(self, obj: Json, **query: str) -> Answer:
        """Create an object as the user."""
        return answered(self.user("POST", self.path(obj["kind"]), obj, **query))

    def admitted(self, obj: Json) -> Json:
        """Create an object as the user that has to be let in, and return it as it is stored."""
        reply = self.user("POST", self.path(obj["kind"]), obj)
        assert reply.status == 201, (obj["metadata"], reply)
        stored: Json = reply.body
        return stored

    def stored(self, kind: str, name: str) -> Json:
        """Return an object."""
        reply = self.admin("GET", self.path(kind, name))
        assert reply.status == 200, reply
        found: Json = reply.body
        return found

    def merge(self, kind: str, name: str, change: Json, subresource: str = "", **query: str) -> Answer:
        """Merge a change into an object."""
        path = self.path(kind, name, subresource)
        return answered(self.user("PATCH", path, change, MERGE_PATCH, **query))

    def patch(self, kind: str, name: str, *steps: Json) -> Answer:
        """Change an object by steps of a JSON patch."""
        return answered(self.user("PATCH", self.path(kind, name), list(steps), JSON_PATCH))

    def strategic(self, kind: str, name: str, change: Json, subresource: str = "") -> Answer:
        """Change an object by a strategic merge patch, as ``kubectl patch`` does."""
        return answered(self.user("PATCH", self.path(kind, name, subresource), change, STRATEGIC_PATCH))

    def apply(self, obj: Json, manager: str) -> Answer:
        """Apply an object on the server by force, under the name of a field manager."""
        path = self.path(obj["kind"], obj["metadata"]["name"])
        reply = self.user("PATCH", path, obj, APPLY_PATCH, fieldManager=manager, force="true")
        return answered(reply)

    def replace(self, obj: Json) -> Answer:
        """Replace an object that is stored."""
        return answered(self.user("PUT", self.path(obj["kind"], obj["metadata"]["name"]), obj))

    def run(self, *arguments: str, stdin: str | None = None) -> Answer:
        """Run kubectl as the user."""
        return answer_of(self.kubectl(*arguments, stdin=stdin))

    def evidence(self, name: str, **spec: Any) -> Json:  # noqa: ANN401 - fields of the spec
        """Store signed evidence as those who may, and return it."""
        obj = manifest(name, self.sign(**spec))
        reply = self.admin("POST", self.path("ComplianceManifest"), obj)
        assert reply.status == 201, reply
        stored: Json = reply.body
        return stored

    def withdraw(self, name: str) -> None:
        """Delete evidence as those who may."""
        assert self.admin("DELETE", self.path("ComplianceManifest", name)).status == 200

    def events(self, name: str) -> str:
        """Return the messages of all Events about objects whose name begins so."""
        reply = self.admin("GET", f"/api/v1/namespaces/{self.namespace}/events")
        found = (item for item in reply.body["items"] if item["involvedObject"]["name"].startswith(name))
        return "\n".join(item["message"] for item in found)

    def refused_child(self, name: str) -> Answer:
        """Return what the controller of an object was answered about a pod of it, once it was."""
        denied = 'admission webhook "'
        found = wait_until(lambda: text if denied in (text := self.events(name)) else "", within=20)
        return Answer(False, found)

    def scanned(self) -> Json:
        """Return what ``actgate scan`` says of the namespace."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            main(["scan", "--kubeconfig", str(self.kubeconfig), "-n", self.namespace, "-o", "json"])
        found: Json = json.loads(out.getvalue())
        return found

    def reported(self, answer: Answer, name: str) -> Answer:
        """Return an answer with what a scan says of the objects whose names begin so."""
        assert answer.admitted, answer
        found = self.scanned()
        about = [one for one in found["verdicts"] if one["object"]["name"].startswith(name)]
        rules = [f"[{item['rule']}] {item['message']}" for one in about for item in one["findings"]]
        return Answer(True, "\n".join(rules))


def answered(reply: Reply) -> Answer:
    """Return a reply as an answer."""
    fine = reply.status in (200, 201)
    return Answer(fine, "\n".join(reply.warnings) if fine else reply.message or str(reply.body))


def answer_of(outcome: Outcome) -> Answer:
    """Return what kubectl printed as an answer."""
    return Answer(outcome.code == 0, outcome.err)


def manifest(name: str, spec: Json) -> Json:
    """Return a ComplianceManifest."""
    version = API_VERSIONS["ComplianceManifest"]
    return {"apiVersion": version, "kind": "ComplianceManifest", "metadata": {"name": name}, "spec": spec}


def differing(place: Place, ways: list[Way]) -> list[str]:
    """Try ways, and return in a line each of those that came out otherwise than expected."""
    found = []
    for way in ways:
        name = f"way-{next(place._names)}"
        try:
            answer = way.tried(place, name)
        except AssertionError as error:
            found.append(f"{way.what}: {error}")
            continue
        admitted = way.expected is not Expected.REFUSED
        named = {way.by} if way.by else set()
        if answer.admitted is not admitted or not named <= answer.by or (not named and answer.by):
            found.append(f"{way.what}: {way.expected} by {way.by or '-'}: {sorted(answer.by)} {answer}")
    return found


def with_keys(policy: Path, keys: Json) -> Json:
    """Return the policy of a file with other public keys, by the names of its authorities."""
    read: Json = yaml.safe_load(policy.read_text("utf-8"))
    for authority in read["spec"]["evidence"]["authorities"]:
        authority["key"] = {"data": keys[authority["name"]]}
    return read
