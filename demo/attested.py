"""Evidence that three parties signed, and the same evidence after an edit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from demo.applying import Applied, Applier
from demo.service import Service

_EDITED: Final = "credit-risk-scorer-v2-edited"


def steps(folder: Path, apply: Applier, webhook: Service) -> Iterator[tuple[str, Applied, bool]]:
    """Apply the example, then a copy of it that was edited after signing.

    Args:
        folder: Where the example is. Its dates are signed, and stay as they are.
        apply: A user's hands.
        webhook: It has to know the policy before a model is applied under it.

    Yields:
        What was applied, the answer, and whether the model must be let in.
    """
    space, policy, evidence, model = (
        (folder / f"{name}.yaml").read_text(encoding="utf-8")
        for name in ("namespace", "policy", "manifest", "model")
    )
    known = webhook.knows("compliancepolicies")
    apply(f"{space}\n---\n{policy}")
    webhook.wait_until_it_knows("compliancepolicies", known + 1)
    yield "what three parties signed", apply(f"{evidence}\n---\n{model}"), True
    yield "the same, its region edited", apply(_edited(evidence, model)), False


def _edited(evidence: str, model: str) -> str:
    """Return the example under other names, with a training region that no one signed."""
    manifest: dict[str, Any] = yaml.safe_load(evidence)
    deployment: dict[str, Any] = yaml.safe_load(model)
    manifest["metadata"]["name"] = _EDITED
    manifest["spec"]["training"]["regions"][0]["region"] = "eu-central-1"
    deployment["metadata"]["name"] = "credit-risk-edited"
    deployment["spec"]["complianceManifestRef"] = {"name": _EDITED}
    return yaml.safe_dump_all([manifest, deployment])
