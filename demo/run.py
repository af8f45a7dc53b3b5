"""The demo: webhook and operator, a pipeline's evidence, every example, and models at work."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from actgate_sandbox import control_plane
from actgate_sandbox.errors import SandboxError
from actgate_sandbox.rest import Rest
from demo import attested, credit, serving
from demo.applying import Applied, Applier, applier
from demo.examples import Example, as_of, load_all
from demo.gate import installed, read_definitions
from demo.lifecycle import NAMESPACE, Course, Step
from demo.service import Service

_RULE: Final = re.compile(r"\[([a-z]+/[a-z]+)\]")
_WARNED: Final = re.compile(r"^Warning: ([a-z]+/[a-z]+):", re.MULTILINE)

Row = tuple[str, str, str, str, bool]
"""What was applied, the answer, the rules, the words, and whether that is what must be answered."""


def run(engine: str, root: Path, console: Console, holds_for: timedelta = timedelta(seconds=20)) -> int:
    """Show everything; return 0 when every answer was what the example says it must be.

    Args:
        engine: ``auto``, ``stand-in`` or ``envtest``.
        root: The checkout that holds ``examples/``, ``crds/`` and ``deploy/``.
        console: Where to print.
        holds_for: How long the evidence of a model holds that is scaled to zero when it ends.

    Raises:
        SandboxError: When something does not come up, or the checkout is not whole.
    """
    now = datetime.now(UTC)
    with _cluster(engine, root, console) as (apply, rest, webhook):
        rows = list(_pipeline(root / "examples" / "pipeline", apply, rest, now, console))
        console.rule("Every example, in a namespace of its own")
        for folder in ("accepted", "refused"):
            for example in load_all(root / "examples" / folder, now):
                rows.append(_judged(example, apply, rest, webhook))
                console.print(f"  {rows[-1][0]}: {rows[-1][1]}", highlight=False)
        rows += _attested(root / "examples" / "attested", apply, webhook, console)
        console.rule("Two models on real data, as examples/credit measured and signed them")
        rows += _credit(root / "examples" / "credit" / "evidence", apply, webhook, console)
        course = Course(root / "examples" / "lifecycle", apply, rest, webhook, holds_for)
        steps = list(_lifecycle(course, rest, now, console))
        used = list(_serving(root, root / "examples" / "credit" / "evidence", rest, webhook, console))
    console.print(answers_table(rows, apply.name))
    console.print(_steps_table("What was done to models at work, and what the operator did", steps))
    console.print(_steps_table("One decision, from the HTTP answer to the signed evidence", used))
    wrong = [row[0] for row in rows if not row[4]] + [step.done for step in (*steps, *used) if not step.right]
    if wrong:
        console.print(f"[red]{len(wrong)} are not as they must be: {', '.join(wrong)}[/red]")
        return 1
    console.print(f"{len(rows)} answers and {len(steps) + len(used)} steps, each as it must be.")
    return 0


def run_credit(engine: str, root: Path, evidence: Path, console: Console) -> int:
    """Show the cluster's part of ``examples/credit``; return 0 when every answer is the expected one.

    Args:
        engine: ``auto``, ``stand-in`` or ``envtest``.
        root: The checkout that holds ``crds/`` and ``deploy/``.
        evidence: The folder with the policy, the manifests and the models.
        console: Where to print.
        holds_for: How long the evidence of a model holds that is scaled to zero when it ends.

    Raises:
        SandboxError: When something does not come up, or the checkout is not whole.
    """
    with _cluster(engine, root, console) as (apply, _, webhook):
        wrong = [row[0] for row in _credit(evidence, apply, webhook, console) if not row[4]]
    for name in wrong:
        console.print(f"error: {name}: not the expected answer", highlight=False, markup=False)
    return 1 if wrong else 0


def _credit(evidence: Path, apply: Applier, webhook: Service, console: Console) -> Iterator[Row]:
    for name, applied, expected in credit.steps(evidence, apply, webhook):
        console.print(name, style="bold", highlight=False, markup=False)
        console.print(applied.output, highlight=False, markup=False, soft_wrap=True)
        yield _row(name, applied, expected)


@contextmanager
def _cluster(engine: str, root: Path, console: Console) -> Iterator[tuple[Applier, Rest, Service]]:
    read_definitions(root)  # Said before anything is started: this may be the wrong folder.
    with control_plane.start(engine, workloads=True) as plane:
        console.print(f"API server: {plane.engine} at {plane.url}, with nodes for every pod")
        rest = plane.rest()
        with installed(plane, root) as (webhook, running):
            console.print(f"webhook:    ready at https://127.0.0.1:{webhook.port}, called for every apply")
            console.print(f"operator:   ready, and says so at http://127.0.0.1:{running.port}/readyz?verbose")
            yield applier(plane.kubeconfig, rest), rest, webhook
        rest.close()


def _lifecycle(course: Course, rest: Rest, now: datetime, console: Console) -> Iterator[Step]:
    console.rule("What happens to models that were let in")
    _create_namespace(rest, NAMESPACE)
    for step in course.steps(now):
        console.print(f"  {step.done}: {step.seen}", highlight=False, markup=False)
        yield step


def _serving(root: Path, evidence: Path, rest: Rest, webhook: Service, console: Console) -> Iterator[Step]:
    console.rule("A model is used, and one decision is followed by its id")
    for step in serving.steps(root, evidence, rest, webhook):
        console.print(f"  {step.done}: {step.seen}", highlight=False, markup=False, soft_wrap=True)
        yield step


def _pipeline(folder: Path, apply: Applier, rest: Rest, now: datetime, console: Console) -> Iterator[Row]:
    """Deploy the same model on the file that the pipeline writes, and on one with oversight as text."""
    console.rule("A training pipeline writes its evidence, and an engineer deploys the model")
    with tempfile.TemporaryDirectory() as directory:
        _say(console, _python(folder / "train.py", cwd=directory), "python examples/pipeline/train.py")
        written = Path(directory) / "model_compliance_manifest.json"
        console.print(written.read_text(encoding="utf-8").strip(), highlight=False, markup=False)
        applied = _convert_and_apply(written, "demo-pipeline", folder, apply, rest, now, console)
        yield _row("the pipeline's own v0 file", applied, applied.accepted)
        written.write_text(as_of((folder / "oversight-as-text.json").read_text(encoding="utf-8"), now))
        console.print('\nThe same file with "human_oversight_enabled": "true", a text:')
        applied = _convert_and_apply(written, "demo-pipeline-text", folder, apply, rest, now, console)
        refused = not applied.accepted and _RULE.findall(applied.output) == ["oversight/missing"]
        yield _row("the v0 file with oversight as text", applied, refused)


def _convert_and_apply(
    written: Path, namespace: str, folder: Path, apply: Applier, rest: Rest, now: datetime, console: Console
) -> Applied:
    converted = _python(
        "-m", "actgate.cli", "manifest", "convert", str(written), "-o", "yaml", cwd=str(written.parent)
    )
    _say(console, converted, f"actgate manifest convert {written.name} -o yaml | kubectl apply -f -")
    _create_namespace(rest, namespace)
    evidence = apply(converted.stdout, namespace)
    model = apply(as_of((folder / "model.yaml").read_text(encoding="utf-8"), now), namespace)
    for applied in (evidence, model):
        console.print(applied.output, highlight=False, markup=False, soft_wrap=True)
    return Applied(evidence.accepted and model.accepted, f"{evidence.output}\n{model.output}")


def _attested(folder: Path, apply: Applier, webhook: Service, console: Console) -> Iterator[Row]:
    console.rule("Evidence that three parties signed, and the same evidence after an edit")
    for name, applied, admitted in attested.steps(folder, apply, webhook):
        console.print(applied.output, highlight=False, markup=False, soft_wrap=True)
        refused = not applied.accepted and _RULE.findall(applied.output) == ["evidence/mismatch"]
        yield _row(name, applied, applied.accepted if admitted else refused)


def _row(name: str, applied: Applied, expected: bool) -> Row:
    answer, rules = _answer(applied)
    return (name, answer, rules, _first_line(applied), expected)


def _python(*arguments: str | Path, cwd: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    if done.returncode != 0:
        raise SandboxError(f"{' '.join(map(str, arguments))} failed: {done.stderr.strip()}")
    return done


def _say(console: Console, done: subprocess.CompletedProcess[str], command: str) -> None:
    console.print(f"$ {command}", style="bold", highlight=False, markup=False, soft_wrap=True)
    if done.stderr:
        console.print(done.stderr.strip(), style="dim", highlight=False, markup=False, soft_wrap=True)


def _judged(example: Example, apply: Applier, rest: Rest, webhook: Service) -> Row:
    applied = _apply(example, apply, rest, webhook)
    return _row(example.name, applied, _as_expected(example, applied))


def _apply(example: Example, apply: Applier, rest: Rest, webhook: Service) -> Applied:
    if example.names_its_namespace:
        # A policy reaches the webhook by a watch, some milliseconds after it is stored.
        known = webhook.knows("compliancepolicies")
        ground = apply(example.ground)
        if not ground.accepted:
            return ground
        webhook.wait_until_it_knows("compliancepolicies", known + example.policies)
        return apply(example.text)
    namespace = f"demo-{example.name}"
    _create_namespace(rest, namespace)
    return apply(example.text, namespace)


def _create_namespace(rest: Rest, name: str) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    reply = rest("POST", "/api/v1/namespaces", body)
    if reply.status not in (201, 409):
        raise SandboxError(f"namespace {name} could not be created: {reply.message}")


def _answer(applied: Applied) -> tuple[str, str]:
    if applied.accepted:
        warned = dict.fromkeys(_WARNED.findall(applied.output))
        return ("let in, with warnings" if warned else "let in", ", ".join(warned))
    return "refused", ", ".join(dict.fromkeys(_RULE.findall(applied.output)))


def _as_expected(example: Example, applied: Applied) -> bool:
    refused = set(_RULE.findall(applied.output))
    if example.refused_by_schema:
        # The API server refused the manifest by itself, and so there is no evidence for the model.
        return not applied.accepted and "is invalid" in applied.output and refused == {"link/manifest"}
    if example.outcome == "Fail":
        return not applied.accepted and refused == set(example.rules)
    return applied.accepted and set(_WARNED.findall(applied.output)) == set(example.rules)


def _first_line(applied: Applied) -> str:
    """Return the first reason of a refusal; else the last line of the output."""
    lines = [line for line in applied.output.splitlines() if not line.startswith("Warning:")]
    text = "\n".join(lines)
    if invalid := re.search(r" is invalid:\s*(?:\* )?([^\n]+)", text):
        return invalid[1]
    if finding := re.search(
        r"^\[[a-z/]+\] (?:compliancemanifest/\S+ )?\S+ (.+?)(?:; fix: .*)? \([^()]*\)$", text, re.MULTILINE
    ):
        return finding[1]
    return lines[-1] if lines else ""


def answers_table(rows: list[Row], how: str) -> Table:
    """Return a table of what was applied and answered; ``how`` names the way of applying."""
    table = Table(title=f"What was applied ({how}), and the answer of the API server", show_lines=True)
    for heading, ratio in (("applied", 3), ("answer", 1), ("rules", 2), ("in its words", 5)):
        table.add_column(heading, ratio=ratio, overflow="fold")
    for name, answer, rules, words, expected in rows:
        style = "green" if answer.startswith("let in") else "yellow"
        # A refusal by schema begins with a bracket, which rich would take for markup.
        cells = (name, answer if expected else f"{answer} (!)", rules, escape(words))
        table.add_row(*cells, style=style if expected else "red")
    return table


def _steps_table(title: str, steps: list[Step]) -> Table:
    table = Table(title=title, show_lines=True)
    for heading in ("what was done", "what was seen", "as it must be"):
        table.add_column(heading, ratio=1, overflow="fold")
    for step in steps:
        seen = step.seen if step.right else f"{step.seen} (!)"
        table.add_row(step.done, seen, step.expected, style="green" if step.right else "red")
    return table
