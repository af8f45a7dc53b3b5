"""What both services are run with: pages that tell their health, and logs as JSON lines."""
