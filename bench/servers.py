"""What the webhook is measured against: ``python -m bench.servers NAME PORT CERTIFICATE KEY``."""

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

_ANSWER = (
    b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"%s","allowed":true}}'
)
_UID = b'"uid":"'


async def bare(scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
    """Read the body and allow it, without looking at more than its uid: the least that a webhook can do."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    start = body.find(_UID) + len(_UID)
    answer = _ANSWER % body[start : body.find(b'"', start)]
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


class Request(BaseModel):
    """The request of an AdmissionReview, as a model would have it."""

    uid: str
    operation: str
    kind: dict[str, str]
    namespace: str = ""
    name: str = ""
    object: dict[str, Any] | None = None


class Review(BaseModel):
    """An AdmissionReview."""

    apiVersion: str  # noqa: N815 - the name on the wire
    kind: str
    request: Request


modelled = FastAPI()


@modelled.post("/validate")
async def validate(review: Review) -> dict[str, Any]:
    """Allow everything, with FastAPI parsing the body by pydantic."""
    response = {"uid": review.request.uid, "allowed": True}
    return {"apiVersion": review.apiVersion, "kind": review.kind, "response": response}


if __name__ == "__main__":
    name, port, certificate, key = sys.argv[1:]
    uvicorn.run(
        f"bench.servers:{ {'bare': 'bare', 'fastapi': 'modelled'}[name] }",
        host="127.0.0.1",
        port=int(port),
        loop="uvloop",
        http="httptools",
        ssl_certfile=certificate,
        ssl_keyfile=key,
        access_log=False,
        log_level="warning",
    )
