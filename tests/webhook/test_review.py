from __future__ import annotations

import math

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actgate_webhook.review import (
    Answer,
    BadRequestError,
    GroupVersionKind,
    Operation,
    Response,
    ReviewedObject,
    Status,
    decode,
    encode,
    timeout_seconds,
)
from tests.webhook.build import body_of, changed, model_deployment, review

CREATE = review(model_deployment())


def deep(levels: int) -> bytes:
    """Return a review with an object in an object in its object, so many times."""
    body = body_of(review({"kind": "Pod", "x": 7}))
    return body.replace(b'"x":7', b'"x":' + b'{"x":' * levels + b"7" + b"}" * levels)


def test_a_review_is_read_as_the_api_server_wrote_it() -> None:
    """Identity, operation, place, user and both objects come through unchanged."""
    asked = decode(body_of(review(model_deployment(), model_deployment(replicas=1), dry_run=True)))
    assert asked.uid == "705ab4f5-6393-11e8-b7cc-42010a800002"
    assert asked.operation is Operation.UPDATE
    assert asked.kind == GroupVersionKind("v1alpha1", "ModelDeployment", "actgate.dev")
    assert (asked.namespace, asked.name, asked.user_info.username) == ("credit", "scorer", "engineer")
    assert asked.dry_run
    assert asked.object.value == model_deployment() == orjson.loads(asked.object.raw)
    assert asked.old_object.value == model_deployment(replicas=1)


def test_what_may_be_absent_may_be_absent() -> None:
    """Go leaves out what is empty; only uid, kind and operation are always there."""
    bare = {key: CREATE["request"][key] for key in ("uid", "kind", "operation")}
    absent = decode(body_of({**CREATE, "request": bare}))
    assert (absent.namespace, absent.dry_run) == ("", False)
    assert absent.object == ReviewedObject(fault=" is missing")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body is empty"),
        (b"\x00", "JSON is malformed"),
        (body_of(CREATE)[:-20], "truncated"),
        (b"[" * 100_000, "Expected `object`, got `array`"),
        (deep(100_000), "nested too deeply"),
        (b"null", "Expected `object`, got `null`"),
        (b"[]", "Expected `object`, got `array`"),
        (body_of(CREATE | {"apiVersion": "admission.k8s.io/v1beta1"}), "at `\\$.apiVersion`"),
        (body_of(CREATE | {"kind": "TokenReview"}), "at `\\$.kind`"),
        (body_of(CREATE | {"request": None}), "Expected `object`, got `null` - at `\\$.request`"),
        (body_of({"apiVersion": CREATE["apiVersion"], "kind": CREATE["kind"]}), "required field `request`"),
        (body_of(changed(CREATE, "request.uid", "")), "length >= 1 - at `\\$.request.uid`"),
        (body_of(changed(CREATE, "request.uid", 7)), "Expected `str`, got `int` - at `\\$.request.uid`"),
        (body_of(changed(CREATE, "request.uid", "u" * 300)), "length <= 256 - at `\\$.request.uid`"),
        (body_of(changed(CREATE, "request.operation", "PATCH")), "at `\\$.request.operation`"),
        (body_of(changed(CREATE, "request.kind", "Pod")), "at `\\$.request.kind`"),
        (body_of(changed(CREATE, "request.kind", {})), "missing required field `version`"),
        (
            body_of(changed(CREATE, "request.kind", {"version": "apps/v1", "kind": "Pod"})),
            "request.kind.version",
        ),
        (
            body_of(changed(CREATE, "request.kind", {"group": "a/b", "version": "v1", "kind": "Pod"})),
            "request.kind.group",
        ),
        (body_of(changed(CREATE, "request.kind.kind", None)), "at `\\$.request.kind.kind`"),
        (body_of(changed(CREATE, "request.namespace", [])), "at `\\$.request.namespace`"),
        (body_of(changed(CREATE, "request.subResource", {})), "at `\\$.request.subResource`"),
        (body_of(changed(CREATE, "request.dryRun", "false")), "Expected `bool`, got `str`"),
        (body_of(changed(CREATE, "request.userInfo", "root")), "at `\\$.request.userInfo`"),
        (body_of(CREATE).replace(b'"scorer"', b'"\\ud800"'), "malformed"),
        (body_of(CREATE).replace(b'"engineer"', b'"\xff"'), "utf-8"),
    ],
)
def test_a_broken_envelope_is_named_in_one_sentence(body: bytes, words: str) -> None:
    """What breaks the protocol is a 400 that says which field, on one short line."""
    with pytest.raises(BadRequestError, match=words) as caught:
        decode(body)
    assert caught.value.status == 400
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= 250


def test_foreign_words_in_a_sentence_are_short_and_escaped() -> None:
    """A wrong value is repeated only as far as a person needs it, and never as control characters."""
    with pytest.raises(BadRequestError) as caught:
        decode(body_of(changed(CREATE, "request.operation", "\x1b[31mé" * 1000)))
    assert len(str(caught.value)) <= 250
    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()


def test_an_allow_has_no_status_and_a_refusal_has_all_of_it() -> None:
    """An answer carries the uid, and a Status only where it refuses."""
    allowed = orjson.loads(encode(Answer(Response("u-1", allowed=True))))
    assert allowed == {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": "u-1", "allowed": True},
    }
    status = Status(403, "Forbidden", "no")
    refused = orjson.loads(encode(Answer(Response("u-2", False, status, ("w",), {"outcome": "Fail"}))))
    assert refused["response"] == {
        "uid": "u-2",
        "allowed": False,
        "status": {"status": "Failure", "code": 403, "reason": "Forbidden", "message": "no"},
        "warnings": ["w"],
        "auditAnnotations": {"outcome": "Fail"},
    }


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(min_size=1, max_size=256))
def test_every_uid_comes_back(uid: str) -> None:
    """Whatever JSON allows as uid is echoed exactly."""
    asked = decode(body_of(changed(CREATE, "request.uid", uid)))
    answer = encode(Answer(Response(asked.uid, allowed=True)))
    assert orjson.loads(answer)["response"]["uid"] == uid


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(None, 5.0), ("5s", 5.0), ("1500ms", 1.5), ("1m0s", 30.0), ("1m30s", 30.0), ("0.5s", 0.5), ("2h", 30.0)],
)
def test_the_timeout_is_read_as_go_writes_it(text: str | None, seconds: float) -> None:
    """Go durations are understood, 30 s is the most that a registration can state, 5 s is ours."""
    assert math.isclose(timeout_seconds(text), seconds)


@pytest.mark.parametrize("text", ["", "5", "-5s", "0s", "s", "five", "5s;", "1e9s", "٣s"])
def test_a_timeout_that_is_no_duration_is_refused(text: str) -> None:
    """An unreadable timeout is a 400: without it, it is unknown how long the client waits."""
    with pytest.raises(BadRequestError, match="positive duration"):
        timeout_seconds(text)
