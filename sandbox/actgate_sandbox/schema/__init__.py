"""Structural schemas of custom resources, as the API server reads them.

`check_crd` says what is wrong with a CustomResourceDefinition; `compile_schema` makes the schema of a
whole object ready to default, prune and validate. The sentences are those of kube-apiserver.
"""

from __future__ import annotations

from actgate_sandbox.schema.compiled import Judgement, Schema, compile_schema
from actgate_sandbox.schema.crd import check_crd
from actgate_sandbox.schema.errors import FieldError, SchemaError

__all__ = ["FieldError", "Judgement", "Schema", "SchemaError", "check_crd", "compile_schema"]
