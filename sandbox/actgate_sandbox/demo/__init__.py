"""``make demo``: the webhook as a real process before an API server, and the examples through kubectl."""
