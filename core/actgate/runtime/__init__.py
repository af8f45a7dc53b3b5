"""What services are run with: settings, main, health, metrics, logs, traces, TLS."""
