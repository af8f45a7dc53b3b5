"""kopf as the frame: what it is run with, and what it does whatever the API server does."""
