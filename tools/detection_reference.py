"""The page of the signals by which a workload looks like a model server, from their table."""

from collections.abc import Iterable, Iterator
from re import Pattern
from typing import Final

from actgate.api.names import INFERENCE_LABEL
from actgate.subjects.command_line import MOST_READ
from actgate.subjects.signal_rules import HintRule, ImageRule, signal_rules
from actgate.subjects.signals import UNREAD

_HEAD: Final = f"""\
# Detection

A workload that serves a model and does not say so is found by its signals: its image, its command line, or
hints that name a model. This page is generated from `core/actgate/subjects/signals.yaml` (`make generate`);
[`actgate inspect`](inspect.md) shows the signals of an object.

## Tiers

| tier | what it means | effect |
|---|---|---|
| Strong | one fact that hardly anything but a model server has: image, command, label | `detection.strong` |
| Likely | two hints of different families, one of which names a model | `detection.likely` |
| Weak | any other hints | `detection.weak` |

Each effect is Deny, Warn or Audit, in `spec` of every CompliancePolicy that selects the namespace; all are
Audit by default. An object that is detected and links no evidence has one finding, `inference/undeclared`.
With a link it is judged like any other.

Nothing that a user writes takes a signal away: the label `{INFERENCE_LABEL}: "false"` withdraws a
declaration, and never a detection. What is no model server and looks like one needs an Exemption. Ports are
no signal.

## How it is read

- **Images** are matched in lower case without registry, tag and digest, so that a mirror keeps the signal.
- **Command lines** are command and args together, also what a shell is given by `-c`, split as a shell
  does, up to three shells within shells; and what the hooks and probes of a container run. Variables with a
  value of their own are put in.
- **What is too long to be read** could be anything: over {MOST_READ} characters of scripts, or so many words
  that reading them would take seconds, are the strong signal `{UNREAD}`.
- **Init containers** serve by their image and their command, since they need not end. Their hints do not
  count, since they may only fetch what is loaded, unless they restart always (native sidecars). Ephemeral
  containers count like any other.

## What no rule can find

- A server in an image with a name of its own, started by a program with a name of its own, that names its
  model in a file. Declare the namespace's workloads, or require images from registries that you build.
- What a script computes, downloads or decodes while it runs; a program that is copied under another name.
- Values in a ConfigMap, a Secret or a volume. A variable that names a model and comes from one is reported as
  "not stated here"; the content is not read.
- A model inside of an image, or behind a call to a service outside of the cluster.
- Kinds that no row describes, and whose pods show none of the signals.

"""


def reference() -> str:
    """Return the page."""
    rules = signal_rules()
    commands: dict[str, list[str]] = {}
    for command in rules.commands:
        commands.setdefault(command.id, []).extend(command.words)
    parts = [
        _table("Images", ("rule", "tier", "matches", "and not"), map(_image, rules.images)),
        _table(
            "Commands (strong)", ("rule", "words"), ((_code(id_), _codes(w)) for id_, w in commands.items())
        ),
        _table("Hints", ("rule", "family", "matches", "its value is loaded"), map(_hint, rules.hints)),
        _table(
            "Labels",
            ("rule", "tier", "keys", "values"),
            (
                (_code(rule.id), rule.tier, _codes(rule.keys), _codes(rule.values) or "any")
                for rule in rules.labels
            ),
        ),
        "Init containers, scripts of a shell, hooks and probes say what is loaded by words that are URIs of "
        f"the schemes {_codes(rules.fetches.schemes)}, by URLs of files that end in "
        f"{_codes(rules.fetches.files)}, "
        f"and by {_codes(rules.fetches.commands)}.",
    ]
    return _HEAD + "\n".join(parts) + "\n"


def _image(rule: ImageRule) -> tuple[str, ...]:
    named = (("name", rule.last), ("path", rule.path), ("registry", rule.host), ("tag", rule.tag))
    return _code(rule.id), rule.tier, _patterns(named), _patterns((("name", rule.not_last),)) or "-"


def _patterns(named: Iterable[tuple[str, Pattern[str] | None]]) -> str:
    return "; ".join(f"{name} {_code(pattern.pattern)}" for name, pattern in named if pattern is not None)


def _hint(rule: HintRule) -> tuple[str, ...]:
    return _code(rule.id), rule.family, "; ".join(_matches(rule)), "yes" if rule.loads else "-"


def _matches(rule: HintRule) -> Iterator[str]:
    named = (
        ("flags", rule.flags),
        ("variables", rule.env),
        ("variables that begin with", rule.env_prefix),
        ("mounts", rule.mounts),
        ("resources", [pattern.pattern for pattern in rule.resources]),
        ("probes of", rule.probes),
    )
    for title, values in named:
        if values:
            yield f"{title} {_codes(values)}"
    if rule.volume:
        yield f"a volume of type {_code(rule.volume)}"
    if rule.claims:
        yield "resource claims of the pod"


def _table(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"## {title}\n", f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    """Return text as code within a table, in which a bar would end the cell."""
    escaped = text.replace("|", "\\|")
    return f"`{escaped}`"


def _codes(texts: Iterable[str]) -> str:
    return ", ".join(map(_code, texts))
