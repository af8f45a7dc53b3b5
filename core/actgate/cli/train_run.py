"""``actgate train-run``: a training command, run and recorded."""

import subprocess
from argparse import Namespace

from actgate.api.quoting import quoted
from actgate.cli import streams
from actgate.cli.exits import UnusableError
from actgate.manifests.errors import EvidenceError
from actgate.pipeline.training import FILE, TrainingRun


def recorded(options: Namespace) -> None:
    """Run the command, and write its evidence.

    Raises:
        UnusableError: The command failed, or there is no evidence to write; nothing was written.
    """
    try:
        run = TrainingRun(
            options.run_dir,
            datasets=options.dataset,
            base_models=options.base_model,
            regions=options.region,
            lock=options.lock,
            run_id=options.run_id,
            builder=options.builder,
            cloud_metadata=options.cloud_metadata,
            podinfo=options.podinfo,
            command=options.command,
        )
        if options.model is not None:
            run.model(options.model, options.ignore)
        _run(options.command)
        run.finish()
    except EvidenceError as error:
        raise UnusableError(*str(error).splitlines()) from None
    except OSError as error:
        name = error.filename or options.run_dir
        raise UnusableError(f"{name} cannot be written: {streams.reason(error)}") from None
    streams.note(run.remarks)
    streams.add(f"{run.run_dir / FILE} written\n")


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, check=False)  # noqa: S603 - the user's own command
    except (OSError, ValueError) as error:
        reason = streams.reason(error) if isinstance(error, OSError) else str(error)
        raise UnusableError(f"the command {quoted(command[0])} cannot be run: {reason}") from None
    if done.returncode:
        how = f"exit code {done.returncode}" if done.returncode > 0 else f"signal {-done.returncode}"
        raise UnusableError(
            f"the command {quoted(command[0])} ended with {how}: no training evidence was written"
        )
