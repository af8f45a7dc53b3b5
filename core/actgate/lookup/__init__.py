"""The evidence on which a subject is judged, from a cache or live; how fresh it has to be is decided here.

``cache`` keeps manifests, policies and labels of namespaces, and reads them live where that is not enough;
``judge`` says which of both a verdict may rest on.
"""
