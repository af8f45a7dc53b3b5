"""A high-risk policy that asks three parties to sign, and what kubectl is answered for each way around it.

Every case is applied as a manifest, a ModelDeployment and a declared Deployment that link it, client-side and
server-side, to an API server with the webhook before it. Each has a policy of its own where it needs one.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from actgate.cli.main import main
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest
from demo.gate import guarded
from tests.e2e.attested import (
    MEASURED,
    OTHER_MODEL,
    Parties,
    Root,
    manifest,
    model,
    workload,
)
from tests.support.attested import (
    COMPLIANCE_MANIFEST,
    Party,
    attestation,
    covered,
    payload_digest,
)
from tests.support.crds import collection, create
from tests.support.kubectl import Kubectl
from tests.support.waiting import wait_until

Json = dict[str, Any]

pytestmark = pytest.mark.needs_kubectl

ROOT: Final = Path(__file__).parents[2]
HOUR: Final = timedelta(hours=1)
MOST_PAYLOAD: Final = 160 * 1024
WEBHOOKS: Final = {"serving.actgate.dev", "declared.actgate.dev"}
UNKNOWN_TYPE: Final = "https://bank.example/remarks/v1"

PARTIES: Final = Parties()
ISSUER: Final = Root()
CERTIFIED: Final = Party("ml-platform-certified")

_BY_CERTIFICATE: Final = [
    ISSUER.authority("ml-platform", COMPLIANCE_MANIFEST),
    *(item for item in PARTIES.policy()["authorities"] if item["name"] != "ml-platform"),
]
POLICIES: Final[dict[str, Json]] = {
    "high-risk": PARTIES.policy(),
    # One key under two names: an organisation chart, and no separation of duties.
    "one-key": PARTIES.policy(
        authorities=PARTIES.authorities("model-risk", key={"data": PARTIES.training.pem})
    ),
    "revoked": PARTIES.policy(
        authorities=PARTIES.authorities(
            "model-risk",
            revoked={"at": f"{datetime.now(UTC) - HOUR:%Y-%m-%dT%H:%M:%SZ}", "reason": "Compromised"},
        )
    ),
    "withdrawn": PARTIES.policy(
        withdrawn=[payload_digest(PARTIES.signed().spec()["attestations"][2])],
    ),
    "certificates": PARTIES.policy(authorities=_BY_CERTIFICATE),
}
"""The evidence part of each policy, by the name of the policy and of its namespace."""


@dataclass(frozen=True)
class Gate:
    """An API server that asks the webhook, with a namespace for each policy."""

    plane: ControlPlane
    rest: Rest

    def kubectl(self, namespace: str, tmp_path: Path) -> Kubectl:
        """Return kubectl for one of the namespaces."""
        return Kubectl(self.plane.kubeconfig, tmp_path / "kubectl-cache", namespace)


@pytest.fixture(scope="module")
def gate(control_plane: ControlPlane, rest: Rest) -> Iterator[Gate]:
    """Every policy and namespace once, known to the webhook."""
    with guarded(control_plane, ROOT) as webhook:
        known = webhook.knows("compliancepolicies")
        for name, evidence in POLICIES.items():
            labels = {"actgate.dev/profile": name}
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
            assert rest("POST", "/api/v1/namespaces", body).status == 201
            reply = create(rest, "CompliancePolicy", name, policy_spec(name, evidence))
            assert reply.status == 201, reply
        webhook.wait_until_it_knows("compliancepolicies", known + len(POLICIES))
        yield Gate(control_plane, rest)
        for name in POLICIES:
            rest("DELETE", f"{collection('CompliancePolicy')}/{name}")
            rest("DELETE", f"/api/v1/namespaces/{name}")


def policy_spec(name: str, evidence: Json) -> Json:
    """Return the spec of one of the policies."""
    return {
        "namespaceSelector": {"matchLabels": {"actgate.dev/profile": name}},
        "bias": {"confidence": 0.95},
        "evidence": evidence,
    }


@pytest.fixture(params=["client-side", "server-side"])
def flags(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The two ways in which kubectl applies."""
    return ("--server-side",) if request.param == "server-side" else ()


@dataclass(frozen=True)
class Answer:
    """What kubectl printed for a manifest and the two objects that link it."""

    text: str

    @property
    def refusals(self) -> dict[str, set[str]]:
        """The rules of each refusal, by the webhook that refused."""
        found = re.finditer(
            r'admission webhook "([a-z.]+)" denied the request: (.*?)(?=Error from server|\Z)',
            self.text,
            re.DOTALL,
        )
        return {part[1]: set(re.findall(r"^\[([a-z/]+)\]", part[2], re.MULTILINE)) for part in found}


