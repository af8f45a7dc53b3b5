"""The extras of the distribution: what to say where one is missing.

``pip install actgate`` brings the logger, manifests and the ``actgate`` command; what else it takes to run a
service or to write to a terminal is an extra of ``pyproject.toml``.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs(program: str, extra: str) -> Iterator[None]:
    """Import what an extra brings; without it, say so in one sentence and exit with code 2."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "actgate").startswith("actgate"):
            raise  # A part of ours that is missing is a defect.
        print(f"{program}: error: needs pip install 'actgate[{extra}]' ({error})", file=sys.stderr)
        sys.exit(2)
