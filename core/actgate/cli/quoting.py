"""YAML that every reader reads alike.

PyYAML leaves strings unquoted that it takes for strings itself, and that kubectl takes for numbers or
booleans: ``1e3``, ``0o17``, ``y``. Here they get their quotes.
"""

import re
from typing import Final

import yaml

_KUBECTL: Final = (
    ("bool", r"[yYnN]", "yYnN"),
    ("int", r"[-+]?0[oObBxX]?[0-9a-fA-F_]+", "-+0"),
    ("float", r"[-+]?(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9_]+)?", "-+.0123456789"),
)
"""What kubectl takes for a boolean or a number, beyond PyYAML's own understanding."""


class _Dumper(yaml.SafeDumper):
    pass


for _type, _pattern, _first in _KUBECTL:
    _Dumper.add_implicit_resolver(
        f"tag:yaml.org,2002:{_type}", re.compile(rf"(?:{_pattern})\Z"), list(_first)
    )


def dump(value: object) -> str:
    """Return a JSON value as one YAML document, the fields of objects in their order."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text
