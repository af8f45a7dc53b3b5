"""What ``actgate register`` and ``actgate registry`` do: read, ask a registry, write, and say how it went."""

import sys
from argparse import Namespace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from actgate.cli import streams
from actgate.cli.exits import Exit

if TYPE_CHECKING:
    from actgate.cli.register import Target


def register(options: Namespace) -> Exit:
    """Register evidence, and say where it is."""
    from actgate.cli import evidence
    from actgate.cli import register as registering

    left_out: list[str] = []
    manifest = evidence.manifest_file(options.manifest, options.run_dir)
    what = registering.entry(manifest, options.run_dir, left_out)
    target = registering.Target(
        options.to,
        options.namespace or what.manifest["metadata"].get("namespace"),
        options.mlflow_run,
        options.mlflow_version,
        options.kubeconfig,
        options.context,
    )
    found = registering.registered(target, what, options.alias, datetime.now(UTC))
    streams.write(lambda: sys.stdout.write(registering.words(found, what, options.alias)))
    streams.note(
        [
            *found.remarks,
            *(f"{options.run_dir}: not registered, since it is not evidence: {name}" for name in left_out),
        ]
    )
    return Exit.PASSED


def registry_list(options: Namespace) -> Exit:
    """List what is registered."""
    return _registry(options, None, None)


def registry_show(options: Namespace) -> Exit:
    """Show versions of a model."""
    name, _, version = options.model.partition(":")
    return _registry(options, name, version or None)


def _registry(options: Namespace, name: str | None, version: str | None) -> Exit:
    from actgate.cli import register as registering

    target = _target(options)
    found = registering.records(target, name, version)
    text = registering.render(found, options.output, whole=name is not None)
    streams.write(lambda: sys.stdout.write(text))
    if not found:
        streams.note(["nothing of it is registered"], "error")
    return Exit.PASSED if found else Exit.NOTHING


def _target(options: Namespace) -> "Target":
    from actgate.cli.register import Target

    return Target(options.to, options.namespace, kubeconfig=options.kubeconfig, context=options.context)


def registry_verify(options: Namespace) -> Exit:
    """Hold a registry against what was registered."""
    from actgate.cli import register as registering

    target = _target(options)
    text, code = registering.verified(target, options.head, options.output)
    streams.write(lambda: sys.stdout.write(text))
    if code is Exit.NOTHING:
        streams.note(["nothing is registered"], "error")
    return code
