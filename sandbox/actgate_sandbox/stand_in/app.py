"""The HTTP side: paths and verbs to reads, writes and watches, and their answers."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from actgate_sandbox.stand_in import bodies, discovery, openapi, scale
from actgate_sandbox.stand_in.call import Call, Options, User
from actgate_sandbox.stand_in.paths import ResourcePath, parse
from actgate_sandbox.stand_in.reads import Reader
from actgate_sandbox.stand_in.resources import Registry, Resource
from actgate_sandbox.stand_in.store import Stored
from actgate_sandbox.stand_in.views import choose_view, encode_list, encode_object
from actgate_sandbox.stand_in.watch import Watches
from actgate_sandbox.stand_in.writes import Writer, Written
from actgate_sandbox.status import (
    ApiError,
    Json,
    Object,
    internal,
    method_not_allowed,
    no_such_path,
    unauthorized,
)

ADMINISTRATOR: User = {
    "username": "kubernetes-admin",
    "groups": ["system:masters", "system:authenticated"],
}
_OPTIONS = {
    "GET": "GetOptions",
    "POST": "CreateOptions",
    "PUT": "UpdateOptions",
    "PATCH": "PatchOptions",
    "DELETE": "DeleteOptions",
}
_log = logging.getLogger(__name__)
_audit = logging.getLogger("actgate_sandbox.audit")
"""At DEBUG one record for each request for an object: User-Agent, method, path, whether it watches."""

_TRUE = ("true", "1")


class Front:
    """Answers requests from one store's readers, writers and watches.

    Args:
        registry: What is served.
        reader: Answers get and list.
        writer: Does every write.
        watches: Opens watches.
        token: The administrator's bearer token.
    """

    def __init__(
        self,
        registry: Registry,
        reader: Reader,
        writer: Writer,
        watches: Watches,
        token: str,
    ) -> None:
        self._registry = registry
        self._reader = reader
        self._writer = writer
        self._watches = watches
        self._token = token

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                *(Route(path, _healthy) for path in ("/healthz", "/livez", "/readyz")),
                Route("/version", self._guarded(self._version)),
                Route("/openapi/v3", self._guarded(self._openapi_index)),
                Route("/openapi/v3/{path:path}", self._guarded(self._openapi)),
                Route("/api", self._guarded(self._core)),
                Route("/apis", self._guarded(self._groups)),
                Route("/{path:path}", self._guarded(self._resource), methods=list(_OPTIONS)),
            ]
        )

    def _guarded(
        self, answer: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Let only known users in, and turn refusals into Status objects."""

        async def guarded(request: Request) -> Response:
            try:
                self._authenticate(request)
                return await answer(request)
            except ApiError as error:
                return _json(error.body(), error.code)
            except Exception as error:
                _log.exception("%s %s failed", request.method, request.url.path)
                return _json(internal(f"the sandbox stand-in failed: {error!r}").body(), 500)

        return guarded

    def _authenticate(self, request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(given, self._token):
            raise unauthorized()

    async def _version(self, _: Request) -> Response:
        return _json(discovery.VERSION)

    async def _core(self, request: Request) -> Response:
        return _json(discovery.core_versions(request.url.netloc))

    async def _groups(self, _: Request) -> Response:
        return _json(discovery.group_list(self._registry))

    async def _openapi_index(self, _: Request) -> Response:
        return _json(openapi.index(self._registry))

    async def _openapi(self, request: Request) -> Response:
        path = parse(request.path_params["path"])
        if path is None or path.plural:
            raise no_such_path()
        return _found(openapi.document(self._registry, path.group, path.version))

    async def _resource(self, request: Request) -> Response:
        path = parse(request.url.path)
        if path is None or not path.plural:
            return self._discover(request, path)
        _audited(request)
        return await self._serve(request, self._call(request, path))

    def _discover(self, request: Request, path: ResourcePath | None) -> Response:
        if request.method != "GET":
            raise method_not_allowed()
        if path is not None:
            return _found(discovery.resource_list(self._registry, path.group, path.version))
        root, _, group = request.url.path.strip("/").partition("/")
        return _found(discovery.group(self._registry, group) if root == "apis" else None)

    def _call(self, request: Request, path: ResourcePath) -> Call:
        resource = self._registry.find(path.group, path.version, path.plural)
        if resource is None or not _well_placed(resource, path):
            raise no_such_path()
        agent = request.headers.get("user-agent", "")
        options = Options.read(_OPTIONS[request.method], request.query_params, agent)
        return Call(resource, path.namespace, path.name, ADMINISTRATOR, path.subresource, options)

    async def _serve(self, request: Request, call: Call) -> Response:
        verbs: Mapping[str, _Verb] = {"GET": self._list, "POST": self._create}
        if call.name:
            verbs = {"GET": self._get, "PUT": self._replace, "PATCH": self._patch, "DELETE": self._delete}
        if request.method not in verbs:
            raise method_not_allowed()
        try:
            return await verbs[request.method](request, call)
        except ApiError as error:
            return _raw(orjson.dumps(error.body()), call, error.code)

    async def _get(self, request: Request, call: Call) -> Response:
        view = choose_view(request.headers.get("accept", ""))
        stored = self._reader.get(call)
        if call.subresource == "scale" and call.resource.scale:
            return _json(scale.shown(stored.obj, call.resource.scale))
        return _raw(encode_object(call.resource, stored, view), call)

    async def _list(self, request: Request, call: Call) -> Response:
        view = choose_view(request.headers.get("accept", ""))
        if request.query_params.get("watch") in _TRUE:
            stream = self._watches.open(call, request.query_params, view)
            return StreamingResponse(stream, media_type="application/json")
        page = self._reader.page(call, request.query_params)
        body = encode_list(call.resource, page.items, page.meta, view)
        return _raw(body, call)

    async def _create(self, request: Request, call: Call) -> Response:
        if call.resource.namespaced and not call.namespace:
            raise method_not_allowed()
        return self._written(
            request, call, await self._writer.create(call, await bodies.read_object(request))
        )

    async def _replace(self, request: Request, call: Call) -> Response:
        body = await bodies.read_object(request)
        return self._written(request, call, await self._writer.replace(call, body))

    async def _patch(self, request: Request, call: Call) -> Response:
        kind, body = await bodies.read_patch(request)
        return self._written(request, call, await self._writer.patch(call, kind, body))

    async def _delete(self, request: Request, call: Call) -> Response:
        if call.subresource:
            raise method_not_allowed()
        options = await self._deletion(request, call)
        return self._written(request, call, await self._writer.delete(call, options))

    async def _deletion(self, request: Request, call: Call) -> Object:
        options = await bodies.read_options(request)
        call.options = replace(
            call.options,
            dry_run=bool(options.get("dryRun")),
            policy=options.get("propagationPolicy", ""),
        )
        return options

    def _written(self, request: Request, call: Call, written: Written) -> Response:
        code = 201 if written.created else 200
        obj, raw = written.obj, written.raw
        view = choose_view(request.headers.get("accept", ""))
        if call.subresource == "scale" and call.resource.scale:
            raw = orjson.dumps(scale.shown(obj, call.resource.scale))
        elif view != "object" and obj["kind"] != "Status":
            stored = Stored(obj, b"", 0)
            raw = encode_object(call.resource, stored, view)
        return _raw(orjson.dumps(obj) if raw is None else raw, call, code)


_Verb = Callable[[Request, Call], Awaitable[Response]]


def _well_placed(resource: Resource, path: ResourcePath) -> bool:
    """Return whether a path fits the resource's scope, and names a subresource that it has."""
    if path.namespace and not resource.namespaced:
        return False
    if path.name and resource.namespaced and not path.namespace:
        return False
    has = {"": True, "status": resource.status, "scale": resource.scale is not None}
    return has.get(path.subresource, False)


async def _healthy(_: Request) -> Response:
    return Response("ok", media_type="text/plain")


def _audited(request: Request) -> None:
    if _audit.isEnabledFor(logging.DEBUG):
        watch = request.query_params.get("watch") in _TRUE
        agent = request.headers.get("user-agent", "")
        _audit.debug("%s %s %s watch=%s", agent, request.method, request.url.path, watch)


def _found(body: Object | None) -> Response:
    if body is None:
        return Response("404 page not found\n", 404, media_type="text/plain")
    return _json(body)


def _json(body: Json, code: int = 200) -> Response:
    return Response(orjson.dumps(body), code, media_type="application/json")


def _raw(body: bytes, call: Call, code: int = 200) -> Response:
    response = Response(body, code, media_type="application/json")
    for text in dict.fromkeys(call.warnings):
        escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
        response.headers.append("Warning", f'299 - "{escaped}"')
    return response
