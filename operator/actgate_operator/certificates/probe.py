"""Asks the webhook as the API server would: at the address and with the trust of its registration.

The question is a review of a dry run about a kind that is not judged, so nothing is decided or remembered. A
webhook that answers only who has the API server's client certificate refuses us, and has answered all the
same: address, certificate and trust fit together, which is what can go wrong in a cluster.
"""

import base64
import binascii
import logging
import ssl
import uuid
from typing import Final

import aiohttp
import orjson

from actgate.kube.objects import Object
from actgate.kube.trust import as_kubernetes
from actgate_operator.certificates.metrics import CertificateMetrics

logger = logging.getLogger(__name__)

_PATIENCE: Final = aiohttp.ClientTimeout(total=5)


class Probe:
    """Asks, and reports when the answer changes."""

    def __init__(self, metrics: CertificateMetrics) -> None:
        self._metrics = metrics
        self.problem: str | None = "not asked yet"
        """Why the webhook does not answer, None where it does."""

    async def ask(self, registration: Object | None) -> None:
        """Ask every webhook of a registration once."""
        problem = await _problem(registration)
        self._metrics.answered(problem is None)
        if problem == self.problem:
            return
        self.problem = problem
        if problem is None:
            logger.info("the webhook answers as it is registered")
        else:
            logger.warning("the webhook does not answer as it is registered: %s", problem)


async def _problem(registration: Object | None) -> str | None:
    if registration is None:
        return "it is not registered"
    configs = {orjson.dumps(item["clientConfig"]): item for item in registration.get("webhooks") or []}
    for item in configs.values():
        try:
            problem = await _ask(item["clientConfig"])
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            problem = f"{type(error).__name__}: {error}"
        if problem is not None:
            return f"{item['name']}: {problem}"
    return None


async def _ask(config: Object) -> str | None:
    bundle = _decoded(config.get("caBundle") or "")
    if not bundle:
        return "it has no caBundle yet"
    trust = as_kubernetes(ssl.create_default_context(cadata=bundle.decode("ascii")))
    review = _review()
    async with (
        aiohttp.ClientSession(timeout=_PATIENCE, connector=aiohttp.TCPConnector(ssl=trust)) as session,
        session.post(f"{address(config)}?timeout=5s", json=review) as reply,
    ):
        if reply.status == 403:
            return None
        if reply.status != 200:
            return f"it answered {reply.status}"
        answer = orjson.loads(await reply.read())
    same = isinstance(answer, dict) and (answer.get("response") or {}).get("uid") == review["request"]["uid"]
    return None if same else "it answered with something else than a review"


def address(config: Object) -> str:
    """Return the URL at which the API server asks, by a ``clientConfig``."""
    if url := config.get("url"):
        return str(url)
    service = config["service"]
    host = f"{service['name']}.{service['namespace']}.svc"
    return f"https://{host}:{service.get('port', 443)}/{service.get('path', '').removeprefix('/')}"


def _review() -> Object:
    kind = {"group": "actgate.dev", "version": "v1alpha1", "kind": "Probe"}
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": str(uuid.uuid4()),
            "kind": kind,
            "resource": {"group": "actgate.dev", "version": "v1alpha1", "resource": "probes"},
            "name": "probe",
            "operation": "CREATE",
            "userInfo": {"username": "actgate-operator"},
            "object": {"apiVersion": "actgate.dev/v1alpha1", "kind": "Probe", "metadata": {"name": "probe"}},
            "dryRun": True,
        },
    }


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"caBundle is no base64: {error}") from error
