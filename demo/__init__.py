"""``make demo``: webhook and operator beside a throw-away API server, and the examples applied to it."""
