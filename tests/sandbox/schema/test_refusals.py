from __future__ import annotations

from typing import Any

import pytest

from actgate_sandbox.schema import Schema, SchemaError


@pytest.mark.parametrize(
    ("node", "what"),
    [
        ({"$ref": "#/definitions/x"}, r"\$ref"),
        ({"type": "object", "additionalProperties": True}, "additionalProperties: true"),
        ({"type": "string", "x-kubernetes-validations": [{"rule": "self.isSorted()"}]}, "isSorted"),
        ({"type": "string", "x-kubernetes-validations": [{"rule": "self.?a"}]}, "unsupported syntax"),
        ({"type": "string", "x-kubernetes-validations": [{"rule": "true", "reason": "x"}]}, "reason"),
        ({"oneOf": [{"required": ["a"]}]}, "oneOf"),
    ],
)
def test_what_the_sandbox_cannot_do_is_refused_with_its_place(node: dict[str, Any], what: str) -> None:
    """A schema that would be judged otherwise by the real API server is not accepted at all."""
    with pytest.raises(SchemaError, match=rf"spec\.x.*{what}"):
        Schema({"properties": {"spec": {"properties": {"x": node}}}})
