"""Request bodies: JSON is read, and a Namespace in protobuf; everything else is refused."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request

from actgate_sandbox.stand_in import patches, protobuf
from actgate_sandbox.status import ApiError, Json, bad_request, unsupported_media_type

LIMIT = 3 * 1024 * 1024
PATCHES = (
    patches.JSON_PATCH,
    patches.MERGE_PATCH,
    patches.STRATEGIC_PATCH,
    patches.APPLY_PATCH,
)


def content_type(request: Request) -> str:
    """Return the media type of the body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_object(request: Request) -> Json:
    """Read the body of a create or replace.

    Raises:
        ApiError: 400, 413 or 415 with what is wrong.
    """
    kind = content_type(request) or "application/json"
    if kind == protobuf.MEDIA_TYPE:
        return protobuf.read_namespace(await _data(request))
    if kind != "application/json":
        raise unsupported_media_type(kind, ["application/json"])
    return _json(await _data(request))


async def read_patch(request: Request) -> tuple[str, Any]:
    """Read the body of a patch and say which of the four kinds it is; an apply, too, comes as JSON.

    Raises:
        ApiError: 400, 413 or 415 with what is wrong.
    """
    kind = content_type(request)
    if kind not in PATCHES:
        raise unsupported_media_type(kind, PATCHES)
    return kind, _json(await _data(request))


async def read_options(request: Request) -> dict[str, Any]:
    """Read the DeleteOptions of a deletion; they may also come in the query.

    Raises:
        ApiError: 400, 413 or 415 with what is wrong.
    """
    has_body = bool(await _data(request))
    options = await read_object(request) if has_body else {}
    if not isinstance(options, dict):
        raise bad_request("DeleteOptions must be a JSON object")
    if "propagationPolicy" in request.query_params:
        options["propagationPolicy"] = request.query_params["propagationPolicy"]
    if "dryRun" in request.query_params:
        options["dryRun"] = [request.query_params["dryRun"]]
    return options


async def _data(request: Request) -> bytes:
    data = await request.body()
    if len(data) > LIMIT:
        message = f"Request entity too large: limit is {LIMIT}"
        raise ApiError(413, "RequestEntityTooLarge", message)
    return data


def _json(data: bytes) -> Json:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"the body of the request is not JSON: {error}") from error
