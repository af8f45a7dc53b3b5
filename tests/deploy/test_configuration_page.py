"""docs/configuration.md, held against the settings."""

from __future__ import annotations

import pytest
from pydantic_settings import BaseSettings

from actgate_operator.settings import Settings as OperatorSettings
from actgate_recorder.settings import Settings as RecorderSettings
from actgate_webhook.settings import Settings as WebhookSettings
from tests.deploy.rendering import ROOT
from tools import settings_reference

PAGE = ROOT / "docs" / "configuration.md"


def test_the_page_is_not_stale() -> None:
    """docs/configuration.md is what make docs writes."""
    assert PAGE.read_text("utf-8") == settings_reference.reference()


@pytest.mark.parametrize(
    "settings", [OperatorSettings, RecorderSettings, WebhookSettings], ids=["operator", "recorder", "webhook"]
)
def test_every_setting_says_what_it_is(settings: type[BaseSettings]) -> None:
    """One row for each, with words."""
    for name, field in settings.model_fields.items():
        assert field.description
        assert f"| `--{name.replace('_', '-')}` |" in PAGE.read_text("utf-8")
