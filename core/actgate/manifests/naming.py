"""Names: the version at the end of a pipeline's model name, and an object name for any model name."""

import hashlib
import re
import unicodedata
from typing import Final

LONGEST: Final = 63
"""Longest object name that is made here: short enough for a label's value too."""
_VERSION: Final = re.compile(r"(.+)[-_][vV](\d+(?:\.\d+)*)", re.DOTALL)
_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_DIGEST: Final = 8


def split_version(model_name: str) -> tuple[str, str | None]:
    """Return name and version: ``CreditRiskScorer-v2`` is version ``2`` of ``CreditRiskScorer``."""
    found = _VERSION.fullmatch(model_name)
    return (found[1], found[2]) if found else (model_name, None)


def object_name(model_name: str) -> str:
    """Return an RFC 1123 name for any text: ``CreditRiskScorer-v2`` is ``credit-risk-scorer-v2``.

    Where letters are lost or the name is cut, part of the text's SHA-256 keeps different texts apart.
    """
    kept = unicodedata.normalize("NFKD", model_name).encode("ascii", "ignore").decode("ascii")
    words = _WORDS.sub("-", kept).lower()
    plain = re.sub(r"[^a-z0-9.]+", "-", words)
    name = re.sub(r"[-.]*\.[-.]*", ".", plain).strip("-.")
    exact = re.fullmatch(r"[A-Za-z0-9._ -]+", model_name) is not None
    if name and exact and len(name) <= LONGEST:
        return name
    mark = hashlib.sha256(model_name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"{name[: LONGEST - _DIGEST - 1].rstrip('-.') or 'model'}-{mark}"
