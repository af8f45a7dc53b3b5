"""What ``actgate scan`` does: read files, ask the cluster, judge, and write the report."""

import asyncio
import sys
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from actgate.cli import inventory, sources, streams
from actgate.cli.exits import Exit, UnusableError
from actgate.cli.scanning import junit, report, table
from actgate.cli.scanning.gathering import Gathered, Given, gather
from actgate.cli.scanning.listing import Scope
from actgate.cli.scanning.progress import Progress
from actgate.cli.scanning.result import Result, result
from actgate.cli.scanning.words import remarks
from actgate.documents.writing import write_whole
from actgate.extras import needs
from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError

AGENT: Final = "actgate-scan"
"""What the API server's audit log calls a scan."""


def scanned(options: Namespace) -> Exit:
    """Scan a cluster, and write what was found.

    Raises:
        UnusableError: The files or the cluster cannot be used, or the report cannot be written.
    """
    given = _given(options)
    if options.output == "html":
        with needs("actgate scan -o html", "pipeline"):
            import jinja2  # noqa: F401 - before a scan that takes minutes, not after it
    found = result(_gathered(options, given), options.now or datetime.now(UTC), options.context)
    _write(rendered(found, options.output), options.output_file)
    streams.note([f"incomplete: {sentence}" for sentence in remarks(found)], "error")
    if found.exit is Exit.NOTHING:
        streams.note(
            ["nothing to judge: nothing in the cluster serves a model, as far as objects show"], "error"
        )
    return found.exit


def rendered(found: Result, output_format: str) -> str:
    """Return the report in a format."""
    if output_format == "html":
        from actgate.cli.scanning import page

        return page.render(found)
    writers = {"table": table.render, "json": report.render, "junit": junit.render}
    return writers[output_format](found)


def _given(options: Namespace) -> Given:
    """Read policies and evidence from files.

    Raises:
        UnusableError: They cannot be used, or hold anything else.
    """
    documents, policies = sources.read(options.filename), sources.read(options.policy)
    taken = inventory.take(documents, policies, options.namespace or "default")
    wrong = [f"{document.place()}: -f takes evidence; what runs is read from the cluster"
             for document in (*(document for _, document, _ in taken.subjects), *taken.others)]  # fmt: skip
    if wrong:
        raise UnusableError(*wrong)
    return Given(
        tuple(taken.policies) if taken.policies else None,
        {key: found.document.value for key, found in taken.evidence.items()},
        tuple(taken.exemptions),
    )


def _gathered(options: Namespace, given: Given) -> Gathered:
    kinds = sources.table(options.kinds)

    async def whole() -> Gathered:
        with Progress() as progress:
            connect = Cluster.from_environment(options.kubeconfig, agent=AGENT, context=options.context)
            async with connect as cluster:
                return await gather(cluster, kinds, Scope(options.namespace), given, progress.report)

    try:
        return asyncio.run(whole())
    except ClusterError as error:
        raise UnusableError(f"the cluster cannot be scanned: {error}") from None


def _write(text: str, place: str | None) -> None:
    if place is None:
        streams.write(lambda: sys.stdout.write(text))
        return
    try:
        write_whole(Path(place), text)
    except OSError as error:
        raise UnusableError(f"{place} cannot be written: {streams.reason(error)}") from None
