"""What ``POST /validate`` takes and gives, for ``/docs`` and for tools that read OpenAPI.

These models describe the part of ``admission.k8s.io/v1`` that is read and written here; the code
that does so is in ``review``, and a test holds both together.
"""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from actgate_webhook.review import API_VERSION, KIND, Operation

_REF: Final = "#/components/schemas/{model}"


class Described(BaseModel):
    """Base of the models: docstrings become descriptions."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class GroupVersionKind(Described):
    """The kind of the object, in the version that the rule asked for."""

    group: str = ""
    """Empty for the core group."""
    version: str = Field(min_length=1)
    kind: str = Field(min_length=1)


class UserInfo(Described):
    """Who asks."""

    username: str = ""


class ReviewRequest(Described):
    """The question of the API server."""

    uid: str = Field(min_length=1, max_length=256)
    """Comes back in the answer."""
    kind: GroupVersionKind
    operation: Operation
    subResource: str = ""  # noqa: N815 - the API's spelling
    namespace: str = ""
    name: str = ""
    userInfo: UserInfo = UserInfo()  # noqa: N815 - the API's spelling
    dryRun: bool = False  # noqa: N815 - the API's spelling
    object: dict[str, Any] | None = None
    """The object as it would be."""
    oldObject: dict[str, Any] | None = None  # noqa: N815 - the API's spelling
    """The object as it is."""


class Review(Described):
    """An AdmissionReview that asks."""

    apiVersion: Literal["admission.k8s.io/v1"]  # noqa: N815 - the API's spelling
    kind: Literal["AdmissionReview"]
    request: ReviewRequest


class ReviewStatus(Described):
    """Why the answer is no."""

    status: Literal["Failure"]
    code: Literal[403, 503]
    """403 for a verdict, 503 where the evidence could not be read in time."""
    reason: Literal["Forbidden", "ServiceUnavailable"]
    message: str
    """The failed rules and the first remedy, then one line per finding."""


class ReviewResponse(Described):
    """The answer."""

    uid: str
    allowed: bool
    status: ReviewStatus | None = None
    warnings: list[str] = []
    auditAnnotations: dict[str, str] = {}  # noqa: N815 - the API's spelling


class ReviewAnswer(Described):
    """An AdmissionReview that answers."""

    apiVersion: Literal["admission.k8s.io/v1"]  # noqa: N815 - the API's spelling
    kind: Literal["AdmissionReview"]
    response: ReviewResponse


class Problem(Described):
    """What is wrong with the request."""

    message: str


_PROBLEMS: Final = {
    400: "Not an AdmissionReview of admission.k8s.io/v1, or an unreadable timeout.",
    405: "Another method than POST.",
    408: "The body did not arrive in time.",
    413: "The body is larger than 7 MiB.",
    415: "Another content type than application/json.",
}


def describe(document: dict[str, Any]) -> dict[str, Any]:
    """Return an OpenAPI document with ``/validate`` in it."""
    _, definitions = models_json_schema(
        [(model, "validation") for model in (Review, ReviewAnswer, Problem)], ref_template=_REF
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(definitions["$defs"])
    document["paths"]["/validate"] = {"post": _operation()}
    return document


def _operation() -> dict[str, Any]:
    return {
        "tags": ["admission"],
        "summary": "Judge an object",
        "description": f"Answers an {KIND} of {API_VERSION}. A refusal is a 200 with `allowed: false`.",
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
        "requestBody": {"required": True, "content": _json("Review")},
        "responses": {
            "200": {"description": "The answer.", "content": _json("ReviewAnswer")},
            **{
                str(status): {"description": words, "content": _json("Problem")}
                for status, words in _PROBLEMS.items()
            },
        },
    }


def _json(model: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(model=model)}}}