_numbers = itertools.count()


def applied(
    gate: Gate, tmp_path: Path, flags: tuple[str, ...], spec: Json, home: str = "high-risk"
) -> Answer:
    """Apply a manifest and what links it, under names that nothing else has."""
    name = f"case-{next(_numbers)}"
    done = gate.kubectl(home, tmp_path).apply(
        manifest(name, spec), model(name, name), workload(f"{name}-plain", name), flags=flags
    )
    return Answer(done.out + done.err)


def test_what_three_parties_signed_is_admitted(gate: Gate, tmp_path: Path, flags: tuple[str, ...]) -> None:
    """Plan, manifest, audit and approval, each by its own party: without a finding, not even a warning."""
    answer = applied(gate, tmp_path, flags, PARTIES.signed().spec())
    assert answer.refusals == {}
    assert "Warning" not in answer.text
    assert len(re.findall(r" (?:created|serverside-applied)$", answer.text, re.MULTILINE)) == 3


def unsigned() -> Json:
    """The same numbers as a pipeline writes them: without a plan, and without a signature."""
    return covered(PARTIES.signed().spec()) | {"bias": [MEASURED]}


def without_an_approval() -> Json:
    """One of the statements is missing."""
    spec = PARTIES.signed().spec()
    return spec | {"attestations": spec["attestations"][:3]}


def by_an_unknown_key() -> Json:
    """A key of no authority."""
    return PARTIES.signed().but(by={"audit": PARTIES.stranger}).spec()


def edited() -> Json:
    """Another training region, which the policy would allow, and that no one signed."""
    spec = PARTIES.signed().spec()
    elsewhere = {"provider": "aws", "region": "eu-central-1"}
    return spec | {"training": spec["training"] | {"regions": [elsewhere]}}


def refuted() -> Json:
    """All sign a value that the counts below it do not have."""
    return PARTIES.signed().but(measured=MEASURED | {"value": 0.01}).spec()


def expired() -> Json:
    """The certificate of training ended before the manifest was applied."""
    chain = ISSUER.certify(CERTIFIED, -2 * HOUR, -HOUR)
    return PARTIES.signed().but(by={"training": CERTIFIED}, chain=chain).spec()


REFUSED: Final[list[tuple[str, str, Callable[[], Json]]]] = [
    ("evidence/signers", "high-risk", unsigned),
    ("evidence/signers", "high-risk", without_an_approval),
    ("evidence/authority", "high-risk", by_an_unknown_key),
    (
        "evidence/signers",
        "one-key",
        lambda: PARTIES.signed().but(by={"audit": PARTIES.training, "plan": PARTIES.training}).spec(),
    ),
    (
        "evidence/authority",
        "high-risk",
        lambda: PARTIES.signed().but(by={"training": PARTIES.risk}).spec(),
    ),
    ("evidence/subject", "high-risk", lambda: PARTIES.signed().but(about={"audit": OTHER_MODEL}).spec()),
    ("evidence/mismatch", "high-risk", edited),
    ("bias/counts", "high-risk", refuted),
    ("evidence/plan", "high-risk", lambda: PARTIES.signed().but(planned=0.04).spec()),
    ("evidence/authority", "revoked", lambda: PARTIES.signed().spec()),
    ("evidence/withdrawn", "withdrawn", lambda: PARTIES.signed().spec()),
    ("evidence/authority", "certificates", expired),
]
NAMES: Final = [
    "unsigned",
    "without an approval",
    "signed by an unknown key",
    "one party signs for two",
    "the auditor's key used for training",
    "another model's statement",
    "spec edited after signing",
    "a value that counts refute",
    "a limit changed after the plan",
    "a revoked key",
    "a withdrawn payload",
    "an expired certificate",
]


@pytest.mark.parametrize(("rule", "home", "spec"), REFUSED, ids=NAMES)
def test_each_way_around_has_its_own_finding(
    gate: Gate,
    tmp_path: Path,
    flags: tuple[str, ...],
    rule: str,
    home: str,
    spec: Callable[[], Json],
) -> None:
    """Model and workload are refused for that rule; beside it the level is not reached, and nothing else."""
    answer = applied(gate, tmp_path, flags, spec(), home)
    assert set(answer.refusals) == WEBHOOKS, answer.text
    for rules in answer.refusals.values():
        assert rules - {"evidence/level"} == {rule}, answer.text


