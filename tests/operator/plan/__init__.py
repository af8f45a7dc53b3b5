"""Tests of the plan: from a ModelDeployment to its children."""
