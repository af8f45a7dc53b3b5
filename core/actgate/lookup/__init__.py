"""The evidence on which a subject is judged, from a cache or live; how fresh it has to be is decided here.

``cache`` keeps manifests, policies, exemptions and labels of namespaces, and reads them live where that is
not enough; ``exemptions`` has those of each namespace;
``judge`` says which of both a verdict may rest on.
"""
