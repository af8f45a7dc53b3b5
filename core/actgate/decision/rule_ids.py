"""Ids of the rules that fail when a subject cannot be read, for those who read subjects."""

from typing import Final

LINK_MANIFEST: Final = "link/manifest"
LINK_MODEL: Final = "link/model"
RESIDENCY_SERVING: Final = "residency/serving"
