"""An HTTP session with our trust and our credentials: below our own client, and for kopf.

Every request gets the token that is valid when it is sent, since service accounts' tokens rotate,
and an observer is told of it.
"""

import urllib.request
from urllib.parse import urlsplit

import aiohttp
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.rest import RESTClientObject

from actgate.kube.errors import Misconfigured
from actgate.kube.observing import Observer, observed
from actgate.kube.trust import as_kubernetes
from actgate.version import VERSION

AGENT = "actgate"

LINE_BYTES = 2**21
"""Half of the longest line of a watch: an object of the size that etcd takes, with room for its records."""


def open_session(
    configuration: Configuration,
    *middlewares: aiohttp.ClientMiddlewareType,
    observe: Observer | None = None,
    agent: str = AGENT,
) -> aiohttp.ClientSession:
    """Open a session to the API server of `access.find`; whoever opens it closes it.

    Of the middlewares the first is the outermost; all of them are outside of ours. Raises
    `Misconfigured` where the certificates cannot be used. By its agent a request is known in the API
    server's audit log.
    """
    try:
        trust = as_kubernetes(RESTClientObject(configuration).ssl_context)
    except (OSError, ValueError) as error:
        raise Misconfigured(f"the certificates to reach the API server: {error}") from error
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trust),
        headers={"User-Agent": f"{agent}/{VERSION}"},
        # Not trust_env: for each request it would read the environment and ~/.netrc, in a thread.
        proxy=configuration.proxy or _proxy_for(configuration.host),
        read_bufsize=LINE_BYTES,
        middlewares=(*middlewares, _observing(configuration, observe), _authorizing(configuration)),
    )


def _proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for a server, as every client of Kubernetes does."""
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.netloc):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def _observing(configuration: Configuration, observe: Observer | None) -> aiohttp.ClientMiddlewareType:
    below = urlsplit(configuration.host).path.rstrip("/")

    async def observing(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        path = request.url.path.removeprefix(below)
        with observed(observe, request.method, path, watch="watch" in request.url.query) as answer:
            response = await handler(request)
            answer.code = response.status
        return response

    return observing


def _authorizing(configuration: Configuration) -> aiohttp.ClientMiddlewareType:
    server = _origin(configuration.host)

    async def authorizing(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        # Whoever the API server may redirect to is not shown the token.
        if _origin(str(request.url)) == server:
            request.server_hostname = configuration.tls_server_name or request.server_hostname
            if bearer := (await configuration.auth_settings()).get("BearerToken"):
                request.headers["Authorization"] = bearer["value"] or ""
        return await handler(request)

    return authorizing


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
