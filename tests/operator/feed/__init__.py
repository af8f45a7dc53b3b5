"""Tests of the feed: kopf on fake and real API servers."""
