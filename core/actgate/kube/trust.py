"""Which certificates of a server are trusted: those that kubectl and every other client in Go trust.

Python 3.13 asks more of a certificate than they do: `ssl.create_default_context` sets `VERIFY_X509_STRICT`,
which refuses an authority without the key usage or the key identifiers of RFC 5280. Authorities of clusters
in use lack them (EKS, MicroK8s before 2026, `openssl req -x509`). And Python before 3.13 asks for the root of
a chain, where they are content with any authority of the bundle.

The chain, the name of the host and the dates are verified as ever.
"""

import ssl


def as_kubernetes(context: ssl.SSLContext) -> ssl.SSLContext:
    """Have a client's context trust what Kubernetes' own clients trust, on every version of Python."""
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
