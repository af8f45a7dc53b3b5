"""Who sent a review, as TLS knows it; what a review itself says of users is its sender's word.

A review changes nothing, but leaves a line in the decision log, in metrics and in traces. So that a line
cannot pass for a request of the API server, it says whether the connection showed a client certificate.
"""

from typing import Final, NamedTuple

from starlette.types import Scope

CLIENT: Final = "actgate.client"
"""Extension of an ASGI scope: the common name of the client's certificate, or None where it showed none."""


class Caller(NamedTuple):
    """The other end of a connection."""

    authenticated: bool
    """Whether it showed a certificate that --client-ca-file signed."""
    name: str | None
    """Common name of that certificate; "" where it has none or several, None without a certificate."""


UNKNOWN: Final = Caller(authenticated=False, name=None)
"""Anyone who reaches the port."""


def caller_of(scope: Scope) -> Caller:
    """Return who sent a request."""
    name = ((scope.get("extensions") or {}).get(CLIENT) or {}).get("name")
    return UNKNOWN if name is None else Caller(authenticated=True, name=name)
