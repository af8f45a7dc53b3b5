"""What both services are run with: pages that tell their health, logs as JSON lines, and traces."""
