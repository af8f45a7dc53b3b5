"""Every example, judged at every door: one question, one answer, finding by finding."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actgate.api.quoting import cut
from actgate.cli.main import main
from actgate.decision.verdict import WARNING
from demo.examples import GROUND, Example, load_all
from tests.examples.conftest import ROOT, Gate

NOW = datetime.now(UTC)
EXAMPLES = [
    example
    for folder in ("accepted", "refused", "exemptions")
    for example in load_all(ROOT / "examples" / folder, NOW)
]
COLLECTIONS = {
    "Namespace": "/api/v1/namespaces",
    "CompliancePolicy": "/apis/actgate.dev/v1alpha1/compliancepolicies",
    "Exemption": "/apis/actgate.dev/v1alpha1/exemptions",
    "ComplianceManifest": "/apis/actgate.dev/v1alpha1/namespaces/{}/compliancemanifests",
    "ModelDeployment": "/apis/actgate.dev/v1alpha1/namespaces/{}/modeldeployments",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "CronJob": "/apis/batch/v1/namespaces/{}/cronjobs",
}


def judged(example: Example, tmp_path: Path, namespace: str, capsys: pytest.CaptureFixture[str]) -> Any:  # noqa: ANN401
    """Return what ``actgate check`` says of the example's model, as JSON."""
    path = tmp_path / f"{example.name}.yaml"
    path.write_text(example.text, encoding="utf-8")
    code = main(["check", "-f", str(path), "--namespace", namespace, "-o", "json"])
    (verdict,) = json.loads(capsys.readouterr().out)["verdicts"]
    assert code == (1 if verdict["outcome"] == "Fail" else 0)
    return verdict


def denials(verdict: Any) -> set[str]:  # noqa: ANN401 - JSON
    """Return the findings that deny, as the lines of a refusal."""
    return {line(item) for item in verdict["findings"] if item["effect"] == "Deny"}


def line(item: dict[str, str]) -> str:
    """Return a finding of the JSON report as a line of a refusal, without its remediation."""
    manifest = f"compliancemanifest/{item['manifest']} " if item["manifest"] else ""
    return f"[{item['rule']}] {manifest}{item['path']}: {item['message']} ({item['basis']})"


def warned(verdict: Any) -> set[str]:  # noqa: ANN401 - JSON
    """Return the findings that warn, as warnings, and those that an exemption accepts."""
    ends = {item["name"]: item["notAfter"] for item in verdict["exemptions"]}
    exempted = {
        f"exempted by {item['exemption']} until {ends[item['exemption']]}: {item['rule']}"
        for item in verdict["findings"]
        if item["effect"] == "Exempted"
    }
    return exempted | {warning(item) for item in verdict["findings"] if item["effect"] == "Warn"}


def warning(item: dict[str, str]) -> str:
    """Return a finding of the JSON report as a warning: with its field, where that fits."""
    whole = f"{item['rule']}: {item['path']}: {item['message']}"
    return whole if len(whole) <= WARNING else cut(f"{item['rule']}: {item['message']}", WARNING)


def refusal_lines(message: str) -> set[str]:
    """Return the findings in a refusal's message; which of them says a remediation is its own affair."""
    lines = (text for text in message.splitlines() if text.startswith("["))
    return {re.sub(r"; fix: .*( \([^()]*\))$", r"\1", text) for text in lines}


def review(obj: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Return the review of such a create that kube-apiserver 1.36 sent, with this object in it."""
    like = obj["kind"] if obj["kind"] == "ModelDeployment" else "Deployment"
    path = Path(__file__).parent / f"admission-review-{like.lower()}.json"
    recorded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    request = recorded["request"]
    group, _, version = obj["apiVersion"].rpartition("/")
    request["kind"] = {"group": group, "version": version, "kind": obj["kind"]}
    request["object"] |= {"apiVersion": obj["apiVersion"], "kind": obj["kind"]}
    sent = request["object"]
    request["object"] = sent | {"metadata": sent["metadata"] | obj["metadata"], "spec": obj["spec"]}
    request |= {"namespace": namespace, "name": obj["metadata"]["name"]}
    return recorded


@pytest.fixture
def home(example: Example, namespace: str, gate: Gate) -> Iterator[str]:
    """The namespace of an example: its own with its policies, applied and known, or a fresh one."""
    if not example.names_its_namespace:
        yield namespace
        return
    brought = {"compliancepolicies": example.policies, "exemptions": example.exemptions}
    known = {resource: gate.webhook.knows(resource) for resource in brought}
    ground = [document for document in example.documents if document["kind"] in GROUND]
    for document in ground:
        reply = gate.rest("POST", COLLECTIONS[document["kind"]], document)
        assert reply.status == 201, reply
    for resource, count in brought.items():
        gate.webhook.wait_until_it_knows(resource, known[resource] + count)
    yield ground[0]["metadata"]["name"]
    for document in ground:
        gate.rest("DELETE", f"{COLLECTIONS[document['kind']]}/{document['metadata']['name']}")


def test_every_rule_that_denies_has_an_example() -> None:
    """No rule of the table goes without a file that shows it."""
    from actgate.decision import rules

    shown = {rule for example in EXAMPLES for rule in example.rules}
    assert {rule.id for rule in rules.ALL} == shown


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_check_the_webhook_and_the_api_server_agree(
    example: Example, home: str, gate: Gate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command line, a recorded review and the API server give the findings that the example names."""
    verdict = judged(example, tmp_path, home, capsys)
    assert verdict["outcome"] == example.outcome
    assert {item["rule"] for item in verdict["findings"]} == set(example.rules)

    *evidence, model = (document for document in example.documents if document["kind"] not in GROUND)
    for manifest in evidence:
        reply = gate.rest("POST", COLLECTIONS["ComplianceManifest"].format(home), manifest)
        if example.refused_by_schema:
            # The API server refuses the same field by itself, and so there is no evidence at all.
            assert reply.status == 422, reply
            named = {cause["field"] for cause in reply.body["details"]["causes"]}
            invalid = {item["path"] for item in verdict["findings"] if item["rule"] == "manifest/invalid"}
            assert invalid <= named
            (tmp_path / "left.json").write_text(json.dumps(model), encoding="utf-8")
            main(["check", "-f", str(tmp_path / "left.json"), "--namespace", home, "-o", "json"])
            (verdict,) = json.loads(capsys.readouterr().out)["verdicts"]
        else:
            assert reply.status == 201, reply

    model["metadata"]["namespace"] = home
    asked = review(model, home)
    status, answer = gate.webhook.post("/validate?timeout=5s", asked)
    assert status == 200
    assert isinstance(answer, dict)
    response = answer["response"]
    assert response["uid"] == asked["request"]["uid"]
    assert response["allowed"] is (verdict["outcome"] != "Fail")
    assert refusal_lines(response.get("status", {}).get("message", "")) == denials(verdict)
    assert set(response.get("warnings", [])) == warned(verdict)

    reply = gate.rest("POST", COLLECTIONS[model["kind"]].format(home), model)
    assert reply.status == (403 if verdict["outcome"] == "Fail" else 201), reply
    assert refusal_lines(reply.message) == denials(verdict)
    assert set(reply.warnings) == warned(verdict)
