"""Where files outside the code state actgate's version: each follows ``core/actgate/version.py``.

``make generate`` writes the version there, ``make lint`` fails where another one stands. Nothing else in a
file is touched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from actgate.version import VERSION

FOLLOWERS: Final[Mapping[str, str]] = {
    "deploy/base/kustomization.yaml": r"name: actgate-(?:operator|webhook), newTag: ",
    "deploy/chart/Chart.yaml": r"^(?:appV|v)ersion: ",
    "deploy/gitops/argocd/application.yaml": r"^    targetRevision: v",
    "deploy/gitops/argocd/chart.yaml": r"^    targetRevision: v",
    "deploy/gitops/flux/actgate.yaml": r"ref: {tag: v",
    "deploy/gitops/flux/chart.yaml": r"ref: {tag: v",
    "docs/ci.md": r"^  rev: v",
    "docs/install.md": r"REGISTRY/actgate-(?:operator|recorder|webhook):",
}
"""What stands before the version in a file, as a regular expression, by the file's path in the checkout."""

_STATED: Final = r"\d[^\s}\"']*"


def followed(root: Path, prefixes: tuple[str, ...] = ("",), version: str = VERSION) -> dict[str, str]:
    """Return the text that each file should have, by its path in the checkout.

    Raises:
        ValueError: A file states no version where the pattern looks for it: the pattern would guard nothing.
    """
    texts = {}
    for path, before in FOLLOWERS.items():
        if path.startswith(prefixes):
            text = (root / path).read_text("utf-8")
            stated = re.compile(f"({before}){_STATED}", re.MULTILINE)
            texts[path], places = stated.subn(rf"\g<1>{version}", text)
            if not places:
                raise ValueError(f"{path}: states no version after {before}; correct tools/versions.py")
    return texts
