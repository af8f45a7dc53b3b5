"""What each command does: read, ask, write, and say with which exit code.

Each handler imports what it needs: ``actgate --version`` shall not wait for the rules to load.
"""

import sys
from argparse import Namespace
from datetime import UTC, datetime

from actgate.cli import streams
from actgate.cli.exits import Exit, UnusableError

_NOTHING = (
    "nothing to judge: the input has no ModelDeployment, no object of a serving system, no workload that is "
    "marked as inference or looks like it, and no compliance manifest"
)
_NO_POLICY = "nothing to explain: the files given with --policy hold no CompliancePolicy"


def check(options: Namespace) -> Exit:
    """Judge the files, and write the report."""
    from actgate.cli import inventory, report, sources
    from actgate.cli.check import judge

    documents, policies = sources.read(options.filename), sources.read(options.policy)
    table = sources.table(options.kinds)
    found = inventory.take(documents, policies, options.namespace, table)
    verdicts = judge(found, options.now or datetime.now(UTC))
    streams.write(lambda: report.write(verdicts, options.output))
    streams.note(report.remarks(verdicts, options.output))
    if verdicts.exit is Exit.NOTHING:
        streams.note([_NOTHING], "error")
    return verdicts.exit


def inspect(options: Namespace) -> Exit:
    """Write what is read of each object."""
    from actgate.cli import inspect as inspecting
    from actgate.cli import sources

    table = sources.table(options.kinds)
    found = inspecting.inspect(sources.read(options.filename), options.namespace, table)
    streams.write(lambda: sys.stdout.write(inspecting.render(found, options.output)))
    if found.exit is Exit.NOTHING:
        streams.note(["nothing of the input is judged"], "error")
    return found.exit


def scan(options: Namespace) -> Exit:
    """Judge what a cluster runs, and write the report."""
    from actgate.extras import needs

    with needs("actgate scan", "kube"):
        from actgate.cli.scanning import command
    return command.scanned(options)


def explain(options: Namespace) -> Exit:
    """Explain one rule, or list them all; or say who would have to sign what under policies."""
    from actgate.cli.explain import explanation

    if not options.policy:
        text = explanation(options.rule)
    else:
        from actgate.cli import explain_policy, inventory, sources

        policies = inventory.take((), sources.read(options.policy), "default").policies
        if not policies:
            streams.note(
                ["nothing to explain: the files given with --policy hold no CompliancePolicy"], "error"
            )
            return Exit.NOTHING
        text = explanation(options.rule) + "\n" if options.rule else ""
        text += explain_policy.explanation(policies)
    streams.write(lambda: sys.stdout.write(text))
    return Exit.PASSED


def convert(options: Namespace) -> Exit:
    """Write a pipeline's file as a ComplianceManifest, and on standard error what it cannot prove."""
    from actgate.cli import manifest

    converted, weaknesses = manifest.converted(options.file, options.namespace, options.name)
    streams.write(lambda: sys.stdout.write(manifest.render(converted, options.output)))
    streams.note(weaknesses)
    return Exit.PASSED


def build(options: Namespace) -> Exit:
    """Make one manifest of what the steps of a run wrote, and write it."""
    from actgate.cli import manifest, manifest_build

    places = manifest_build.write(manifest_build.built(options), options)
    line = manifest.digest(str(places[0]))
    streams.write(lambda: sys.stdout.write(f"{line}  {places[0]}\n"))
    return Exit.PASSED


def digest(options: Namespace) -> Exit:
    """Write the canonical digest of a manifest."""
    from actgate.cli import manifest

    line = manifest.digest(options.file)
    streams.write(lambda: sys.stdout.write(f"{line}\n"))
    return Exit.PASSED


def model_digest(options: Namespace) -> Exit:
    """Write the digest of a model, or what it is made of."""
    from actgate.cli import model

    found = model.digest(options.path, options.domain, options.ignore)
    text = model.render(found, options.output, listed=options.list)
    streams.write(lambda: sys.stdout.write(text))
    return Exit.PASSED


def plan(options: Namespace) -> Exit:
    """Fix what will be measured, and write the plan."""
    from actgate.cli import plan as planning

    planning.write(planning.planned(options), options)
    return Exit.PASSED


def train_run(options: Namespace) -> Exit:
    """Run a training command, and record its evidence."""
    from actgate.cli import train_run as training

    training.recorded(options)
    return Exit.PASSED


def audit(options: Namespace) -> Exit:
    """Count groups, measure bias, and check the quality of data."""
    from actgate.cli import audit as auditing

    return auditing.audited(options)


def evaluate(options: Namespace) -> Exit:
    """Measure what a model does, or take a report of another library."""
    from actgate.cli import evaluate as evaluating

    return evaluating.evaluated(options)


