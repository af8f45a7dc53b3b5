"""``make demo``: webhook and operator as real processes before an API server, and the examples."""