def test_a_ninth_attestation_is_refused_by_the_schema(
    gate: Gate, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    """The manifest is not stored, and so there is no evidence for what links it."""
    spec = PARTIES.signed().spec()
    more = [remark(f"remark-{number}", 100) for number in range(5)]
    answer = applied(gate, tmp_path, flags, spec | {"attestations": [*spec["attestations"], *more]})
    assert "spec.attestations: Too many: 9: must have at most 8 items" in answer.text
    assert answer.refusals == {webhook: {"link/manifest"} for webhook in WEBHOOKS}


def test_160_kib_of_payload_can_be_applied_and_no_more(
    gate: Gate, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    """Also client-side, where kubectl copies all of it into an annotation of the object."""
    spec = PARTIES.signed().spec()
    free = MOST_PAYLOAD - sum(len(item["envelope"]["payload"]) for item in spec["attestations"])
    largest = remark("remark", free)
    answer = applied(gate, tmp_path, flags, spec | {"attestations": [*spec["attestations"], largest]})
    assert answer.refusals == {}, answer.text
    larger = remark("remark", free + 4)
    answer = applied(gate, tmp_path, flags, spec | {"attestations": [*spec["attestations"], larger]})
    assert f"must have at most {MOST_PAYLOAD} characters together" in answer.text
    assert answer.refusals == {webhook: {"link/manifest"} for webhook in WEBHOOKS}


def remark(name: str, size: int) -> Json:
    """Return a statement of a type that no policy asks for, whose base64 has that many characters."""

    def of(text: str) -> Json:
        return attestation(name, UNKNOWN_TYPE, {"text": text}, PARTIES.training)

    empty = len(base64.b64decode(of("")["envelope"]["payload"]))
    return of("." * max(0, size // 4 * 3 - empty))


def test_a_certificate_that_ends_later_does_not_end_what_was_applied_before(
    gate: Gate, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    """CreationTimestamp proves that the signature is older; the same evidence applied later is refused."""
    kubectl = gate.kubectl("certificates", tmp_path)
    name, ends, spec = _applied_in_time(kubectl, flags)
    wait_until(lambda: datetime.now(UTC) > ends + timedelta(seconds=1))
    done = kubectl.apply(model(name, name), workload(f"{name}-plain", name), flags=flags)
    assert (done.code, done.err) == (0, "")
    answer = applied(gate, tmp_path, flags, spec, "certificates")
    assert {webhook: rules - {"evidence/level"} for webhook, rules in answer.refusals.items()} == {
        webhook: {"evidence/authority"} for webhook in WEBHOOKS
    }


def _applied_in_time(kubectl: Kubectl, flags: tuple[str, ...]) -> tuple[str, datetime, Json]:
    """Apply evidence before its certificate ends; a machine that is too slow for that gets more time."""
    for seconds in (3, 10, 30):
        name, ends = f"ending-{next(_numbers)}", datetime.now(UTC) + timedelta(seconds=seconds)
        chain = ISSUER.certify(CERTIFIED, -HOUR, timedelta(seconds=seconds))
        spec = PARTIES.signed().but(by={"training": CERTIFIED}, chain=chain).spec()
        done = kubectl.apply(manifest(name, spec), flags=flags)
        assert done.code == 0, done.err
        stored = kubectl("get", "compliancemanifest", name, "-o", "json").json
        if datetime.fromisoformat(stored["metadata"]["creationTimestamp"]) < ends - timedelta(seconds=1):
            return name, ends, spec
    raise AssertionError("a manifest could not be applied within 30 s")


def test_a_file_has_no_trusted_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its creationTimestamp is a claim: it is judged as of now, or as of the moment that the user names."""
    written = manifest("credit-risk-scorer-v2", expired())
    claimed = datetime.now(UTC) - 1.5 * HOUR
    written["metadata"]["creationTimestamp"] = f"{claimed:%Y-%m-%dT%H:%M:%SZ}"
    evidence, policy = tmp_path / "evidence.yaml", tmp_path / "policy.yaml"
    evidence.write_text(yaml.safe_dump(written), "utf-8")
    spec = policy_spec("certificates", POLICIES["certificates"]) | {"namespaceSelector": {}}
    body = {"apiVersion": "actgate.dev/v1alpha1", "kind": "CompliancePolicy", "spec": spec}
    policy.write_text(yaml.safe_dump(body | {"metadata": {"name": "certificates"}}), "utf-8")
    arguments = ["check", "-f", str(evidence), "--policy", str(policy), "-o", "json"]
    assert main(arguments) == 1
    [verdict] = json.loads(capsys.readouterr().out)["verdicts"]
    denied = {item["rule"] for item in verdict["findings"] if item["effect"] == "Deny"}
    assert denied - {"evidence/level"} == {"evidence/authority"}
    verified = ["verify", str(evidence), "--policy", str(policy)]
    assert main(verified) == 1
    for command, at in ((arguments, "--now"), (verified, "--at")):
        assert main([*command, at, written["metadata"]["creationTimestamp"]]) == 0
