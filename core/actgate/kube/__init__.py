"""The only access to the Kubernetes API: requests with deadlines, and caches that know their age.

    client      get, list, watch, apply, create, replace, delete on plain objects
    reflector   a cache of all objects of a kind, kept by a list and a watch
    store       how a list and a watch are merged, without I/O
    lease       one leader among replicas
    discovery   which kinds the API server serves, in which version
    resources   the kinds, and where the API server keeps them
    errors      what can go wrong, in our own words
    timing      how long to wait, and when to try again
    access      which API server, and as whom
    observing   which requests were sent, for metrics
    transport   connections with our trust and credentials, JSON, translation of errors

Nothing in here decides anything about policies.
"""
