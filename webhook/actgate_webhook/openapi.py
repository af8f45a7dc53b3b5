"""What ``POST /validate`` takes and gives, for ``/docs`` and for tools that read OpenAPI.

The schemas are made from the types that read and write reviews, so they cannot say anything else.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from actgate_webhook.review import Answer, Problem, Question

_PROBLEMS: Final = {
    400: "Not an AdmissionReview of admission.k8s.io/v1, or an unreadable timeout.",
    403: "The client showed none of the certificates that are asked for, where any are.",
    405: "Another method than POST.",
    408: "The body did not arrive in time.",
    413: "The body is larger than 20 MiB, or than 7 MiB without its escapes.",
    415: "Another content type than application/json.",
}


def describe(openapi: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return FastAPI's OpenAPI document with ``/validate`` in it, which cannot describe itself."""
    document = openapi()
    (question, answer, problem), schemas = msgspec.json.schema_components(
        (Question, Answer, Problem), ref_template="#/components/schemas/{name}"
    )
    document.setdefault("components", {}).setdefault("schemas", {}).update(schemas)
    document["paths"]["/validate"] = {"post": _operation(question, answer, problem)}
    return document


def _operation(question: Any, answer: Any, problem: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON schemas
    return {
        "tags": ["admission"],
        "summary": "Judge an object",
        "description": "Answers an AdmissionReview. A refusal is a 200 with `allowed: false`.",
        "operationId": "validate",
        "parameters": [
            {
                "name": "timeout",
                "in": "query",
                "required": False,
                "description": "How long the API server waits: a Go duration; 30 s at most count.",
                "schema": {"type": "string", "pattern": r"^[1-9][0-9]{0,4}(ms|s)$", "example": "5s"},
            }
        ],
        "requestBody": {"required": True, "content": _json(question)},
        "responses": {
            "200": {"description": "The answer.", "content": _json(answer)},
            **{
                str(status): {"description": words, "content": _json(problem)}
                for status, words in _PROBLEMS.items()
            },
        },
    }


def _json(schema: Any) -> dict[str, Any]:  # noqa: ANN401 - a JSON schema
    return {"application/json": {"schema": schema}}