def attest(options: Namespace) -> Exit:
    """Sign evidence, or add what was signed elsewhere, and write the manifest."""
    from actgate.cli import attest as signing
    from actgate.cli import evidence

    signing.require_usage(options)
    given = evidence.manifest(options.manifest)
    if options.model is not None:
        given = evidence.with_model(given, options.model, options.ignore)
    if options.envelope is not None:
        found = signing.with_envelope(given, options.envelope, options.chain, options.name)
    else:
        who, kind = signing.signer(options.key, options.chain), options.type or signing.WHOLE
        found = signing.signed(given, who, kind, options.name, options.predicate, alone=options.envelope_only)
    signing.write(found, options.output, options.output_file)
    return Exit.PASSED


def approve(options: Namespace) -> Exit:
    """Sign an approval of what was signed."""
    from actgate.cli import attest as signing
    from actgate.cli import evidence

    given, who = evidence.given(options.file), signing.signer(options.key, options.chain)
    found = signing.approved(given, who, options.role, options.by, options.of, options.name)
    signing.write(found, options.output, options.output_file)
    return Exit.PASSED


def pack(options: Namespace) -> Exit:
    """Write a pack, and say what the verdict in it is."""
    from pathlib import Path

    from actgate.api.canonical import sha256
    from actgate.cli import evidence
    from actgate.cli import pack as packing
    from actgate.cli import verify as verification
    from actgate.documents.writing import write_whole

    now = options.at or datetime.now(UTC)
    manifest = evidence.manifest_file(options.manifest, options.run_dir)
    given, left_out = packing.of_files(
        manifest,
        options.policy,
        options.object,
        options.run_dir,
        options.namespace,
        now,
        options.output_file,
    )
    files, found = packing.contents(given)
    data = packing.sealed(files)
    try:
        write_whole(Path(options.output_file), data)
    except OSError as error:
        raise UnusableError(f"{options.output_file} cannot be written: {streams.reason(error)}") from None
    text = f"{sha256(data)}  {options.output_file}\n" + verification.render(found, "text")
    streams.write(lambda: sys.stdout.write(text))
    streams.note(found.remarks)
    streams.note([f"{options.run_dir}: not packed, since it is not evidence: {name}" for name in left_out])
    return found.exit


def verify(options: Namespace) -> Exit:
    """Verify who signed evidence, and judge it under the policies."""
    from actgate.cli import evidence, sources, verify_pack
    from actgate.cli import verify as verification

    if verify_pack.is_pack(options.file):
        policies = sources.read(options.policy)
        checked = verify_pack.checked(options.file, policies, options.at, options.model, options.ignore)
        shown = verify_pack.render(checked, options.output)
        streams.write(lambda: sys.stdout.write(shown))
        streams.note(checked.remarks)
        return checked.exit
    found = verification.verified(
        evidence.given(options.file),
        sources.read(options.policy),
        options.namespace,
        options.at or datetime.now(UTC),
        options.model,
        options.ignore,
    )
    text = verification.render(found, options.output)
    streams.write(lambda: sys.stdout.write(text))
    streams.note(found.remarks, "error" if found.exit is Exit.NOTHING else "warning")
    return found.exit


def card(options: Namespace) -> Exit:
    """Write a document that is made of a manifest."""
    from actgate.cli import card as documents
    from actgate.extras import needs

    place = documents.target(options)
    with needs("actgate card", "pipeline"):
        text = documents.made(options, place)
    if place is None:
        streams.write(lambda: sys.stdout.write(text))
    else:
        documents.write(text, place)
    return Exit.PASSED


def verify_log(options: Namespace) -> Exit:
    """Prove that decision logs are what was written, or say where they are not."""
    import json

    from actgate.cli import log, replay

    if options.replay is None:
        proof = log.verified(options.files, options.head, strict=options.strict)
        replayed = None
    else:
        replayed = replay.Replay(options.replay)
        proof = log.verified(options.files, options.head, strict=options.strict, taken=replayed.take)
    if options.output == "text":
        lines = [*log.report(proof), *(replayed.report() if replayed is not None else ())]
    else:
        more = {"replay": replayed.document()} if replayed is not None else {}
        lines = [json.dumps({**log.document(proof), **more}, indent=2)]
    streams.write(lambda: sys.stdout.writelines(f"{line}\n" for line in lines))
    if replayed is None or log.exit_code(proof) is not Exit.PASSED:
        return log.exit_code(proof)
    return replayed.exit_code(strict=options.strict)


def trace_verify(options: Namespace) -> Exit:
    """Prove that inference logs are what was written, or say where they are not."""
    from actgate.cli import trace

    return trace.verify(options)


def trace_query(options: Namespace) -> Exit:
    """Print records of inference logs."""
    from actgate.extras import needs

    with needs("actgate trace query", "trace"):
        from actgate.cli import trace_query as asking
    return asking.query(options)


def trace_export(options: Namespace) -> Exit:
    """Write the proof of a decision, or all records in a file for tools."""
    if options.id is not None:
        from actgate.cli import trace_export as export

        return export.decision(options)
    from actgate.extras import needs

    with needs("actgate trace export --parquet", "trace"):
        from actgate.cli import trace_query as asking
    return asking.to_parquet(options)
