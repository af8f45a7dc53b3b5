"""YAML, JSON and Python blocks of the pages can be read, and resources keep to their schema."""

from __future__ import annotations

import json
from typing import Any, Final

import yaml

from actgate.api.compliance_manifest import ComplianceManifest
from actgate.api.compliance_policy import CompliancePolicy
from actgate.api.exemption import Exemption
from actgate.api.model_deployment import ModelDeployment
from tests.docs import pages

RESOURCES: Final = {
    kind.__name__: kind for kind in (ComplianceManifest, CompliancePolicy, Exemption, ModelDeployment)
}


def documents() -> list[tuple[str, Any]]:
    """Return the content of every YAML block, beside its place."""
    blocks = [block for page in pages.pages() for block in pages.blocks(page, "yaml")]
    return [(str(block), content) for block in blocks for content in yaml.safe_load_all(block.text)]


def test_every_yaml_block_is_one_or_more_mappings() -> None:
    """None is empty, and none is text by mistake."""
    found = documents()
    assert len(found) > 10
    assert [place for place, content in found if not isinstance(content, dict | list)] == []


def test_every_resource_of_actgate_keeps_to_its_schema() -> None:
    """A field that is renamed breaks the page here, and not the reader's `kubectl apply`."""
    kinds = []
    for _place, content in documents():
        if isinstance(content, dict) and str(content.get("apiVersion")).startswith("actgate.dev/"):
            RESOURCES[content["kind"]].model_validate(content)
            kinds.append(content["kind"])
    assert "CompliancePolicy" in kinds


def test_every_json_block_can_be_read() -> None:
    """A line of the decision log as well as the files of a pipeline."""
    for page in pages.pages():
        for block in pages.blocks(page, "json"):
            assert json.loads(block.text), str(block)


def test_every_python_block_is_python() -> None:
    """Whether it runs is a matter of what stands around it."""
    for page in pages.pages():
        for block in pages.blocks(page, "python"):
            compile(block.text, str(block), "exec")
