"""The configuration reference as Markdown, from the settings of all services: docs/configuration.md."""

from collections.abc import Iterator
from enum import EnumType
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from actgate.runtime.settings import Between, Duration, ServiceSettings
from actgate_operator.settings import Settings as OperatorSettings
from actgate_recorder.settings import Settings as RecorderSettings
from actgate_webhook.settings import Settings as WebhookSettings

_HEAD: Final = """\
# Configuration

This page is written by `make docs`.

Each setting is a flag and an environment variable; the flag wins. Lists are flags that are given several
times, and JSON in a variable: `["a", "b"]`. Durations are written as `10s`, `2m30s` or `500ms`. An unknown
flag, an unknown variable with one of the prefixes below, and an invalid value end the process with exit code
2 and one sentence. What is asked of evidence is never set here, but in a CompliancePolicy
(`kubectl explain acp.spec`).

Change a setting in an overlay, as one more argument or as a variable:

```yaml
patches:
- target: {kind: Deployment, name: actgate-webhook}
  patch: |-
    - {op: add, path: /spec/template/spec/containers/0/args/-, value: --log-level=DEBUG}
```

With Helm it is one more of `webhook.extraArgs` or `webhook.env` ([values](chart.md#webhook)).

Traces are sent where `OTEL_EXPORTER_OTLP_ENDPOINT` says, and the other variables of the OpenTelemetry SDK
apply; without it there are none. Let the port of the endpoint out by a NetworkPolicy beside those of
`deploy/base`.
"""

_SERVICES: Final[tuple[type[ServiceSettings], ...]] = (
    WebhookSettings,
    OperatorSettings,
    RecorderSettings,
)


def reference() -> str:
    """Return the page: a table for each service."""
    return "\n".join([_HEAD, *map(_section, _SERVICES)])


def _section(settings: type[ServiceSettings]) -> str:
    name, prefix = settings.model_config["cli_prog_name"], settings.model_config["env_prefix"]
    table = ["| Flag | Variable | Default | Type | Description |", "|---|---|---|---|---|"]
    for field, info in settings.model_fields.items():
        cells = (f"`--{field.replace('_', '-')}`", f"`{prefix}{field.upper()}`", *_described(info))
        table.append(f"| {' | '.join(cells)} |")
    return "\n".join([f"## {name}", "", *table, ""])


def _described(info: FieldInfo) -> tuple[str, str, str]:
    what = " ".join((info.description or "").split()).replace("|", "\\|")
    return _default(info), _type(info), what


def _default(info: FieldInfo) -> str:
    if info.default is PydanticUndefined or info.default in (None, ()):
        return ""
    return f"`{info.default}`"


def _type(info: FieldInfo) -> str:
    kind = info.annotation
    if choices := [f"`{value}`" for value in _choices(kind)]:
        return " or ".join(choices)
    return _words(kind) + "".join(_bounds(info.metadata))


def _choices(kind: Any) -> list[Any]:  # noqa: ANN401 - a type, as pydantic keeps it
    if isinstance(kind, EnumType):
        return list(kind)
    return list(get_args(kind)) if get_origin(kind) is Literal else []


def _words(kind: Any) -> str:  # noqa: ANN401 - a type, as pydantic keeps it
    if get_origin(kind) is tuple:
        return "list of strings"
    known = {int: "integer", Duration: "duration", str: "string", Path: "path"}
    (stated,) = (item for item in (get_args(kind) or (kind,)) if item is not type(None))
    return known[stated]


def _bounds(metadata: list[Any]) -> Iterator[str]:
    for bound in metadata:
        match bound:
            case Ge():
                yield f", at least {bound.ge}"
            case Le():
                yield f", at most {bound.le}"
            case MaxLen():
                yield f", at most {bound.max_length} characters"
            case MinLen():
                yield ", not empty"
            case Between():
                yield f", {bound}"
