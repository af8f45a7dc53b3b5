from __future__ import annotations

import pytest

from actgate_sandbox.admission import check_configuration
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
