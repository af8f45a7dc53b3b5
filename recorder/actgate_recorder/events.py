"""``POST /_actgate/events``: events of human oversight, which the recorder answers itself."""

from http import HTTPStatus

import orjson

from actgate.recording.oversight import LARGEST, Taken, refusal, take
from actgate.recording.tokens import Tokens
from actgate_recorder.client import Client
from actgate_recorder.head import RequestHead, header_value
from actgate_recorder.own import Own
from actgate_recorder.shared import Shared


class EventPost(Own):
    """A request below ``/_actgate/``."""

    def __init__(self, client: Client, proxy: Shared, head: RequestHead, tokens: Tokens | None) -> None:
        super().__init__(client, LARGEST)
        self._proxy = proxy
        self._head = head
        self._tokens = tokens

    def answer(self) -> None:
        """Record the event, then answer with the id of its record."""
        refused = refusal(self._tokens, self._head.method.decode(), self._head.target)
        if refused is not None or self._tokens is None:
            self._give(refused or Taken(HTTPStatus.FORBIDDEN, ""))
        else:
            self._proxy.spawn(self._take(self._tokens))

    async def _take(self, tokens: Tokens) -> None:
        authorization = header_value(self._head.headers, b"authorization")
        self._give(await take(self._proxy.log, tokens, authorization, bytes(self.body)))

    def _give(self, taken: Taken) -> None:
        if self._gone:
            return
        recorded = taken.status is HTTPStatus.CREATED
        if not recorded:
            self._proxy.refused(taken.status)
        record = taken.text.encode() if recorded else b""
        close = self.waits_for_request
        self.client.answer_own(taken.status, orjson.dumps(taken.body), record, close=close)
