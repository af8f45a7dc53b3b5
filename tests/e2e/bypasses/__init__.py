"""Ways round the gate, each tried with the rights of ``edit`` in one namespace of a real API server.

``place`` is the namespace with the gate before it, ``objects`` what is sent there; the other modules are
tables of ways by what they use. ``page`` writes the part of docs/bypasses.md that lists them.
"""
