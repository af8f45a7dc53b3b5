"""Requests that the recorder answers itself, without the model."""

from collections.abc import Sequence

from actgate_recorder.client import Client
from actgate_recorder.head import Header
from actgate_recorder.refusal import UNAVAILABLE, Refusal


class Own:
    """Takes a request, and answers it once it is whole; its body is dropped where ``limit`` is 0."""

    def __init__(self, client: Client, limit: int = 0) -> None:
        self.client = client
        self.body = bytearray()
        self._limit = limit
        self._whole = False
        self._ended = False
        self._gone = False

    @property
    def waits_for_request(self) -> bool:
        """Whether the client has to send more."""
        return not self._whole

    def request_data(self, data: bytes) -> None:
        """Keep a piece of the body."""
        if len(self.body) <= self._limit:
            self.body += data

    def request_ended(self, trailers: Sequence[Header]) -> None:
        """Note that it is whole."""
        self._whole = True

    def request_read(self) -> None:
        """Answer as soon as that is possible."""
        if self._ended:
            return
        if self._whole or len(self.body) > self._limit:
            self._ended = True
            self.answer()

    def answer(self) -> None:
        """Answer; the body is in ``body``."""
        raise NotImplementedError

    def client_gone(self) -> None:
        """Note that no one waits for the answer."""
        self._ended = self._gone = True

    def pause_answer(self, paused: bool) -> None:
        """Do nothing: the answer is small."""

    def refuse(self, refusal: Refusal) -> None:
        """End it for what the client sent."""
        if not self._ended:
            self._ended = True
            self.client.answer_refused(refusal, close=True)

    def check(self, now: float) -> None:
        """Do nothing: no one is waited for."""


class Unavailable(Own):
    """A use of the model that could not be recorded, so that the model is not asked."""

    def request_read(self) -> None:
        """Answer at once."""
        if not self._ended:
            self._ended = True
            self.client.answer_refused(UNAVAILABLE, close=not self._whole)

    def answer(self) -> None:
        """Never called: see ``request_read``."""
