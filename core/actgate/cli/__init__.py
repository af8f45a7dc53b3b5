"""The command line: the gate's verdict before anything reaches a cluster.

``actgate check`` reads files and asks the same ``decide`` as the webhook and the operator; nothing here
knows a cluster. Documents become an inventory, the inventory becomes verdicts, and a report writes them:
``sources`` -> ``inventory`` -> ``check`` -> ``report``.

Exit codes are a contract, in ``exits``. Modules are imported when their command runs, so that the rest
costs nothing.
"""
