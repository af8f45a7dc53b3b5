"""What each command does: read, ask, write, and say with which exit code.

Each handler imports what it needs: ``actgate --version`` shall not wait for the rules to load.
"""

import os
import sys
from argparse import Namespace
from collections.abc import Callable
from datetime import UTC, datetime

from actgate.cli.exits import Exit

_NOTHING = (
    "actgate: nothing to judge: the input holds no ModelDeployment, no workload that is marked as inference, "
    "and no compliance manifest\n"
)


def check(options: Namespace) -> Exit:
    """Judge the files, and write the report."""
    from actgate.cli import inventory, report, sources
    from actgate.cli.check import judge

    documents, policies = sources.read(options.filename), sources.read(options.policy)
    verdicts = judge(inventory.take(documents, policies, options.namespace), options.now or datetime.now(UTC))
    _write(lambda: report.write(verdicts, options.output))
    if verdicts.exit is Exit.NOTHING:
        sys.stderr.write(_NOTHING)
    return verdicts.exit


def explain(options: Namespace) -> Exit:
    """Explain one rule, or list them all."""
    from actgate.cli.explain import explanation

    text = explanation(options.rule)
    _write(lambda: sys.stdout.write(text))
    return Exit.PASSED


def convert(options: Namespace) -> Exit:
    """Write a pipeline's file as a ComplianceManifest, and on standard error what it cannot prove."""
    from actgate.cli import manifest

    converted, weaknesses = manifest.converted(options.file, options.namespace, options.name)
    _write(lambda: sys.stdout.write(manifest.render(converted, options.output)))
    sys.stderr.writelines(f"actgate: weakness: {weakness}\n" for weakness in weaknesses)
    return Exit.PASSED


def digest(options: Namespace) -> Exit:
    """Write the canonical digest of a manifest."""
    from actgate.cli import manifest

    line = manifest.digest(options.file)
    _write(lambda: sys.stdout.write(f"{line}\n"))
    return Exit.PASSED


def verify_log(options: Namespace) -> Exit:
    """Prove that decision logs are what was written, or say where they are not."""
    from actgate.cli import log

    proof = log.verified(options.files, options.head, strict=options.strict)
    _write(lambda: sys.stdout.writelines(f"{line}\n" for line in log.told(proof)))
    return log.exit_code(proof)


def _write(write: Callable[[], object]) -> None:
    """Write to standard output; a reader that has gone away is no error of ours."""
    try:
        write()
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more when it exits, and what is left in the buffer would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
