"""The fake API server with ModelDeployments, and with the discovery that kopf starts from."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web

from actgate.kube.resources import MODEL_DEPLOYMENTS
from tests.kube.fake_api import FakeApi, Fault, always, status

CORE = [("namespaces", "Namespace"), ("events", "Event")]
OURS = [("modeldeployments", "ModelDeployment"), ("compliancemanifests", "ComplianceManifest")]


class ModelsApi(FakeApi):
    """Serves what is listed in `groups` and `kinds`, whatever of it there is."""

    def __init__(self) -> None:
        super().__init__(MODEL_DEPLOYMENTS)
        self.groups = ["apps", MODEL_DEPLOYMENTS.group]
        self.kinds = OURS
        self.on_discovery: Iterator[Fault] = always(None)
        self.discoveries = 0

    def add_routes(self, app: web.Application) -> None:
        """Serve discovery."""
        app.router.add_get("/api", self._core)
        app.router.add_get("/api/v1", self._core_kinds)
        app.router.add_get("/apis", self._groups)
        app.router.add_get(f"/apis/{MODEL_DEPLOYMENTS.api_version}", self._our_kinds)

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        """Watch; a version that is too old is answered in the stream, as the real API server does it."""
        if int(request.query["resourceVersion"]) < self.forgotten:
            return web.json_response({"type": "ERROR", "object": status(410, "Expired", "too old")})
        return await super()._watch(request)

    async def _core(self, _: web.Request) -> web.Response:
        return web.json_response({"versions": ["v1"]})

    async def _core_kinds(self, _: web.Request) -> web.Response:
        return web.json_response(kinds(CORE))

    async def _groups(self, request: web.Request) -> web.StreamResponse:
        self.discoveries += 1
        if (failed := await self._fail(request, next(self.on_discovery))) is not None:
            return failed
        return web.json_response({"groups": [group(name) for name in self.groups]})

    async def _our_kinds(self, _: web.Request) -> web.Response:
        if not self.kinds:
            return web.json_response({"kind": "Status", "code": 404}, status=404)
        return web.json_response(kinds(self.kinds))


def group(name: str) -> dict[str, object]:
    """Describe a group as discovery does."""
    version = {"groupVersion": f"{name}/v1alpha1", "version": "v1alpha1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


def kinds(named: list[tuple[str, str]]) -> dict[str, object]:
    """Describe kinds as discovery does."""
    return {
        "resources": [
            {
                "name": plural,
                "kind": kind,
                "singularName": kind.lower(),
                "namespaced": True,
                "verbs": ["get", "list", "watch", "patch"],
            }
            for plural, kind in named
        ]
    }
