"""That the policies about the operator's account forget nothing that its rights allow."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
import yaml

from actgate_operator import model
from tests.deploy.rendering import DEPLOY, Json, compose, named, of_kind, render

pytestmark = pytest.mark.needs_kubectl

WRITES: Final = {
    "create": "CREATE",
    "update": "UPDATE",
    "patch": "UPDATE",
    "delete": "DELETE",
    "deletecollection": "DELETE",
}
UNHELD: Final = {
    # Its own words about models and evidence: worth a lie in a status, and no pod.
    ("actgate.dev", "modeldeployments/status"),
    ("actgate.dev", "modeldeployments/finalizers"),
    ("actgate.dev", "compliancemanifests/status"),
    ("actgate.dev", "exemptions/status"),
    ("events.k8s.io", "events"),
}
"""Rights in all namespaces that no policy holds further."""


def held(objects: Sequence[Json]) -> set[tuple[str, str, str]]:
    """Return group, resource and operation of everything that the policies judge."""
    return {
        (group, resource, operation)
        for policy in of_kind(objects, "ValidatingAdmissionPolicy")
        for rule in policy["spec"]["matchConstraints"]["resourceRules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for operation in rule["operations"]
    }


def test_every_right_to_write_in_all_namespaces_is_held_further() -> None:
    """A verb that is added to the operator's ClusterRoles needs its policy, or a reason above."""
    objects = render(DEPLOY / "base")
    granted = {
        (group, resource, WRITES[verb])
        for role in of_kind(objects, "ClusterRole")
        if role["metadata"]["name"].startswith("actgate-operator")
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        if verb in WRITES and (group, resource) not in UNHELD
    }
    assert ("apps", "deployments", "CREATE") in granted
    assert granted <= held(objects)


def test_policy_and_operator_exclude_the_same_namespaces() -> None:
    """One list in two languages; the operator's own namespace is the last of it in both."""
    policy = named(render(DEPLOY / "base"), "ValidatingAdmissionPolicy", "actgate-operator-children")["spec"]
    (expression,) = (item["expression"] for item in policy["variables"] if item["name"] == "excluded")
    assert set(re.findall(r"'(kube-[a-z-]+)'", expression)) == model.EXCLUDED
    assert "request.userInfo.username.split(':')[2]" in expression


def test_every_policy_refuses_and_fails_closed() -> None:
    """Not audited, not warned of: denied, with a 403."""
    objects = render(DEPLOY / "overlays" / "production")
    policies = {
        item["metadata"]["name"]: item["spec"] for item in of_kind(objects, "ValidatingAdmissionPolicy")
    }
    bindings = list(of_kind(objects, "ValidatingAdmissionPolicyBinding"))
    assert {item["spec"]["policyName"] for item in bindings} == policies.keys()
    assert len(policies) == 5
    for item in bindings:
        assert item["spec"]["validationActions"] == ["Deny"]
    for policy in policies.values():
        assert policy["failurePolicy"] == "Fail"
        assert {item["reason"] for item in policy["validations"]} == {"Forbidden"}


@pytest.mark.parametrize(
    "changes",
    [{}, {"namespace": "gate"}, {"namePrefix": "acme-"}, {"nameSuffix": "-eu"}],
    ids=lambda changes: " ".join(changes) or "as it is",
)
def test_an_overlay_that_renames_does_not_switch_the_policies_off(tmp_path: Path, changes: Json) -> None:
    """The account is known by the end of its name, and bindings follow their policies."""
    file = compose(tmp_path, []) / "kustomization.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text("utf-8")) | changes), encoding="utf-8")
    objects = render(tmp_path)
    (account,) = (
        item["metadata"]
        for item in of_kind(objects, "ServiceAccount")
        if "actgate-operator" in item["metadata"]["name"]
    )
    username = f"system:serviceaccount:{account['namespace']}:{account['name']}"
    policies = list(of_kind(objects, "ValidatingAdmissionPolicy"))
    for policy in policies:
        if "actgate-operator-" not in policy["metadata"]["name"]:
            continue  # It is about everyone.
        (condition,) = policy["spec"]["matchConditions"]
        pattern = re.fullmatch(
            r"request\.userInfo\.username\.matches\('(.*)'\)", condition["expression"].strip()
        )
        assert pattern is not None
        assert re.search(pattern[1], username)
        for other in ("system:serviceaccount:a:actgate-webhook", "actgate-operator", "system:admin"):
            assert not re.search(pattern[1], other)
    names = {policy["metadata"]["name"] for policy in policies}
    assert names == {
        item["spec"]["policyName"] for item in of_kind(objects, "ValidatingAdmissionPolicyBinding")
    }
