"""Certificates for the webhook without cert-manager: an authority of our own, renewed without a gap.

    pki       makes authorities and leaves, and says whether a leaf chains to an authority; pure
    state     what is: two Secrets and the ``caBundle`` of each registered webhook
    stored    that state as Kubernetes keeps it; what is damaged is read as missing
    plan      what to change next: one change at a time, from the state and the wall clock alone; pure
    reconciler    reads, changes, and reads again, while leading
    probe     asks the webhook as the API server would

Every change is one write, and what is written is all that is remembered: a rotation that is killed anywhere
goes on from there. ``plan`` holds the promise: whatever leaf a replica may still serve, the ``caBundle``
trusts it.
"""
