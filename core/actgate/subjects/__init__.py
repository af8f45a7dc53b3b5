"""From any Kubernetes object to the subject that is judged: where its pods, images, places and links stand.

The border: a parsed object in, a ``decision.Subject`` out; no I/O, no clock.
"""
