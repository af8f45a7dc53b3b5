"""The ``actgate`` command: arguments in, one handler, an exit code out."""

import sys
from collections.abc import Sequence

from actgate.cli import arguments
from actgate.cli.escaping import printable
from actgate.cli.exits import Exit, UnusableError


def main(given: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; ``given`` stands in for the command line.

    Errors are one sentence each on standard error. The exit code is the verdict's, also when the reader of
    the output goes away before its end.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # What the terminal's encoding lacks is written as an escape: a name is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    try:
        options = arguments.parser().parse_args(given)
        code: Exit = options.run(options)
    except UnusableError as error:
        sys.stderr.writelines(f"actgate: {printable(sentence)}\n" for sentence in error.sentences)
        return Exit.UNUSABLE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return code
