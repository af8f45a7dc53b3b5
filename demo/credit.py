"""The credit example in a cluster: under one policy a model is refused, and another becomes Ready."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from demo.applying import Applied, Applier, Named
from demo.service import Service

_READY: Final = Named("ModelDeployment", "credit", "income")
_REFUSED_BY: Final = {"bias/limit", "bias/interval"}
_RULE: Final = re.compile(r"\[([a-z]+/[a-z]+)\]")


def steps(folder: Path, apply: Applier, webhook: Service) -> Iterator[tuple[str, Applied, bool]]:
    """Apply the evidence and the models of ``examples/credit``.

    Args:
        folder: Namespace, policy, manifests and models. The dates are signed, and stay as they are.
        apply: A user's hands.
        webhook: It has to know the policy before a model is applied under it.

    Yields:
        What was done, the answer, and whether it is what it must be.
    """
    known = webhook.knows("compliancepolicies")
    ground = apply(_text(folder, "namespace", "policy"))
    yield "credit: its policy, at most 0.05 with confidence, and three signatures", ground, ground.accepted
    webhook.wait_until_it_knows("compliancepolicies", known + 1)
    german = apply(_text(folder, "german-manifest", "german-model"), "credit")
    refused = not german.accepted and set(_RULE.findall(german.output)) == _REFUSED_BY
    yield "credit: German credit, 400 persons", german, refused and "inconclusive" in german.output
    income = apply(_text(folder, "income-manifest", "income-model"), "credit")
    yield "credit: the income scorer, 16,281 persons", income, income.accepted
    ready = apply.wait(_READY, "Ready")
    yield "credit: the income scorer is waited for, until it is Ready", ready, ready.accepted


def _text(folder: Path, *names: str) -> str:
    return "\n---\n".join((folder / f"{name}.yaml").read_text(encoding="utf-8") for name in names)
