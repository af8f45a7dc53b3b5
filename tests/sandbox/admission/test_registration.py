from __future__ import annotations

import base64

import pytest

from actgate_sandbox.admission import check_configuration, on_loopback
from tests.sandbox.admission.configurations import configuration, webhook
from tests.sandbox.admission.registration_cases import CASES, Case
from tests.support.webhook_server import WebhookServer

SERVER = WebhookServer(8443, b"authority")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_registrations_earn_the_complaints_of_the_api_server(case: Case) -> None:
    """Each wrong field is refused in the words of the real API server, and nothing else is."""
    found = check_configuration(configuration(webhook(SERVER, **case.changes)))
    assert len(found) == len(case.complaints)
    for error, expected in zip(found, case.complaints, strict=True):
        assert f"{error.path}: {error.message}".startswith(expected)


def test_two_webhooks_of_one_name_are_refused() -> None:
    """Names are keys."""
    found = check_configuration(configuration(webhook(SERVER), webhook(SERVER)))
    assert [error.path for error in found] == ["webhooks[1].name"]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"clientConfig": {"service": {"name": "s", "namespace": "n"}}}, "use url"),
        ({"admissionReviewVersions": ["v1beta1"]}, "v1 only"),
        (
            {"matchConditions": [{"name": "a", "expression": "authorizer.group('').check('get').allowed()"}]},
            "sandbox does not have",
        ),
    ],
)
def test_what_the_sandbox_cannot_do_is_refused(changes: dict[str, object], what: str) -> None:
    """What a cluster would accept and the sandbox cannot do is refused when it is registered."""
    (error,) = check_configuration(configuration(webhook(SERVER, **changes)))
    assert what in error.message


def test_a_deployed_registration_is_aimed_at_loopback() -> None:
    """The service's path stays, address and authority are replaced, the original is untouched."""
    config = {"service": {"name": "s", "namespace": "n", "path": "/validate"}}
    deployed = configuration(webhook(SERVER, clientConfig=config))
    aimed = on_loopback(deployed, "https://127.0.0.1:9443", b"ca")
    assert aimed["webhooks"][0]["clientConfig"] == {
        "url": "https://127.0.0.1:9443/validate",
        "caBundle": base64.b64encode(b"ca").decode(),
    }
    assert deployed["webhooks"][0]["clientConfig"] == config
