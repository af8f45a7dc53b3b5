"""The webhook's registration, watched: whether the API server still asks about everything that it should.

No webhook and no policy is called about a registration, so RBAC alone protects it. What is left is
to notice a change: ``weaknesses`` compares, ``watch`` reports.
"""
