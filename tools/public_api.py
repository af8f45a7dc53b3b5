"""The public API as Markdown, from the code: docs/public-api.md, whose promises docs/api-stability.md states.

A name that is removed or renamed changes the page, so that a change of the API is seen in its review.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
from collections.abc import Iterator
from enum import Enum
from pathlib import PurePath
from typing import Any, Final

from prometheus_client import CollectorRegistry

from actgate.api import names
from actgate.cli import arguments
from actgate.cli.exits import Exit
from actgate.records import lines
from actgate_operator import names as operator_names
from actgate_operator.certificates.metrics import CertificateMetrics
from actgate_operator.metrics import Metrics as OperatorMetrics
from actgate_operator.registration.metrics import RegistrationMetrics
from actgate_operator.scan.metrics import ScanMetrics
from actgate_operator.status.report import OWN_CONDITIONS
from actgate_webhook.metrics import Metrics as WebhookMetrics
from tools import crd

PYTHON: Final = ("actgate", "actgate.pipeline")
"""The modules that others import; of each, what ``__all__`` names."""

_HEAD: Final = """\
# Public API

This page is written by `make docs` from the code. [API stability](api-stability.md) says what is promised of
each name. Rules are listed in [rules](rules.md), flags and variables of the services in
[configuration](configuration.md), kinds that are judged in [kinds](kinds.md), fields of the resources in
`crds/`, reasons of conditions and Events in [operator](operator.md#conditions-and-events).
"""

_LABELS: Final = (names.INFERENCE_LABEL, names.ENFORCE_LABEL, names.EXEMPT_LABEL)
_ANNOTATIONS: Final = (
    names.MANIFEST_ANNOTATION,
    names.MODEL_ANNOTATION,
    names.MODEL_VERSION_ANNOTATION,
    names.MODEL_DIGEST_ANNOTATION,
    names.PROVIDER_ANNOTATION,
    names.LOGGING_ANNOTATION,
    names.STOPPED_BY_ANNOTATION,
    names.STOP_REASON_ANNOTATION,
)
_WRITTEN: Final = (operator_names.MANIFEST_DIGEST_ANNOTATION,)
_OF_REPORTS: Final = (names.REPORT_LABEL,)


def reference() -> str:
    """Return the page."""
    sections = (_python(), _commands(), _resources(), _keys(), _metrics(), _log())
    return "\n".join([_HEAD, *("\n".join(section) + "\n" for section in sections)])


def _table(*heads: str) -> list[str]:
    return [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]


def _python() -> Iterator[str]:
    yield "## Python"
    for module in PYTHON:
        yield from ("", f"### {module}", "", *_table("name", "what it is"))
        loaded = importlib.import_module(module)
        for name in sorted(loaded.__all__):
            yield from _object(name, getattr(loaded, name))


def _object(name: str, found: Any) -> Iterator[str]:  # noqa: ANN401 - any public object
    """Yield the row of an object, and those of the public members of a class."""
    if not callable(found):
        yield f"| `{name}` | the version, as text |"
        return
    if inspect.isclass(found) and issubclass(found, Exception):
        yield f"| `{name}` | {_words(found)} |"
        return
    yield f"| `{name}{signature(found)}` | {_words(found)} |"
    if inspect.isclass(found):
        for member, value in sorted(vars(found).items()):
            if member.startswith("_"):
                continue
            called = signature(value) if callable(value) else ""
            yield f"| `{name}.{member}{called}` | {_words(value)} |"


def signature(found: Any) -> str:  # noqa: ANN401 - anything that can be called
    """Return names, kinds and defaults of parameters; their types are the code's."""
    shown = []
    for parameter in inspect.signature(found).parameters.values():
        if parameter.name != "self":
            shown.append(parameter.replace(annotation=parameter.empty, default=_plain(parameter.default)))
    return str(inspect.Signature(shown))


def _plain(default: Any) -> Any:  # noqa: ANN401 - any default
    """Return what a caller would write."""
    if isinstance(default, tuple):
        return tuple(map(_plain, default))
    if isinstance(default, Enum):
        return default.value
    return str(default) if isinstance(default, PurePath) else default


def _words(found: Any) -> str:  # noqa: ANN401 - any public object
    summary = (inspect.getdoc(found) or "").partition("\n\n")[0]
    return " ".join(summary.split()).replace("|", "\\|").replace("``", "`")


def _commands() -> Iterator[str]:
    yield from ("## Commands", "", "`kubectl actgate` takes the same.", "", *_table("command", "takes"))
    for name, command in commands(arguments.parser()):
        yield f"| `{name}` | {', '.join(_arguments(command))} |"
    yield from ("", *_table("exit code", "meaning"))
    documented = _member_words(Exit)
    for code in Exit:
        yield f"| {code.value} | {documented[code.name]} |"


def commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield each command that does something by itself, by what a user types."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if [*_arguments(parser)]:
        yield parser.prog, parser
    for action in below:
        for command in action.choices.values():
            yield from commands(command)


def _arguments(command: argparse.ArgumentParser) -> Iterator[str]:
    for action in command._actions:
        if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            continue
        choices = f" {{{','.join(map(str, action.choices))}}}" if action.choices else ""
        stated = ", ".join(action.option_strings) or str(action.metavar or action.dest)
        yield f"`{stated}{choices}`"


def _member_words(kind: type[Enum]) -> dict[str, str]:
    """Return the words below each member of an enumeration, which Python itself does not keep."""
    found, last = {}, ""
    for line in map(str.strip, inspect.getsource(kind).splitlines()):
        if (name := line.partition(" = ")[0]) in kind.__members__:
            last = name
        elif last and line.startswith('"""'):
            found[last] = line.strip('"')
    return found


def _resources() -> Iterator[str]:
    yield from ("## Resources", "", *_table("kind", "versions", "names", "scope"))
    for definition in crd.definitions().values():
        spec = definition["spec"]
        versions = ", ".join(f"`{spec['group']}/{version['name']}`" for version in spec["versions"])
        called = ", ".join(f"`{name}`" for name in (spec["names"]["plural"], *spec["names"]["shortNames"]))
        yield f"| `{spec['names']['kind']}` | {versions} | {called} | {spec['scope']} |"


def _keys() -> Iterator[str]:
    yield from ("## Labels, annotations and conditions", "", *_table("name", "what it is"))
    for group, what in (
        (_LABELS, "label that actgate reads"),
        (_ANNOTATIONS, "annotation that actgate reads"),
        (_WRITTEN, "annotation that the operator writes"),
        (_OF_REPORTS, "label of reports, a hash of their content"),
        (sorted(OWN_CONDITIONS), "condition of a ModelDeployment"),
    ):
        yield from (f"| `{key}` | {what} |" for key in group)


def _metrics() -> Iterator[str]:
    yield from ("## Metrics", "", *_table("metric", "type", "labels", "what it is"))
    for registry in _registries():
        for family, labels in families(registry):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            shown = ", ".join(f"`{label}`" for label in labels)
            yield f"| `{name}` | {family.type} | {shown} | {family.documentation} |"


def _registries() -> Iterator[CollectorRegistry]:
    yield WebhookMetrics().registry
    operator = OperatorMetrics()
    operator.watch_models(dict)
    CertificateMetrics(operator.registry)
    RegistrationMetrics(operator.registry)
    ScanMetrics(operator.registry)
    yield operator.registry


def families(registry: CollectorRegistry) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Yield each family of a registry with the names of its labels, sorted by its name."""
    found = [
        (family, tuple(getattr(family, "_labelnames", ()) or getattr(collector, "_labelnames", ())))
        for collector in registry._collector_to_names
        for family in collector.collect()
    ]
    return iter(sorted(found, key=lambda item: item[0].name))


def _log() -> Iterator[str]:
    kinds = ", ".join(f"`{kind.value}`" for kind in lines.Kind)
    yield from ("## Decision log", "", f"Lines of the format `{lines.FORMAT}`, of the kinds {kinds};")
    yield "[their fields](decision-log.md#what-a-line-says)."
