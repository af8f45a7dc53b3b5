"""Structural schemas of custom resources: defaults, pruning, bounds and CEL rules."""

from __future__ import annotations

from actgate_sandbox.schema.compiled import Schema
from actgate_sandbox.schema.errors import SchemaError

__all__ = ["Schema", "SchemaError"]
