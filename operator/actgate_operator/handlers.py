"""Every handler of the operator: what kopf calls, and when.

Run by ``actgate-operator``, which takes flags, or by kopf's own command, with settings from the environment::

    kopf run -m actgate_operator.handlers --standalone --all-namespaces --liveness=http://0.0.0.0:8081/livez

Handlers are thin. An event becomes a key on the queue, from which the workers of the replica that leads
take it (``controller``). There is no handler for creation, update or deletion, no timer and no daemon, so
that kopf writes nothing to any object: no finalizer, no annotation (ADR 6).
"""

from typing import Any, Final

import kopf

from actgate.kube.resources import MODEL_DEPLOYMENTS
from actgate_operator.process import Process
from actgate_operator.settings import Settings

REGISTRY: Final = kopf.get_default_registry()
"""Where kopf's decorators put the handlers below."""

_STRICT: Final = kopf.ErrorsMode.PERMANENT
"""By default what failed is tried again after a minute, so that a start that fails would go on for ever."""

_LOGIN_SECONDS: Final = 5.0
"""Until the next try of a login: where one fails for good, kopf waits for ever, without a word."""


@kopf.on.startup(errors=_STRICT)
async def start(settings: kopf.OperatorSettings, memo: kopf.Memo, **_: Any) -> None:  # noqa: ANN401
    """Open what lives as long as the process, and begin to work beside kopf: caches, lease, workers."""
    if "process" not in memo:
        memo.process = Process(Settings.read([]))
    await memo.process.open(settings)


@kopf.on.login(errors=kopf.ErrorsMode.TEMPORARY, backoff=_LOGIN_SECONDS)
async def login(memo: kopf.Memo, **_: Any) -> kopf.AiohttpSession:  # noqa: ANN401
    """Let kopf ask in the operator's name, with a token that is read anew for each request."""
    session: kopf.AiohttpSession = await memo.process.logins.login()
    return session


@kopf.on.event(MODEL_DEPLOYMENTS.group, MODEL_DEPLOYMENTS.version, MODEL_DEPLOYMENTS.plural)
async def observe(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:  # noqa: ANN401
    """Put the model on the queue, if this replica leads, and what it is into the cache."""
    memo.process.models.observe(event["type"], event["object"])


@kopf.on.probe(id="livez", errors=_STRICT)
async def livez(memo: kopf.Memo, **_: Any) -> str:  # noqa: ANN401
    """Answer kopf's own liveness endpoint as ``/livez`` does: 500 where a restart may help."""
    answer: str = memo.process.livez()
    return answer


@kopf.on.cleanup(errors=_STRICT)
async def end(memo: kopf.Memo, **_: Any) -> None:  # noqa: ANN401
    """Stop the workers, then give the lease back; raise what ended them where it was not a signal."""
    await memo.process.close()
