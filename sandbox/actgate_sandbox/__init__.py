"""A throw-away control plane for the demo and the tests; no service imports it."""
