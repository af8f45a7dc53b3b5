from __future__ import annotations

import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate_webhook.review import (
    Answer,
    BadRequestError,
    Operation,
    Refusal,
    decode,
    encode,
    timeout_seconds,
)
from tests.webhook.build import body_of, changed, model_deployment, review

CREATE = review(model_deployment())


def test_a_review_is_read_as_the_api_server_wrote_it() -> None:
    """Identity, operation, place, user and both objects come through unchanged."""
    asked = decode(body_of(review(model_deployment(), model_deployment(replicas=1), dry_run=True)))
    assert asked.uid == "705ab4f5-6393-11e8-b7cc-42010a800002"
    assert asked.operation is Operation.UPDATE
    assert (asked.group, asked.version, asked.kind) == ("actgate.dev", "v1alpha1", "ModelDeployment")
    assert (asked.namespace, asked.name, asked.user) == ("credit", "scorer", "engineer")
    assert asked.dry_run
    assert asked.object == model_deployment()
    assert asked.old_object == model_deployment(replicas=1)


def test_what_may_be_absent_may_be_null() -> None:
    """Go leaves out or nulls what is empty; both read the same."""
    bare = {key: CREATE["request"][key] for key in ("uid", "kind", "operation")}
    nulls = dict.fromkeys(("namespace", "name", "subResource", "userInfo", "dryRun", "object", "oldObject"))
    absent = decode(body_of({**CREATE, "request": bare}))
    assert absent == decode(body_of({**CREATE, "request": bare | nulls}))
    assert (absent.namespace, absent.dry_run, absent.object) == ("", False, None)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body is empty"),
        (b"\x00\xff", "the body is not JSON"),
        (body_of(CREATE)[:-20], "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b"null", "the body is not an object"),
        (b"[]", "the body is not an object"),
        (body_of(CREATE | {"apiVersion": "admission.k8s.io/v1beta1"}), "no other version"),
        (body_of(CREATE | {"kind": "TokenReview"}), "apiVersion and kind must be"),
        (body_of(CREATE | {"request": None}), "request must be an object"),
        (body_of(changed(CREATE, "request.uid", "")), "request.uid is missing"),
        (body_of(changed(CREATE, "request.uid", 7)), "request.uid must be a string"),
        (body_of(changed(CREATE, "request.uid", "u" * 300)), "request.uid is longer than 256"),
        (body_of(changed(CREATE, "request.operation", "PATCH")), "request.operation must be one of CREATE"),
        (body_of(changed(CREATE, "request.kind", "Pod")), "request.kind must be an object"),
        (body_of(changed(CREATE, "request.kind", {})), "request.kind.version is missing"),
        (body_of(changed(CREATE, "request.kind.kind", None)), "request.kind.kind is missing"),
        (body_of(changed(CREATE, "request.namespace", [])), "request.namespace must be a string"),
        (body_of(changed(CREATE, "request.subResource", {})), "request.subResource must be a string"),
        (body_of(changed(CREATE, "request.dryRun", "false")), "request.dryRun must be true or false"),
        (body_of(changed(CREATE, "request.userInfo", "root")), "request.userInfo must be an object"),
    ],
)
def test_a_broken_envelope_is_named_in_one_sentence(body: bytes, words: str) -> None:
    """What breaks the protocol is a 400 that says which field, on one short line."""
    with pytest.raises(BadRequestError, match=words) as caught:
        decode(body)
    assert caught.value.status == 400
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_foreign_words_are_not_echoed_from_a_broken_envelope() -> None:
    """The sentence about a wrong value does not repeat the value."""
    with pytest.raises(BadRequestError) as caught:
        decode(body_of(changed(CREATE, "request.operation", "<script>")))
    assert "script" not in str(caught.value)


def test_an_allow_has_no_status_and_a_refusal_has_all_of_it() -> None:
    """An answer carries the uid, and a Status only where it refuses."""
    allowed = orjson.loads(encode("u-1", Answer()))
    assert allowed == {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": "u-1", "allowed": True},
    }
    refused = orjson.loads(encode("u-2", Answer(Refusal(403, "Forbidden", "no"), ["w"], {"outcome": "Fail"})))
    assert refused["response"] == {
        "uid": "u-2",
        "allowed": False,
        "status": {"status": "Failure", "code": 403, "reason": "Forbidden", "message": "no"},
        "warnings": ["w"],
        "auditAnnotations": {"outcome": "Fail"},
    }


@given(st.text(min_size=1, max_size=256))
def test_every_uid_comes_back(uid: str) -> None:
    """Whatever JSON allows as uid is echoed exactly."""
    asked = decode(body_of(changed(CREATE, "request.uid", uid)))
    assert orjson.loads(encode(asked.uid, Answer()))["response"]["uid"] == uid


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(None, 5.0), ("5s", 5.0), ("1500ms", 1.5), ("1m0s", 30.0), ("1m30s", 30.0), ("0.5s", 0.5), ("2h", 30.0)],
)
def test_the_timeout_is_read_as_go_writes_it(text: str | None, seconds: float) -> None:
    """Go durations are understood, 30 s is the most that a registration can state, 5 s is ours."""
    assert math.isclose(timeout_seconds(text), seconds)


@pytest.mark.parametrize("text", ["", "5", "-5s", "0s", "s", "five", "5s;", "1e9s", "٣s"])
def test_a_timeout_that_is_no_duration_is_refused(text: str) -> None:
    """An unreadable timeout is a 400: without it nobody knows how long the client waits."""
    with pytest.raises(BadRequestError, match="positive duration"):
        timeout_seconds(text)
