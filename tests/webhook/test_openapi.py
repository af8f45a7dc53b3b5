from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from actgate_webhook.app import create_app
from actgate_webhook.metrics import Metrics
from actgate_webhook.review import BadRequestError, Operation, decode
from tests.lookup.fakes import FakeEvidence, known
from tests.webhook.build import KINDS, body_of, failing, model_deployment, passing, review, workload
from tests.webhook.fakes import InProcess

DOCUMENT = create_app(FakeEvidence(), Metrics()).app.openapi()
OPERATION = DOCUMENT["paths"]["/validate"]["post"]


def schema(name: str) -> Draft202012Validator:
    """Return what the document says about a model."""
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", **DOCUMENT})


async def test_docs_show_the_review() -> None:
    """``/docs`` and the document behind it are served, and ``/validate`` is in it."""
    ask = InProcess(FakeEvidence())
    assert (await ask.send("GET", "/docs")).status == 200
    document = (await ask.send("GET", "/openapi.json")).json
    assert document["paths"]["/validate"]["post"] == OPERATION
    assert {"/livez", "/readyz", "/metrics"} <= set(document["paths"])


def test_every_reference_in_the_document_resolves() -> None:
    """A tool that follows them finds every schema."""

    def references(value: Any) -> set[str]:  # noqa: ANN401 - JSON
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        found = set().union(*(references(item) for item in inner))
        return found | ({value["$ref"]} if isinstance(value, dict) and "$ref" in value else set())

    schemas = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert references(DOCUMENT) <= schemas


@pytest.mark.parametrize("kind", KINDS)
def test_every_review_that_we_understand_fits_the_document(kind: str) -> None:
    """The schema of the question takes what the API server sends."""
    obj = model_deployment() if kind == "ModelDeployment" else {"apiVersion": "v1", "kind": kind}
    schema("Question").validate(review(obj, obj))


@pytest.mark.parametrize(
    "obj", [model_deployment(), workload(), workload(annotations={}), {"kind": "ConfigMap"}]
)
@pytest.mark.parametrize("source", [passing(), failing(), None], ids=["passing", "failing", "unavailable"])
async def test_every_answer_fits_the_document(obj: Any, source: Any) -> None:  # noqa: ANN401
    """Allow, refusal and "unavailable" are as the schema of the answer has them."""
    evidence = FakeEvidence(known(source) if source else {}, reachable=source is not None)
    reply = await InProcess(evidence)(review(obj))
    schema("Answer").validate(reply.json)


@pytest.mark.parametrize(
    ("method", "chunks", "headers"),
    [
        ("GET", [], [(b"content-type", b"application/json")]),
        ("POST", [b"{}"], [(b"content-type", b"application/json")]),
        ("POST", [b"{}"], []),
        ("POST", [b" " * 1024 * 1024] * 8, [(b"content-type", b"application/json")]),
    ],
    ids=["405", "400", "415", "413"],
)
async def test_every_problem_is_documented(method: str, chunks: list[bytes], headers: Any) -> None:  # noqa: ANN401
    """Each status is in the document, and its body fits."""
    reply = await InProcess(FakeEvidence()).send(method, "/validate", chunks, headers=headers)
    assert str(reply.status) in OPERATION["responses"]
    schema("Problem").validate(reply.json)


TEXTS = st.none() | st.text(max_size=4)
NAMES = st.text(min_size=1, max_size=4)
REQUESTS = st.fixed_dictionaries(
    {
        "uid": st.text(min_size=1, max_size=300),
        "operation": st.sampled_from(Operation),
        "kind": st.fixed_dictionaries({"version": NAMES, "kind": NAMES}, optional={"group": TEXTS}),
    },
    optional={
        "subResource": TEXTS,
        "namespace": TEXTS | st.integers(),
        "userInfo": st.none() | st.fixed_dictionaries({}, optional={"username": TEXTS}),
        "dryRun": st.none() | st.booleans() | st.text(max_size=2),
    },
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(request=REQUESTS)
def test_what_the_document_allows_is_understood(request: dict[str, Any]) -> None:
    """No question that fits the schema is a bad request."""
    document = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    try:
        schema("Question").validate(document)
    except ValidationError:
        return
    try:
        decode(body_of(document))
    except BadRequestError as error:
        raise AssertionError(f"fits the schema, and yet: {error}") from error
