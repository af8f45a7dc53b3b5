"""Field paths as Kubernetes writes them: ``spec.bias[0].value``."""

import re
from typing import Final

from actgate.api.quoting import quoted

Location = tuple[str | int, ...]
"""Keys and list positions from the root of an object to a field."""

_STEP: Final = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def dotted(location: Location) -> str:
    """Return a location as a path; a key that is no plain name stands escaped in brackets."""
    text = ""
    for step in location:
        if isinstance(step, str) and _PLAIN.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{step}]" if isinstance(step, int) else f"[{quoted(step)}]"
    return text


def parent(path: str) -> str | None:
    """Return the path of the field around a field; None at the root."""
    cut = max(path.rfind("."), path.rfind("["))
    return path[:cut] if cut > 0 else None


def steps(path: str) -> list[str]:
    """Return the keys and positions of a path, each as text: ``spec.bias[0]`` is spec, bias, 0."""
    return [bracketed or plain for bracketed, plain in _STEP.findall(path)]
