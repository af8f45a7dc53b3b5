"""What of a registration is weaker than the generated one, and what is a choice."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Final

import pytest

from actgate_operator.registration.weaknesses import Chosen, Reason, weaknesses
from demo import registration
from tests.deploy.rendering import DEPLOY, OVERLAYS, of_kind, render

Json = dict[str, Any]
CHOSEN: Final = Chosen("actgate-system", "actgate-webhook")
SERVING, DECLARED, DETECTED = 0, 1, 2


def installed() -> Json:
    """Return the registration as the base has it."""
    return registration.read(DEPLOY / "base" / "webhook-registration.yaml")


def reasons(found: Json | None, chosen: Chosen = CHOSEN) -> set[Reason]:
    """Return in which respects a registration is weak."""
    return {weakness.reason for weakness in weaknesses(found, chosen)}


def test_the_registration_as_it_is_generated_has_no_weakness() -> None:
    """Also with what an API server adds to it, and with a caBundle."""
    found = installed()
    assert weaknesses(found, CHOSEN) == ()
    for item in found["webhooks"]:
        item["clientConfig"]["caBundle"] = "eA=="
        item |= {"objectSelector": {}, "failurePolicy": item["failurePolicy"]}
    assert weaknesses(found, CHOSEN) == ()


@pytest.mark.needs_kubectl
def test_no_overlay_is_reported_as_a_weakness() -> None:
    """What a component chooses, the operator of the same overlay is started to expect."""
    for name in OVERLAYS:
        objects = render(DEPLOY / "overlays" / name)
        (found,) = of_kind(objects, "ValidatingWebhookConfiguration")
        (operator,) = (
            item for item in of_kind(objects, "Deployment") if item["metadata"]["name"] == "actgate-operator"
        )
        arguments = operator["spec"]["template"]["spec"]["containers"][0]["args"]
        ignores = "--webhook-failure-policy=Ignore" in arguments
        chosen = CHOSEN if not ignores else Chosen(CHOSEN.namespace, CHOSEN.service, "Ignore")
        assert weaknesses(found, chosen) == (), name
        assert ignores is (name == "audit-first"), name


def test_a_registration_that_is_gone_is_missing() -> None:
    """Whole, and each of its webhooks; one under another name is another one."""
    assert reasons(None) == {Reason.MISSING}
    for index in (SERVING, DECLARED, DETECTED):
        found = installed()
        name = found["webhooks"][index]["name"]
        found["webhooks"][index]["name"] = f"x{name}"
        (weakness,) = weaknesses(found, CHOSEN)
        assert weakness.reason is Reason.MISSING
        assert weakness.detail == f"webhooks[{name}]: not found"
    assert reasons({**installed(), "webhooks": None}) == {Reason.MISSING}


def _narrowed(change: Callable[[Json], object]) -> Callable[[Json], object]:
    return lambda webhook: [change(rule) for rule in webhook["rules"]]


WEAKER: Final[dict[str, tuple[Reason, Callable[[Json], object]]]] = {
    "fails open": (Reason.FAILURE_POLICY, lambda hook: hook.update(failurePolicy="Ignore")),
    "no rules": (Reason.RULES, lambda hook: hook.update(rules=[])),
    "creates alone": (Reason.RULES, _narrowed(lambda rule: rule.update(operations=["CREATE"]))),
    "one version": (Reason.RULES, _narrowed(lambda rule: rule.update(apiVersions=["v1"]))),
    "one kind less": (Reason.RULES, _narrowed(lambda rule: rule["resources"].pop(0))),
    "cluster scope": (Reason.RULES, _narrowed(lambda rule: rule.update(scope="Cluster"))),
    "another namespace is out": (
        Reason.NAMESPACES,
        lambda hook: hook["namespaceSelector"]["matchExpressions"][1]["values"].append("prod"),
    ),
    "another label": (
        Reason.NAMESPACES,
        lambda hook: hook["namespaceSelector"].update(matchLabels={"gate": "on"}),
    ),
    "another expression": (
        Reason.NAMESPACES,
        lambda hook: hook["namespaceSelector"]["matchExpressions"].append({"key": "a", "operator": "Exists"}),
    ),
    "objects": (Reason.OBJECTS, lambda hook: hook.update(objectSelector={"matchLabels": {"gate": "on"}})),
    "one condition more": (
        Reason.CONDITIONS,
        lambda hook: hook["matchConditions"].append({"name": "never", "expression": "false"}),
    ),
    "another condition": (
        Reason.CONDITIONS,
        lambda hook: hook["matchConditions"][0].update(expression="false"),
    ),
    "another service": (
        Reason.ADDRESS,
        lambda hook: hook["clientConfig"]["service"].update(name="says-yes"),
    ),
    "a url": (Reason.ADDRESS, lambda hook: hook.update(clientConfig={"url": "https://yes.example"})),
}


@pytest.mark.parametrize("name", WEAKER)
def test_what_asks_less_is_a_weakness(name: str) -> None:
    """Of each webhook by itself, with its reason and its place."""
    reason, change = WEAKER[name]
    for index in (SERVING, DECLARED, DETECTED):
        found = installed()
        webhook = found["webhooks"][index]
        change(webhook)
        if name == "fails open" and index == DETECTED:
            assert weaknesses(found, CHOSEN) == ()
            continue
        assert reasons(found) == {reason}
        assert all(webhook["name"] in weakness.detail for weakness in weaknesses(found, CHOSEN))


def test_what_asks_more_is_none() -> None:
    """Fail for what is detected, kinds of an administrator, any operation, and no condition at all."""
    found = installed()
    kinds = {"apiGroups": ["example.com"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}
    for item in found["webhooks"]:
        item["failurePolicy"] = "Fail"
        item["rules"].append(kinds)
        item["matchConditions"] = []
        item["namespaceSelector"] = None
    assert weaknesses(found, CHOSEN) == ()
    for item in found["webhooks"]:
        item["rules"] = [{**kinds, "apiGroups": ["*"], "resources": ["*/*"]}]
    assert weaknesses(found, CHOSEN) == ()


def test_an_installation_for_the_first_weeks_may_fail_open() -> None:
    """What it was installed with is no change; its other respects are watched all the same."""
    found = copy.deepcopy(installed())
    for item in found["webhooks"]:
        item["failurePolicy"] = "Ignore"
    assert reasons(found) == {Reason.FAILURE_POLICY}
    assert reasons(found, Chosen(CHOSEN.namespace, CHOSEN.service, "Ignore")) == set()
