"""``actgate scan``: what the gate would say about a cluster today, seen from outside by a kubeconfig.

- ``listing``: pages of one kind, again where the API server asks for it, and what may not be listed;
- ``gathering``: everything of a cluster that a verdict needs, cut when it arrives;
- ``result``: the verdicts, and how much of the cluster they are about;
- ``report``: the shape of the JSON; ``table``, ``junit`` and ``page`` write it for people and machines.

Nothing is written to the cluster, and nothing of actgate needs to be in it.
"""
