"""Exit codes, which are a contract with the callers of the command line, and the error behind code 2."""

from enum import IntEnum


class Exit(IntEnum):
    """What the exit code of ``actgate`` says."""

    PASSED = 0
    """Everything was judged and nothing is refused; warnings may remain."""
    DENIED = 1
    """At least one finding denies."""
    UNUSABLE = 2
    """The input or the command cannot be used, so nothing was judged."""
    NOTHING = 3
    """The input holds nothing to judge: no evidence of anything, and so not a pass."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C, as shells report it."""


class UnusableError(Exception):
    """Input or usage that no verdict can rest on: one sentence per defect, each with its place."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(*sentences)
        self.sentences = sentences
