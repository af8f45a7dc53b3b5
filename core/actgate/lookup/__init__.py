"""The evidence on which a subject is judged, from a cache or live; how fresh it has to be is decided here.

``cache`` keeps manifests, policies, exemptions and labels of namespaces, and reads them live where that is
not enough; ``exemptions`` has those of each namespace; ``owners`` verifies chains of owners; ``added_kinds``
has the rows of an administrator beside those of the package; ``judge`` says on what a verdict may rest.
"""
