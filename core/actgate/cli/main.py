"""The ``actgate`` command: arguments in, one handler, an exit code out."""

from collections.abc import Sequence

from actgate.cli import arguments, streams
from actgate.cli.exits import Exit, UnusableError


def main(given: Sequence[str] | None = None, program: str = arguments.PROGRAM) -> int:
    """Run one command and return its exit code; ``given`` stands in for the command line.

    ``program`` is what the user calls, as help and errors name it.

    Errors are one sentence each on standard error. The exit code is the verdict's, also when the reader of
    the output goes away before its end; output that cannot be written is an error (``streams``).
    """
    try:
        streams.prepare()
        code = _run(given, program)
    except UnusableError as error:
        streams.complain(error)
        return Exit.UNUSABLE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    finally:
        streams.flush_errors()
    return code


def kubectl(given: Sequence[str] | None = None) -> int:
    """Run one command as ``kubectl actgate``: kubectl finds the script ``kubectl-actgate`` by its name."""
    return main(given, arguments.KUBECTL_PLUGIN)


def _run(given: Sequence[str] | None, program: str) -> int:
    try:
        options = arguments.parser(program).parse_args(given)
    except SystemExit as ended:
        # Help, the version, or wrong usage: argparse has written its text and wants to leave.
        return int(ended.code or Exit.PASSED)
    code: Exit = options.run(options)
    return code
