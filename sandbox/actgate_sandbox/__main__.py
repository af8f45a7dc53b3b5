"""`python -m actgate_sandbox up`: a throw-away control plane until Ctrl-C; `demo`: the whole of actgate."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from actgate_sandbox import control_plane
from actgate_sandbox.demo.run import run
from actgate_sandbox.errors import SandboxError
from actgate_sandbox.gate import guarded
from actgate_sandbox.rest import install_crds
from actgate_sandbox.service import operator


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 0 after a stop, 2 when it cannot serve."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "demo":
            return run(options.engine, options.root.resolve(), _console())
        return _up(options)
    except SandboxError as error:
        print(f"actgate_sandbox: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m actgate_sandbox",
        description="A throw-away Kubernetes control plane on this machine's loopback address.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser(
        "up",
        help="serve a control plane until Ctrl-C",
        description="Serve a control plane until Ctrl-C. Everything in it is gone afterwards.",
    )
    demo = commands.add_parser(
        "demo",
        help="apply the examples, and show what webhook and operator make of them",
        description="Start a control plane, webhook and operator, apply every example, and show what is "
        "answered, and what happens to models at work.",
    )
    for command in (up, demo):
        command.add_argument(
            "--root",
            type=Path,
            metavar="DIR",
            default=Path(),
            help="the checkout that holds examples/, crds/ and deploy/ (default: this folder)",
        )
        command.add_argument(
            "--engine",
            choices=("auto", *control_plane.ENGINES),
            default="auto",
            help="envtest runs etcd and kube-apiserver from KUBEBUILDER_ASSETS (default folder: "
            "/usr/local/kubebuilder/bin); stand-in is a small API server in this process; "
            "auto takes envtest where its binaries are (default: %(default)s)",
        )
    up.add_argument(
        "--kubeconfig",
        type=Path,
        metavar="PATH",
        help="where to write the kubeconfig (default: a temporary folder)",
    )
    up.add_argument(
        "--crds",
        type=Path,
        metavar="DIR",
        help="install every CustomResourceDefinition of the YAML files in this folder first",
    )
    up.add_argument(
        "--gate",
        action="store_true",
        help="install actgate's own CRDs, run its webhook and register it",
    )
    up.add_argument(
        "--operator",
        action="store_true",
        help="run actgate's operator too (--gate is implied), in a cluster whose Deployments roll out",
    )
    return parser


def _console() -> Console:
    """Return a console that is wide enough for a table where no terminal says how wide it is."""
    return Console() if sys.stdout.isatty() else Console(width=160)


def _up(options: argparse.Namespace) -> int:
    definitions = [] if options.crds is None else list(_definitions(options.crds))
    # A polite `kill` unwinds like Ctrl-C does, so that the engine is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with (
            control_plane.start(options.engine, workloads=options.operator) as plane,
            ExitStack() as stack,
        ):
            install_crds(plane.rest(), definitions)
            if options.gate or options.operator:
                stack.enter_context(guarded(plane, options.root.resolve()))
            if options.operator:
                stack.enter_context(operator(plane.kubeconfig))
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


def _definitions(folder: Path) -> Iterator[dict[str, Any]]:
    files = sorted(path for path in folder.glob("*") if path.suffix in {".yaml", ".yml"})
    if not files:
        raise SandboxError(f"--crds {folder}: there is no YAML file in this folder")
    for path in files:
        try:
            documents = list(yaml.safe_load_all(path.read_text()))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise SandboxError(f"--crds: {path} cannot be read: {error}") from error
        for document in documents:
            if isinstance(document, dict) and document.get("kind") == "CustomResourceDefinition":
                yield document


if __name__ == "__main__":
    sys.exit(main())
