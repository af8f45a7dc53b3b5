"""What a webhook may answer, and the Status that the API server makes of it."""

from __future__ import annotations

from typing import NamedTuple

from tests.support.webhook_server import Answer


class Case(NamedTuple):
    """An answer, and the refusal it leads to; code 0 where the request goes through."""

    name: str
    answer: Answer
    code: int = 0
    message: str = ""
    reason: str | None = None


_DENIED = 'admission webhook "check.webhook.test" denied the request'
_FAILED = 'Internal error occurred: failed calling webhook "check.webhook.test": '
_CALL = f"{_FAILED}failed to call webhook: "
_SENSELESS = f"{_FAILED}received invalid webhook response: "


def _deny(**status: object) -> Answer:
    return {"allowed": False, "status": status}


def _failure(name: str, answer: Answer, message: str) -> Case:
    return Case(name, answer, 500, message, "InternalError")


CASES = (
    Case("allowed", {"allowed": True}),
    Case("allowed with audit annotations", {"allowed": True, "auditAnnotations": {"outcome": "Pass"}}),
    Case("denied without a status", {"allowed": False}, 400, f"{_DENIED} without explanation"),
    Case("no verdict at all", {}, 400, f"{_DENIED} without explanation"),
    Case("denied with a message", _deny(message="no way"), 400, f"{_DENIED}: no way"),
    Case("denied with a code", _deny(code=418), 418, f"{_DENIED} without explanation"),
    Case("denied with a reason", _deny(reason="Forbidden"), 400, f"{_DENIED}: Forbidden", "Forbidden"),
    Case(
        "denied with everything",
        _deny(code=403, reason="Forbidden", message="first\nsecond"),
        403,
        f"{_DENIED}: first\nsecond",
        "Forbidden",
    ),
    Case(
        "try later",
        _deny(code=503, reason="ServiceUnavailable", message="try later"),
        503,
        f"{_DENIED}: try later",
        "ServiceUnavailable",
    ),
    Case("denied with a code of success", _deny(code=200, message="x"), 400, f"{_DENIED}: x"),
    _failure(
        "a patch",
        {"allowed": True, "patch": "W10=", "patchType": "JSONPatch"},
        f"{_SENSELESS}validating webhook may not return response.patch",
    ),
    _failure("another uid", {"allowed": True, "uid": "x"}, f"{_SENSELESS}expected response.uid="),
    _failure("no uid", {"allowed": True, "uid": ""}, f"{_SENSELESS}expected response.uid="),
    _failure("a verdict in words", {"allowed": "true"}, _CALL),
    _failure(
        "no response",
        b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}',
        f"{_SENSELESS}webhook response was absent",
    ),
    _failure(
        "another kind",
        b'{"apiVersion":"admission.k8s.io/v1","kind":"Other","response":{"allowed":true}}',
        f'{_CALL}no kind "Other" is registered for version "admission.k8s.io/v1"',
    ),
    _failure("no JSON", b"{", _CALL),
    _failure("a list", b"[]", _CALL),
    _failure("nothing", b"", _CALL),
    _failure("an error of its own", 500, _CALL),
    _failure("not found", 404, _CALL),
    _failure("a redirect", 302, _CALL),
    _failure("unavailable", 503, _CALL),
)
"""Messages are compared as beginnings: what follows differs."""
