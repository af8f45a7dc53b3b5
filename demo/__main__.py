"""`python -m demo` applies every example and shows the answers, `credit` one of them; `up` only serves."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from actgate_sandbox import control_plane
from actgate_sandbox.errors import SandboxError
from demo.gate import guarded, installed
from demo.run import run, run_credit


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit code: 0, 1 when an answer was not the expected one, 2 when something cannot be started.
    """
    options = _parser().parse_args(arguments)
    try:
        if options.command == "up":
            return _up(options)
        root = options.root.resolve()
        if options.command == "credit":
            evidence = options.evidence or root / "examples" / "credit" / "evidence"
            return run_credit(options.engine, root, evidence, _console())
        return run(options.engine, root, _console())
    except SandboxError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="run (default): start an API server, webhook and operator on this machine, apply every\n"
        "    example, and show what is answered, and what happens to running models.\n"
        "credit: the same for examples/credit alone, with the evidence that --evidence names.\n"
        "up: serve an API server with actgate's CRDs and webhook until Ctrl-C. Everything in it is gone\n"
        "    afterwards.",
    )
    parser.add_argument("command", nargs="?", choices=("run", "credit", "up"), default="run")
    parser.add_argument(
        "--root",
        type=Path,
        metavar="DIR",
        default=Path(),
        help="the checkout that holds examples/, crds/ and deploy/ (default: this folder)",
    )
    parser.add_argument(
        "--engine",
        choices=("auto", *control_plane.ENGINES),
        default="auto",
        help="envtest runs etcd and kube-apiserver from KUBEBUILDER_ASSETS (default folder: "
        "/usr/local/kubebuilder/bin); stand-in is a small API server in this process; "
        "auto takes envtest where its binaries are (default: %(default)s)",
    )
    parser.add_argument(
        "--evidence",
        type=Path,
        metavar="DIR",
        help="credit: the policy, manifests and models (default: examples/credit/evidence of the checkout)",
    )
    parser.add_argument(
        "--kubeconfig",
        type=Path,
        metavar="PATH",
        help="up: where to write the kubeconfig (default: a temporary folder)",
    )
    parser.add_argument(
        "--operator",
        action="store_true",
        help="up: run the operator too, in a cluster whose Deployments roll out",
    )
    return parser


def _console() -> Console:
    """Return a console that is wide enough for a table where no terminal says how wide it is."""
    return Console() if sys.stdout.isatty() else Console(width=160)


def _up(options: argparse.Namespace) -> int:
    # SIGTERM unwinds as Ctrl-C does, so that the engine is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run_all = installed if options.operator else guarded
        with (
            control_plane.start(options.engine, workloads=options.operator) as plane,
            run_all(plane, options.root.resolve()),
        ):
            path = plane.kubeconfig
            if options.kubeconfig is not None:
                path = _copied(path, options.kubeconfig)
            print(
                f"{plane.engine} is serving {plane.url}; try: "
                f"kubectl --kubeconfig {path} api-resources (Ctrl-C ends it)",
                flush=True,
            )
            signal.pause()
    except KeyboardInterrupt:
        pass
    return 0


def _copied(kubeconfig: Path, target: Path) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(kubeconfig, target)).absolute()
    except OSError as error:
        raise SandboxError(f"--kubeconfig {target} cannot be written: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
