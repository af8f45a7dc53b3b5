"""The recorder at work: what takes which request."""

from actgate.recording.oversight import PREFIX
from actgate.recording.use import Use
from actgate.recording.writer import RecordNotWrittenError
from actgate_recorder.client import Client
from actgate_recorder.events import EventPost
from actgate_recorder.exchange import Exchange
from actgate_recorder.head import RequestHead
from actgate_recorder.own import Unavailable
from actgate_recorder.shared import Handles, Shared


class Proxy(Shared):
    """Makes the connections of clients, and hands each request to what takes it."""

    def client(self) -> Client:
        """Return the protocol of a new connection."""
        return Client(self)

    def handles(self, client: Client, head: RequestHead) -> Handles:
        """Return what takes a request."""
        if head.target.startswith(PREFIX):
            return EventPost(client, self, head, self.tokens)
        method = head.method.decode()
        if self.log.content.is_probe(method, head.target, has_body=head.has_body):
            self.passed += 1
            return Exchange(client, self, head, None)
        use: Use | None = None
        reason = self.log.closed
        if reason is None:
            try:
                use = self.log.use(method, head.target, head.headers)
            except RecordNotWrittenError as error:
                reason = str(error)
        if use is None:
            self.log.counts.refused += 1
            return Unavailable(client)
        return Exchange(client, self, head, use)
