"""The recorder measured: what kill -9 takes from its log, and what it carries."""
